"""The sealer and `verify_audit` on real databases: what an intruder does to the rows is found (S49)."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from pytest_django.fixtures import Settings

from accounts.audit import record
from accounts.audit.heads import path_of_day, write_head
from accounts.audit.sealing import seal_events
from accounts.models import AuditEvent, AuditSeal
from accounts.services import record_event
from tests.kept_rows import no_triggers

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def own_media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def some_events(count: int = 5) -> list[AuditEvent]:
    return [
        record_event(action="call.read", outcome="ok", surface="dashboard", patient_ids=[number])
        for number in range(count)
    ]


def intrude(*statements: str) -> None:
    with no_triggers(), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def verified(*arguments: str) -> str:
    out = StringIO()
    call_command("verify_audit", *arguments, stdout=out)
    return out.getvalue()


def told(*arguments: str) -> str:
    """Return what `verify_audit` says is wrong."""
    with pytest.raises(CommandError) as error:
        verified(*arguments)
    return str(error.value)


@pytest.mark.django_db
class TestSealEvents:
    def test_seals_all_events_in_order_once(self) -> None:
        events = some_events()

        assert seal_events() == len(events)
        assert seal_events() == 0
        seals = AuditSeal.objects.values_list("number", "seq")
        assert list(seals) == [(place, event.seq) for place, event in enumerate(events, start=1)]

    def test_goes_on_where_it_stopped(self) -> None:
        some_events(2)
        seal_events()
        some_events(3)
        seal_events()

        assert "5 events verified, 0 wait" in verified()

    def test_signs_with_the_first_key(self, settings: Settings) -> None:
        some_events(1)
        seal_events()
        settings.AUDIT_KEYS = {"next": b"n" * 32} | settings.AUDIT_KEYS
        some_events(1)
        seal_events()

        keys = AuditSeal.objects.values_list("key_id", flat=True)
        assert list(keys) == ["development", "next"]
        assert "2 events verified" in verified()

    def test_needs_a_key(self, settings: Settings) -> None:
        settings.AUDIT_KEYS = {}
        some_events(1)

        with pytest.raises(ImproperlyConfigured, match="AUDIT_KEYS"):
            seal_events()


@pytest.mark.django_db
class TestVerifyAudit:
    def test_finds_nothing_in_a_record_with_numbers_that_were_rolled_back(self) -> None:
        some_events(2)
        with transaction.atomic():
            some_events(3)
            transaction.set_rollback(True)
        some_events(2)

        assert "4 events verified" in verified()

    def test_finds_nothing_in_an_empty_record(self) -> None:
        assert "0 events verified" in verified()

    def test_names_a_changed_event(self) -> None:
        seq = some_events()[2].seq
        seal_events()
        intrude(f"UPDATE accounts_auditevent SET actor_id = 'somebody else' WHERE seq = {seq}")

        assert f"First bad event: {seq}." in told()

    def test_names_an_event_whose_patients_were_changed(self) -> None:
        seq = some_events()[3].seq
        seal_events()
        intrude(f"UPDATE accounts_auditevent SET patient_ids = '[]' WHERE seq = {seq}")

        assert f"First bad event: {seq}." in told()

    def test_names_a_deleted_event(self) -> None:
        seq = some_events()[1].seq
        seal_events()
        intrude(f"DELETE FROM accounts_auditevent WHERE seq = {seq}")

        assert f"First bad event: {seq}." in told()

    def test_names_an_event_that_was_put_in(self) -> None:
        events = some_events()
        seal_events()
        seq = events[2].seq
        names = ", ".join(name for name in record.FIELDS if name != "seq")
        intrude(
            f"INSERT INTO accounts_auditevent (seq, {names})"
            f" SELECT {events[0].seq - 1}, {names} FROM accounts_auditevent WHERE seq = {seq}",
        )

        assert f"First bad event: {events[0].seq - 1}." in told()

    def test_names_the_first_of_two_that_were_swapped(self) -> None:
        events = some_events()
        seal_events()
        one, other = events[1].seq, events[3].seq
        intrude(
            f"UPDATE accounts_auditevent SET seq = 999999 WHERE seq = {one}",
            f"UPDATE accounts_auditevent SET seq = {one} WHERE seq = {other}",
            f"UPDATE accounts_auditevent SET seq = {other} WHERE seq = 999999",
        )

        assert f"First bad event: {one}." in told()

    def test_finds_by_a_stored_head_what_was_cut_off(self, tmp_path: Path) -> None:
        events = some_events()
        seal_events()
        head = record.current_head()
        assert head is not None
        elsewhere = tmp_path / "elsewhere" / "head.json"
        write_head(head, path=elsewhere, now=NOW)
        intrude(
            f"DELETE FROM accounts_auditevent WHERE seq > {events[2].seq}",
            f"DELETE FROM accounts_auditseal WHERE seq > {events[2].seq}",
        )

        assert "3 events verified" in verified()
        assert f"First bad event: {events[2].seq + 1}." in told("--head", str(elsewhere))
        write_head(head, path=path_of_day(head, now=NOW), now=NOW)
        assert f"First bad event: {events[2].seq + 1}." in told()

    def test_refuses_a_file_that_is_no_head(self, tmp_path: Path) -> None:
        odd = tmp_path / "odd.json"
        odd.write_text(json.dumps({"number": 1}))

        assert "is not a head" in told("--head", str(odd))


@pytest.fixture
def slow_writer() -> Iterator[tuple[threading.Event, threading.Event]]:
    """Run a transaction that has written an event and ends when it is told to."""
    written, finish = threading.Event(), threading.Event()

    def write() -> None:
        try:
            with transaction.atomic():
                record_event(action="slow", outcome="ok", surface="cli")
                written.set()
                finish.wait(20)
        finally:
            connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    yield written, finish
    finish.set()
    thread.join()


@pytest.mark.django_db(transaction=True)
class TestEventsThatBecomeVisibleLate:
    def test_are_waited_for(
        self, slow_writer: tuple[threading.Event, threading.Event], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """On SQLite nobody writes meanwhile; on PostgreSQL the later event is seen first, and sealed second."""
        monkeypatch.setattr("accounts.audit.sealing.LOOKS", 2)
        written, finish = slow_writer
        assert written.wait(20)
        if connection.vendor == "postgresql":
            record_event(action="fast", outcome="ok", surface="cli")
        assert seal_events() == 0

        finish.set()
        monkeypatch.setattr("accounts.audit.sealing.LOOKS", 500)
        while not AuditEvent.objects.filter(action="slow").exists():
            pass
        seal_events()

        sealed = list(AuditSeal.objects.values_list("seq", flat=True))
        assert sealed == list(AuditEvent.objects.values_list("seq", flat=True))
        assert "wait" in verified()


@pytest.mark.django_db(transaction=True)
class TestTwoSealers:
    def test_never_seal_an_event_twice(self) -> None:
        some_events(40)
        faults: list[BaseException] = []

        def seal() -> None:
            try:
                while record.newest_seq() > (((last := record.head()) and last.seq) or 0):
                    seal_events()
            except BaseException as error:  # noqa: BLE001 - shown by the test
                faults.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=seal) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert faults == []
        assert "40 events verified, 0 wait" in verified()
