"""Which of the free starts to offer, and in which order (scheduling reference, section 9)."""

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain, groupby, islice

SPREAD_MINUTES = 120


@dataclass(frozen=True, slots=True)
class Candidate:
    """
    A nurse who may be offered: `care_rank` 0 primary, 1 assigned, 2 seen last, 3 any.

    `load` returns how full the week of a start is, in steps of 5 %. `rotation` differs between requesters and is the
    same each time for one of them.
    """

    key: str
    care_rank: int = 3
    load: Callable[[int], int] = lambda _: 0
    rotation: int = 0


def rotation(requester: str, nurse: str) -> int:
    """Return a number that orders nurses differently for each requester."""
    return int.from_bytes(blake2b(f"{requester}|{nurse}".encode(), digest_size=6).digest())


def by_start(streams: Iterable[tuple[Candidate, Iterator[int]]]) -> Iterator[tuple[int, Candidate]]:
    """
    Merge the nurses' starts by time; continuity, then load, then rotation decide between equal times.

    A load is computed only when a time is reached that several nurses have.
    """
    nurses = list(streams)
    heads = [
        (start, number) for number, (_, starts) in enumerate(nurses) for start in islice(starts, 1)
    ]
    heapq.heapify(heads)
    while heads:
        start = heads[0][0]
        tied: list[int] = []
        while heads and heads[0][0] == start:
            tied.append(heapq.heappop(heads)[1])
        candidates = [nurses[number][0] for number in tied]
        if len(candidates) > 1:
            candidates.sort(key=lambda one: (one.care_rank, one.load(start), one.rotation, one.key))
        for candidate in candidates:
            yield start, candidate
        for number in tied:
            for following in islice(nurses[number][1], 1):
                heapq.heappush(heads, (following, number))


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


def spread_out(found: Iterable[tuple[int, Candidate]], limit: int) -> list[tuple[int, Candidate]]:
    """
    Choose at most `limit` offers that are not all next to each other, best first.

    Each next is the best that is two hours away from those chosen. If that leaves room, the best of the other times
    fill it; the same time with another nurse is no other offer.
    """
    chosen: list[tuple[int, Candidate]] = []
    others: list[tuple[int, Candidate]] = []
    for offer in found:
        if len(chosen) == limit:
            break
        nearest = min((abs(offer[0] - start) for start, _ in chosen), default=SPREAD_MINUTES)
        if nearest >= SPREAD_MINUTES:
            chosen.append(offer)
        elif len(others) < limit and nearest and offer[0] not in {start for start, _ in others}:
            others.append(offer)
    spread = chosen + others[: limit - len(chosen)]
    return sorted(spread, key=lambda offer: (offer[1].care_rank, offer[0])) if others else spread
