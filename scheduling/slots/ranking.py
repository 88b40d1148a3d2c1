"""Which of the free starts to offer, and in which order (scheduling reference, section 9)."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain, groupby, islice
from typing import TypeVar

SPREAD_MINUTES = 120
Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Candidate:
    """
    A nurse who may be offered: `care_rank` 0 primary, 1 assigned, 2 seen before, 3 any; `load` in steps of 5 %.

    `rotation` differs between requesters and is the same each time for one of them.
    """

    key: str
    care_rank: int = 3
    load: int = 0
    rotation: int = 0


def rotation(requester: str, nurse: str) -> int:
    """Return a number that orders nurses differently for each requester."""
    return int.from_bytes(blake2b(f"{requester}|{nurse}".encode(), digest_size=6).digest())


def by_start(streams: Iterable[tuple[Candidate, Iterator[int]]]) -> Iterator[tuple[int, Candidate]]:
    """Merge the nurses' starts by time; continuity, then load, then rotation decide between equal times."""

    def pairs(
        candidate: Candidate, starts: Iterator[int]
    ) -> Iterator[tuple[tuple[int, ...], str, Candidate]]:
        tie = (candidate.care_rank, candidate.load, candidate.rotation)
        return ((((start, *tie)), candidate.key, candidate) for start in starts)

    merged = heapq.merge(
        *(pairs(candidate, starts) for candidate, starts in streams), key=lambda p: p[:2]
    )
    return ((key[0], candidate) for key, _, candidate in merged)


def by_care(
    streams: Iterable[tuple[Candidate, Iterator[int]]], *, patience: int
) -> Iterator[tuple[int, Candidate]]:
    """
    List the starts of the nurses nearest to the patient first.

    Continuity must not starve: when the primary nurse's first start is more than `patience` minutes later than the
    earliest of anybody, that earliest one comes first.
    """
    ordered = sorted(streams, key=lambda stream: stream[0].care_rank)
    ranks = [
        by_start(list(group))
        for _, group in groupby(ordered, key=lambda stream: stream[0].care_rank)
    ]
    heads = [list(islice(rank, 1)) for rank in ranks]
    restored = [chain(head, rank) for head, rank in zip(heads, ranks, strict=True)]
    first = [head[0] for head in heads if head]
    if not first:
        return
    nearest, earliest = first[0], min(first, key=lambda found: found[0])
    if nearest[0] - earliest[0] > patience:
        yield earliest
        for found in chain.from_iterable(restored):
            if found != earliest:
                yield found
        return
    yield from chain.from_iterable(restored)


def spread_out(found: Sequence[tuple[int, Candidate]], limit: int) -> list[tuple[int, Candidate]]:
    """
    Choose at most `limit` offers that are not all next to each other.

    The best comes first; each next is the best that is two hours away from those chosen. If that leaves room, the
    best of the rest fill it. The order of `found` is kept.
    """
    chosen: list[tuple[int, Candidate]] = []
    for offer in found:
        if len(chosen) == limit:
            break
        if all(abs(offer[0] - other[0]) >= SPREAD_MINUTES for other in chosen):
            chosen.append(offer)
    for offer in found:
        if len(chosen) == limit:
            break
        if offer not in chosen:
            chosen.append(offer)
    return [offer for offer in found if offer in chosen]
