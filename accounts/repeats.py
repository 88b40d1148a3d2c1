"""The same request twice has one effect and one answer (scheduling reference, section 7)."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts.exceptions import IdempotencyKeyReused, InvalidIdempotencyKey
from accounts.models import IdempotencyKey

KEPT = timedelta(hours=24)
LONGEST_KEY = 255
Answer = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answered:
    """What a request was answered; `replayed` tells whether an earlier one had the effect."""

    answer: Answer
    replayed: bool


def in_a_transaction(work: Callable[[], Any]) -> Any:
    """Run `work` once, whole or not at all."""
    with transaction.atomic():
        return work()


def answer_once(
    *,
    scope: str,
    key: str,
    body: Any,
    now: datetime,
    work: Callable[[], Answer],
    kept: Callable[[Answer], Answer] = dict,
    run: Callable[[Callable[[], Answered]], Answered] = in_a_transaction,
) -> Answered:
    """
    Do `work` and keep its answer, or give the kept answer of the same request again.

    The row comes first, in the transaction of the work: a twin waits on its unique index until the first has
    committed. A failure of `work` takes the row along, so that it may be tried again under the same key. `scope` names
    the owner of the key with method and path, `body` is anything that JSON can hold, and so is the answer. `kept` says
    what is stored of it: a secret that is shown once is not. `run` opens the transaction, and may try again.

    Raises:
        IdempotencyKeyReused: the key came with another body before, or its answer has been erased.
        InvalidIdempotencyKey: the key is empty, too long, or not printable.
    """
    if not 0 < len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise InvalidIdempotencyKey
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
        answer = work()
        row.answer = json.dumps(dict(kept(answer)))
        row.save(update_fields=["answer"])
        return Answered(answer, replayed=False)

    return run(attempt)


def forget_answers(*, now: datetime) -> int:
    """Drop the rows whose time is over; return how many."""
    stale = IdempotencyKey.objects.filter(created_at__lte=now - KEPT)
    return int(in_a_transaction(lambda: stale.delete()[0]))


def erase_answers(*, about: str) -> int:
    """
    Take the words out of kept answers that name a record by its id; return how many.

    The rows stay, so that a late repetition is refused instead of making the record anew.
    """
    named = IdempotencyKey.objects.filter(Q(scope__contains=about) | Q(answer__contains=about))
    return named.update(answer="", digest="")


def _kept(scope: str, key: str, digest: str) -> Answered:
    row = IdempotencyKey.objects.get(scope=scope, key=key)
    if row.digest != digest:
        raise IdempotencyKeyReused
    return Answered(json.loads(row.answer), replayed=True)
