"""
Heads of the chain, stored outside the database: what was cut off its end, or sealed anew, is found by them (S49).

A head is a small JSON file, one for each day, in `audit-heads` below MEDIA_ROOT. Copied to another machine it proves
the most.
"""

import json
import logging
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings

from accounts.audit.chain import Seal

FOLDER = "audit-heads"

logger = logging.getLogger(__name__)


class NoHead(Exception):
    """A file is not a head of the audit record."""

    code = "no_head"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.detail = f"{path} is not a head of the audit record."


@dataclass(frozen=True, slots=True)
class Head:
    """The newest seal at some time, and the hash of the first seal of its chain, which tells chains apart."""

    seal: Seal
    first: str


def store_head(head: Head, *, now: datetime) -> bool:
    """Store the head of the day; say whether it was not stored yet."""
    path = path_of_day(head, now=now)
    if path.exists():
        return False
    write_head(head, path=path, now=now)
    logger.info("accounts.audit.head_stored", extra={"count": head.seal.number})
    return True


def folder() -> Path:
    """Return where this installation keeps its heads."""
    return Path(settings.MEDIA_ROOT) / FOLDER


def path_of_day(head: Head, *, now: datetime) -> Path:
    """Return where the head of a day (UTC) belongs."""
    return folder() / f"head-{now.astimezone(UTC):%Y-%m-%d}-{head.first[:8]}.json"


def write_head(head: Head, *, path: Path, now: datetime) -> None:
    """Write a head whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fields = {**head.seal._asdict(), "first": head.first, "at": now.astimezone(UTC).isoformat()}
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        file.write(json.dumps(fields, indent=2) + "\n")
    Path(file.name).replace(path)


def read_head(path: Path) -> Head:
    """
    Return the head in a file.

    Raises:
        NoHead: the file cannot be read, or holds something else.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        number, seq = int(found["number"]), int(found["seq"])
        seal = Seal(number, seq, str(found["key_id"]), str(found["hash"]))
        return Head(seal, str(found["first"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NoHead(path) from error


def stored_heads(*, first: str) -> Iterator[Head]:
    """
    Yield the heads of this installation, oldest first; `first` is the hash of the first seal of its record.

    On a developer's machine heads of databases that were thrown away are left out; elsewhere every one counts, or
    nobody would notice that the whole record was replaced.
    """
    for path in sorted(folder().glob("head-*.json")):
        head = read_head(path)
        if head.first == first or not settings.DEBUG:
            yield head
