"""
The threads that calls use for the database.

They are their own, so that pages cannot starve a call nor calls a page, and few enough for the connection pool.
`database_sync_to_async` gives each job's connection back when it is done; `sync_to_async` would keep it.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from channels.db import database_sync_to_async

P = ParamSpec("P")
T = TypeVar("T")
TOOL_THREADS, RECORD_THREADS = 12, 4
_tools = ThreadPoolExecutor(TOOL_THREADS, thread_name_prefix="call-tools")
_record = ThreadPoolExecutor(RECORD_THREADS, thread_name_prefix="call-record")


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a tool's database work beside the event loop and return its result."""
    job = database_sync_to_async(function, thread_sensitive=False, executor=_tools)
    result: T = await job(*args, **kwargs)
    return result


async def in_record_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run work that must not wait for tools: the start of a call, its record, its end."""
    job = database_sync_to_async(function, thread_sensitive=False, executor=_record)
    result: T = await job(*args, **kwargs)
    return result
