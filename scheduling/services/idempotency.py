"""The same request twice has one effect and one answer (scheduling reference, section 7)."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.db import IntegrityError, transaction

from scheduling.exceptions import IdempotencyKeyReused, SchedulingError
from scheduling.models import IdempotencyKey
from scheduling.services.transactions import run_atomically

KEPT = timedelta(hours=24)
LONGEST_KEY = 255
Answer = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answered:
    """What a request was answered; `replayed` tells whether an earlier one had the effect."""

    answer: Answer
    replayed: bool


def answer_once(
    *, scope: str, key: str, body: Any, now: datetime, work: Callable[[], Answer]
) -> Answered:
    """
    Do `work` and keep its answer, or give the kept answer of the same request again.

    The row comes first, in the transaction of the work: a twin waits on its unique index until the first has
    committed. A failure of `work` takes the row along, so that it may be tried again under the same key. `scope` names
    the owner of the key with method and path, `body` is anything that JSON can hold.

    Raises:
        IdempotencyKeyReused: the key came with another body before.
        SchedulingError: the key is empty, too long, or not printable; or whatever `work` raises.
    """
    if not 0 < len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise SchedulingError("An Idempotency-Key has 1 to 255 printable characters.")
    digest = sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def attempt() -> Answered:
        IdempotencyKey.objects.filter(scope=scope, key=key, created_at__lte=now - KEPT).delete()
        try:
            with transaction.atomic():
                row = IdempotencyKey.objects.create(
                    scope=scope, key=key, digest=digest, created_at=now
                )
        except IntegrityError:
            return _kept(scope, key, digest)
        row.answer = dict(work())
        row.save(update_fields=["answer"])
        return Answered(row.answer, replayed=False)

    return run_atomically(attempt)


def forget_answers(*, now: datetime) -> int:
    """Drop the rows whose time is over; return how many."""
    stale = IdempotencyKey.objects.filter(created_at__lte=now - KEPT)
    return run_atomically(lambda: stale.delete()[0])


def _kept(scope: str, key: str, digest: str) -> Answered:
    row = IdempotencyKey.objects.get(scope=scope, key=key)
    if row.digest != digest:
        raise IdempotencyKeyReused
    return Answered(row.answer or {}, replayed=True)
