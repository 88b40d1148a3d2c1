"""
Copies of the audit record for whoever asks for one (security reference, S51).

JSON Lines hold everything: each event with its seal, and the head of the record last, so that a copy of the whole
record can be checked by itself. CSV is for people's tables: cells that a table program would take for a formula are
marked as text (S69).
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from django.db.models import QuerySet

from accounts.audit import record
from accounts.audit.chain import Seal, canonical
from accounts.audit.selectors import seals_of

BATCH = 1_000
FORMULAS = ("=", "+", "-", "@", "\t", "\r")
SEAL_COLUMNS = ("seal_number", "seal_key_id", "seal_hash")
HEAD_COLUMNS = ("head_number", "head_hash")

Export = Callable[[QuerySet[Any]], Iterator[str]]


def json_lines(events: QuerySet[Any]) -> Iterator[str]:
    """Yield one line for each event, in the order of the record, and one for the head."""
    head = record.head()
    for event, seal in _with_seals(events):
        sealed = seal._asdict() if seal else None
        text = canonical(event).decode()
        yield f'{text[:-1]},"seal":{json.dumps(sealed)}}}\n'
    yield json.dumps({"head": head._asdict() if head else None}) + "\n"


def csv_lines(events: QuerySet[Any]) -> Iterator[str]:
    """Yield a line of names, then one for each event with its seal and the head of the record."""
    head = record.head()
    yield _line([*record.FIELDS, *SEAL_COLUMNS, *HEAD_COLUMNS])
    heads = [head.number, head.hash] if head else ["", ""]
    for event, seal in _with_seals(events):
        sealed = [seal.number, seal.key_id, seal.hash] if seal else ["", "", ""]
        spelled = json.loads(canonical(event))
        yield _line([*(_cell(spelled[name]) for name in record.FIELDS), *sealed, *heads])


FORMATS: Mapping[str, Export] = {"jsonl": json_lines, "csv": csv_lines}


def _with_seals(events: QuerySet[Any]) -> Iterator[tuple[Mapping[str, Any], Seal | None]]:
    rows = events.order_by("seq").values(*record.FIELDS).iterator(chunk_size=BATCH)
    while batch := list(islice(rows, BATCH)):
        seals = seals_of([event["seq"] for event in batch])
        for event in batch:
            yield event, seals.get(event["seq"])


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if text.startswith(FORMULAS) else text


def _line(cells: list[Any]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()
