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
THREADS = 12
_executor = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="call-database")


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run database work beside the event loop and return its result."""
    job = database_sync_to_async(function, thread_sensitive=False, executor=_executor)
    result: T = await job(*args, **kwargs)
    return result
