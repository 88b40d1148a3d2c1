"""What is recorded stays: on both databases, past the ORM as well (S48)."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, migrations, models, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

from accounts.exceptions import NotRecorded
from accounts.models import AuditEvent, AuditSeal, User
from accounts.models.audit import RecordIsKept
from accounts.services import record_event
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def an_event() -> AuditEvent:
    return record_event(action="call.read", outcome="ok", surface="dashboard")


def run(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


class TestTables:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE accounts_auditevent SET outcome = 'denied'",
            "UPDATE accounts_auditevent SET outcome = outcome",
            "DELETE FROM accounts_auditevent",
            "UPDATE accounts_auditseal SET hash = 'x'",
            "DELETE FROM accounts_auditseal",
        ],
    )
    def test_refuse_a_statement_that_changes_or_deletes(self, statement: str) -> None:
        event = an_event()
        AuditSeal.objects.create(number=1, seq=event.seq, key_id="k", hash="h")

        with pytest.raises(IntegrityError, match="append_only"):
            run(statement)

        assert AuditEvent.objects.get().outcome == "ok"
        assert AuditSeal.objects.get().hash == "h"

    def test_refuse_to_be_emptied_or_overwritten_by_each_databases_own_words(self) -> None:
        event = an_event()
        statement = (
            "TRUNCATE accounts_auditevent"
            if connection.vendor == "postgresql"
            else "INSERT OR REPLACE INTO accounts_auditevent SELECT * FROM accounts_auditevent"
        )

        with pytest.raises(IntegrityError, match="append_only"):
            run(statement)

        assert AuditEvent.objects.get().pk == event.pk

    def test_refuse_another_seal_for_a_sealed_event(self) -> None:
        AuditSeal.objects.create(number=1, seq=7, key_id="k", hash="h")

        with pytest.raises(IntegrityError), transaction.atomic():
            AuditSeal.objects.create(number=2, seq=7, key_id="k", hash="h")

    def test_are_kept_by_rights_or_by_triggers_alone(self) -> None:
        """PostgreSQL's owner lacks the right as well; SQLite knows no rights."""
        on_postgresql = connection.vendor == "postgresql"
        asked = (
            "SELECT privilege_type FROM information_schema.role_table_grants"
            " WHERE table_name = 'accounts_auditevent' AND grantee = CURRENT_USER"
            if on_postgresql
            else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        )
        with connection.cursor() as cursor:
            cursor.execute(asked)
            found = {name for (name,) in cursor.fetchall()}

        if on_postgresql:
            assert "INSERT" in found
            assert not found & {"UPDATE", "DELETE", "TRUNCATE"}
        else:
            assert {f"audit_event_append_only_{what}" for what in ("update", "delete")} <= found


@pytest.mark.django_db(transaction=True)
class TestMigration:
    def test_keeps_the_triggers_when_a_later_one_rebuilds_the_table(self) -> None:
        state: ProjectState = MigrationLoader(connection).project_state()
        add = migrations.AddField("auditevent", "extra", models.IntegerField(default=0))
        changed = state.clone()
        add.state_forwards("accounts", changed)
        an_event()

        with connection.schema_editor() as editor:
            add.database_forwards("accounts", editor, state, changed)
        try:
            with pytest.raises(DatabaseError, match="append_only"):
                run("DELETE FROM accounts_auditevent")
        finally:
            with connection.schema_editor() as editor:
                add.database_backwards("accounts", editor, changed, state)
        with pytest.raises(DatabaseError, match="append_only"):
            run("UPDATE accounts_auditevent SET outcome = 'denied'")


class TestAuditEvent:
    def test_is_not_saved_again(self) -> None:
        event = an_event()
        event.outcome = "denied"

        with pytest.raises(RecordIsKept):
            event.save()

    def test_is_not_deleted(self) -> None:
        with pytest.raises(RecordIsKept):
            an_event().delete()

    def test_is_not_changed_in_bulk(self) -> None:
        event = an_event()

        with pytest.raises(RecordIsKept):
            AuditEvent.objects.update(outcome="denied")
        with pytest.raises(RecordIsKept):
            AuditEvent.objects.bulk_update([event], ["outcome"])
        with pytest.raises(RecordIsKept):
            AuditEvent.objects.filter(pk=event.pk).delete()


class TestFields:
    def test_s47_are_those_of_the_requirement_and_the_changes(self) -> None:
        assert {field.name for field in AuditEvent._meta.concrete_fields} == {
            "seq", "at", "actor_type", "actor_id", "patient_ids", "action", "object_type",
            "object_id", "surface", "address", "request_id", "outcome", "reason", "changes",
        }  # fmt: skip

    def test_s47_hold_the_instant_to_the_microsecond(self) -> None:
        event = an_event()

        assert AuditEvent.objects.get(pk=event.pk).at == event.at


@pytest.mark.django_db
class TestBrokenTable:
    """A table that cannot be written: as when the disk is full or the database is read-only (S50)."""

    def test_s50_stops_what_would_be_recorded(self) -> None:
        with pytest.raises(NotRecorded):
            self.change_something()

        assert not User.objects.filter(username="new").exists()
        assert an_event().pk

    @transaction.atomic
    def change_something(self) -> None:
        make_user(username="new")
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE accounts_auditevent RENAME TO gone")
        an_event()
