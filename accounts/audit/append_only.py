"""
`AppendOnly`: a table whose rows the database itself neither changes nor deletes (security reference, S48).

Triggers on PostgreSQL and on SQLite. As a constraint of the model they come back after each rebuild of a table, which
is how SQLite's migrations change one.
"""

from collections.abc import Collection, Iterator
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement, Table
from django.db.models import BaseConstraint, Model

REFUSAL = "append_only"
"""What the database says when it refuses."""

FUNCTION = f"""
CREATE OR REPLACE FUNCTION "{REFUSAL}"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'; END $$
"""
ON_POSTGRESQL = (
    FUNCTION,
    (
        'CREATE TRIGGER "%(name)s" BEFORE UPDATE OR DELETE OR TRUNCATE ON %(table)s'
        f' FOR EACH STATEMENT EXECUTE FUNCTION "{REFUSAL}"()'
    ),
    # The owner may grant it again, but no stray statement of the application gets as far as the trigger.
    "REVOKE UPDATE, DELETE, TRUNCATE ON %(table)s FROM PUBLIC, CURRENT_USER",
)
ON_SQLITE = (
    (
        'CREATE TRIGGER "%(name)s_update" BEFORE UPDATE ON %(table)s'
        f" BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    ),
    (
        'CREATE TRIGGER "%(name)s_delete" BEFORE DELETE ON %(table)s'
        f" BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    ),
    # INSERT OR REPLACE deletes the old row without asking the trigger above.
    (
        'CREATE TRIGGER "%(name)s_replace" BEFORE INSERT ON %(table)s'
        " WHEN EXISTS (SELECT 1 FROM %(table)s o WHERE %(same)s)"
        f" BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"  # nosec B608 - a constant
    ),
)


class AppendOnly(BaseConstraint):
    """Rows are added to the table and stay as they are."""

    def __init__(self, *, name: str) -> None:
        super().__init__(name=name)

    def statements(
        self, model: type[Model], editor: BaseDatabaseSchemaEditor
    ) -> Iterator[Statement]:
        """Yield what makes the database refuse."""
        unique = [str(field.column) for field in model._meta.concrete_fields if field.unique]
        same = " OR ".join(
            f"o.{quoted} = NEW.{quoted}" for quoted in map(editor.quote_name, unique)
        )
        on_postgresql = editor.connection.vendor == "postgresql"
        for template in ON_POSTGRESQL if on_postgresql else ON_SQLITE:
            yield Statement(
                template,
                table=Table(model._meta.db_table, editor.quote_name),
                name=self.name,
                same=same,
            )

    def constraint_sql(
        self, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None
    ) -> str:
        """Return no part of CREATE TABLE; the triggers follow the table, also after each rebuild of it."""
        if model is not None and schema_editor is not None:
            schema_editor.deferred_sql.extend(self.statements(model, schema_editor))
        return ""

    def create_sql(
        self, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None
    ) -> Any:
        """Return what adds the triggers to a table that exists (PostgreSQL only)."""
        assert model is not None  # Django always passes both
        assert schema_editor is not None
        return "; ".join(str(one) for one in self.statements(model, schema_editor))

    def remove_sql(
        self, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None
    ) -> Any:
        """Return what drops the triggers (PostgreSQL only)."""
        assert model is not None  # Django always passes both
        assert schema_editor is not None
        return Statement(
            'DROP TRIGGER "%(name)s" ON %(table)s',
            table=Table(model._meta.db_table, schema_editor.quote_name),
            name=self.name,
        )

    def validate(
        self,
        model: type[Model],
        instance: Model,
        exclude: Collection[str] | None = None,
        using: str = DEFAULT_DB_ALIAS,
    ) -> None:
        """Refuse nothing here: what is added is always in order."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AppendOnly) and self.deconstruct() == other.deconstruct()

    __hash__ = BaseConstraint.__hash__
