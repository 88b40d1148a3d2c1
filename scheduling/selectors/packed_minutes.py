"""Times as whole minutes that the database computes and packs: one value for a group of rows instead of thousands."""

import struct
from collections.abc import Iterable, Sequence
from typing import Any, Self
from uuid import UUID

from django.db.models import Aggregate, BinaryField, BooleanField, F, Func, IntegerField, Q, Value


class EpochMinute(Func):
    """
    A moment or a date as whole minutes since 1970, computed by the database; constraints keep seconds out.

    Of a time of day it is the minutes after midnight, on SQLite with whole days added.
    """

    output_field = IntegerField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = (
            "(DATE_PART('epoch', %(expressions)s) / 60)::int"  # EXTRACT would reckon in decimals
        )
        return self.as_sql(compiler, connection, template=template, **context)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "(CAST(strftime('%%%%s', %(expressions)s) AS INTEGER) / 60)"
        return self.as_sql(compiler, connection, template=template, **context)


class Spans(Aggregate):
    """All numbers of the rows of a group, one row after the other, packed as the database packs best."""

    output_field = BinaryField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        packed = self._written("STRING_AGG(INT4SEND(%(expressions)s), ''::bytea)", ") || INT4SEND(")
        return packed.as_sql(compiler, connection, **context)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        packed = self._written("GROUP_CONCAT(%(expressions)s, ' ')", " || ' ' || ")
        return packed.as_sql(compiler, connection, **context)

    def _written(self, template: str, joiner: str) -> Self:
        """Return a copy with a template of its own: beside a filter, Django takes none as an argument."""
        packed: Self = self.copy()
        packed.template, packed.arg_joiner = template, joiner
        return packed


def numbers_of(spans: bytes | str) -> Sequence[int]:
    """Return the numbers that `Spans` packed: 32 bits each in network order, or text with blanks between them."""
    if isinstance(spans, str):
        return [int(text) for text in spans.split(" ")]
    return struct.unpack(f">{len(spans) // 4}i", spans)


class _OneOf(Func):
    """Whether an id is one of a list that travels as a single text, which takes no time to write or to read."""

    output_field = BooleanField()
    template = "%(expressions)s::uuid[])"
    arg_joiner = " = ANY("


def one_of(column: str, ids: Iterable[UUID], vendor: str) -> Q | _OneOf:
    """Return the condition that a column holds one of `ids`; hundreds of them cost more than their rows otherwise."""
    if vendor != "postgresql":
        return Q(**{f"{column}__in": list(ids)})
    return _OneOf(F(column), Value("{" + ",".join(map(str, ids)) + "}"))
