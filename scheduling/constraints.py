"""
Constraints that both databases keep: no overlapping ranges, whole minutes.

`NoOverlap` is scheduling reference, section 5: an exclusion constraint on PostgreSQL, triggers on SQLite.
"""

from collections.abc import Collection, Iterator
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement, Table
from django.db.models import BaseConstraint, BooleanField, Func, Model
from django.db.models.sql.compiler import SQLCompiler


class WholeMinute(Func):
    """Say whether a time or an instant has neither seconds nor microseconds."""

    arity = 1
    output_field = BooleanField()

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any
    ) -> Any:
        """Read the stored text, so that other programs than Django can check it as well."""
        return self.as_sql(
            compiler, connection, template="(SUBSTR(%(expressions)s, -3) = ':00')", **context
        )

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any
    ) -> Any:
        """Compare the seconds, of which the microseconds are a fraction."""
        return self.as_sql(
            compiler, connection, template="(EXTRACT(SECOND FROM %(expressions)s) = 0)", **context
        )


class NoOverlap(BaseConstraint):
    """Rows with equal `key` never overlap in [start, end) while `status` is one of `statuses`."""

    violation_error_code = "slot_taken"

    def __init__(
        self,
        *,
        name: str,
        key: str,
        start: str,
        end: str,
        statuses: Collection[str],
        status: str = "status",
        violation_error_code: str | None = None,
        violation_error_message: Any = None,
    ) -> None:
        self.key, self.start, self.end = key, start, end
        self.status, self.statuses = status, tuple(statuses)
        super().__init__(
            name=name,
            violation_error_code=violation_error_code,
            violation_error_message=violation_error_message,
        )

    def _parts(self, model: type[Model], editor: BaseDatabaseSchemaEditor) -> dict[str, str]:
        columns = {
            name: editor.quote_name(_field(model, getattr(self, name)).column)
            for name in ("key", "start", "end", "status")
        }
        active = ", ".join(editor.quote_value(status) for status in self.statuses)
        key = editor.quote_name(cast(Any, model._meta.pk).column)
        return columns | {"active": active, "pk": key, "name": self.name}

    def _exclude(self, model: type[Model], editor: BaseDatabaseSchemaEditor) -> str:
        return (
            'CONSTRAINT "{name}" EXCLUDE USING gist'
            " ({key} WITH =, tstzrange({start}, {end}, '[)') WITH &&)"
            " WHERE ({status} IN ({active}))"
        ).format(**self._parts(model, editor))

    def _triggers(
        self, model: type[Model], editor: BaseDatabaseSchemaEditor
    ) -> Iterator[Statement]:
        parts = self._parts(model, editor)
        changed = "UPDATE OF {key}, {start}, {end}, {status}".format(**parts)
        for event, suffix, other in (
            ("INSERT", "insert", ""),
            (changed, "update", " AND o.{pk} <> OLD.{pk}".format(**parts)),
        ):
            template = (
                'CREATE TRIGGER "{name}_{suffix}" BEFORE {event} ON %(table)s'
                " WHEN NEW.{status} IN ({active})"
                " BEGIN SELECT RAISE(ABORT, '{name}') WHERE EXISTS"
                " (SELECT 1 FROM %(table)s o WHERE o.{key} = NEW.{key}"
                " AND o.{status} IN ({active})"
                " AND o.{start} < NEW.{end} AND o.{end} > NEW.{start}{other}); END"
            )
            yield Statement(
                template.format(**parts, suffix=suffix, event=event, other=other),
                table=Table(model._meta.db_table, editor.quote_name),
            )

    def constraint_sql(
        self, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None
    ) -> str:
        """Return the part of CREATE TABLE; on SQLite none, there triggers follow the table."""
        if model is None or schema_editor is None:
            return ""
        if schema_editor.connection.vendor == "postgresql":
            return self._exclude(model, schema_editor)
        # Deferred SQL runs once the table exists, and again after each rebuild of it.
        schema_editor.deferred_sql.extend(self._triggers(model, schema_editor))
        return ""

    def create_sql(
        self, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None
    ) -> Any:
        """Return the statement that adds the constraint to a table (PostgreSQL only)."""
        assert model is not None  # Django always passes both
        assert schema_editor is not None
        return Statement(
            "ALTER TABLE %(table)s ADD " + self._exclude(model, schema_editor),
            table=Table(model._meta.db_table, schema_editor.quote_name),
        )

    def remove_sql(
        self, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None
    ) -> Any:
        """Return the statement that drops the constraint (PostgreSQL only)."""
        assert model is not None  # Django always passes both
        assert schema_editor is not None
        drop: str = schema_editor.sql_delete_check
        return Statement(
            drop,
            table=Table(model._meta.db_table, schema_editor.quote_name),
            name=schema_editor.quote_name(self.name),
        )

    def validate(
        self,
        model: type[Model],
        instance: Model,
        exclude: Collection[str] | None = None,
        using: str = DEFAULT_DB_ALIAS,
    ) -> None:
        """Refuse an instance that overlaps a stored rival; forms call this through full_clean()."""
        names = (self.key, self.start, self.end, self.status)
        key, start, end, status = (getattr(instance, _field(model, name).attname) for name in names)
        if set(names) & set(exclude or ()) or status not in self.statuses:
            return
        if None in (key, start, end):
            return
        rivals = model._base_manager.using(using).filter(
            **{
                self.key: key,
                f"{self.status}__in": self.statuses,
                f"{self.start}__lt": end,
                f"{self.end}__gt": start,
            }
        )
        if rivals.exclude(pk=instance.pk).exists():
            raise ValidationError(
                self.get_violation_error_message(), code=self.violation_error_code
            )

    def deconstruct(self) -> Any:
        """Return what a migration needs to make this constraint again."""
        path, args, kwargs = super().deconstruct()
        own = {name: getattr(self, name) for name in ("key", "start", "end", "statuses", "status")}
        return path, args, {**kwargs, **own}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NoOverlap) and self.deconstruct() == other.deconstruct()

    __hash__ = BaseConstraint.__hash__


def _field(model: type[Model], name: str) -> Any:
    """Return a concrete field; the stubs cannot know that it is no relation from elsewhere."""
    return model._meta.get_field(name)
