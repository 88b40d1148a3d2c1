"""What the worker does for the audit record: seals, alarms (S52), heads (S49)."""

from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import AuditEvent, AuditSeal, User
from accounts.services import record_event
from dashboard import sweeps
from scheduling.models import StaffTask
from tests.factories import make_assignment, make_nurse, make_patient, make_user
from tests.kept_rows import no_triggers

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def now() -> datetime:
    """Return the real time: events are stamped with it."""
    return timezone.now()


def reads(user: User, *patients: object) -> AuditEvent:
    return record_event(
        action="call.read",
        outcome="ok",
        surface="dashboard",
        actor_type="user",
        actor_id=user.pk,
        patient_ids=[getattr(patient, "pk", patient) for patient in patients],
    )


def alarms() -> list[str]:
    return list(StaffTask.objects.filter(kind="alarm").values_list("topic", flat=True))


def nurse_user() -> User:
    user = make_user(role=User.Role.NURSE)
    make_nurse(user=user)
    return user


class TestSeal:
    def test_seals_what_waits(self, now: datetime) -> None:
        reads(make_user())

        assert sweeps.seal(now=now) == 1
        assert AuditSeal.objects.count() == 1


class TestWatch:
    def test_s52_alarms_once_when_somebody_reads_more_than_fifty_patients(
        self, now: datetime
    ) -> None:
        user = make_user(first_name="Robin", last_name="Sedgemoor")
        patients = [uuid4() for _ in range(51)]
        reads(user, *patients[:26])
        reads(user, *patients[20:])

        assert sweeps.watch(now=now) == 1
        assert sweeps.watch(now=now) == 0
        assert StaffTask.objects.get().text.startswith("Robin Sedgemoor looked at 51 patients")

    def test_s52_is_quiet_about_fifty_patients_read_again_and_again(self, now: datetime) -> None:
        user = make_user()
        patients = [uuid4() for _ in range(50)]
        reads(user, *patients)
        reads(user, *patients)

        assert sweeps.watch(now=now) == 0

    def test_s52_forgets_what_was_read_more_than_ten_minutes_ago(self, now: datetime) -> None:
        reads(make_user(), *(uuid4() for _ in range(60)))

        assert sweeps.watch(now=now + timedelta(minutes=11)) == 0

    def test_s52_alarms_when_a_nurse_reads_patients_of_others(self, now: datetime) -> None:
        user, own = nurse_user(), make_patient()
        make_assignment(patient=own, nurse=user.nurse)
        reads(user, own, make_patient(), "no id")

        assert sweeps.watch(now=now) == 1
        assert alarms() == ["foreign_patients"]

    def test_s52_is_quiet_about_own_patients_and_about_who_sees_all(self, now: datetime) -> None:
        user, own = nurse_user(), make_patient()
        make_assignment(patient=own, nurse=user.nurse)
        reads(user, own)
        reads(make_user(role=User.Role.SCHEDULER), make_patient())

        assert sweeps.watch(now=now) == 0

    def test_s52_alarms_about_many_lockouts(self, now: datetime) -> None:
        for _ in range(5):
            record_event(action="verify_identity", outcome="locked", surface="call")

        assert sweeps.watch(now=now) == 1
        assert alarms() == ["lockouts"]

    def test_alarms_again_about_another_person(self, now: datetime) -> None:
        patients = [uuid4() for _ in range(51)]
        for _ in range(2):
            reads(make_user(), *patients)

        assert sweeps.watch(now=now) == 2


class TestCheck:
    def test_s52_alarms_once_about_a_broken_chain(self, now: datetime) -> None:
        event = reads(make_user())
        sweeps.seal(now=now)
        assert sweeps.check(now=now) == 0
        with no_triggers(), connection.cursor() as cursor:
            cursor.execute("DELETE FROM accounts_auditevent")

        assert sweeps.check(now=now) == 1
        assert sweeps.check(now=now) == 0
        assert alarms() == ["audit_chain"]
        assert str(event.seq) in StaffTask.objects.get().text

    def test_looks_at_the_newest_events_only(
        self, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sweeps, "CHECKED_EVENTS", 2)
        events = [reads(make_user()) for _ in range(5)]
        sweeps.seal(now=now)
        for changed, found in ((events[0], 0), (events[4], 1)):
            with no_triggers(), connection.cursor() as cursor:
                cursor.execute(
                    f"UPDATE accounts_auditevent SET action = 'x' WHERE seq = {changed.seq}"
                )

            assert sweeps.check(now=now) == found


class TestKeepHead:
    def test_stores_one_head_a_day(self, now: datetime, tmp_path: Path) -> None:
        reads(make_user())
        sweeps.seal(now=now)

        assert sweeps.keep_head(now=now) == 1
        assert sweeps.keep_head(now=now) == 0
        assert sweeps.keep_head(now=now + timedelta(days=1)) == 1
        assert len(list((tmp_path / "audit-heads").glob("head-*.json"))) == 2

    def test_waits_for_the_first_event(self, now: datetime) -> None:
        assert sweeps.keep_head(now=now) == 0

    def test_s52_alarms_when_the_record_was_cut_off(self, now: datetime) -> None:
        first = reads(make_user())
        reads(make_user())
        sweeps.seal(now=now)
        sweeps.keep_head(now=now)
        with no_triggers(), connection.cursor() as cursor:
            for table in ("auditevent", "auditseal"):
                cursor.execute(f"DELETE FROM accounts_{table} WHERE seq > {first.seq}")

        assert sweeps.keep_head(now=now + timedelta(days=1)) == 1
        assert alarms() == ["audit_chain"]
