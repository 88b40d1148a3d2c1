"""S30: a record that is opened in an emergency."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core import mail
from django.db import IntegrityError

from accounts import emergency
from accounts.access import viewer_of
from accounts.exceptions import NobodyToOpenFor, NoSuchAccess, ReasonMissing
from accounts.models import AuditEvent, EmergencyAccess, User
from accounts.origin import Origin
from tests.factories import NOW, make_user

pytestmark = pytest.mark.django_db
REASON = "The nurse on call must know about the allergy"


@pytest.fixture
def chief() -> User:
    return make_user(
        role="admin", first_name="Robin", last_name="Sedgemoor", email="r@clinic.example"
    )


@pytest.fixture
def nurse() -> User:
    return make_user(role="nurse", first_name="Ana", last_name="Reyes")


def opened(chief: User, nurse: User, **given: Any) -> EmergencyAccess:
    values: dict[str, Any] = {"user_id": nurse.pk, "patient_id": uuid4(), "reason": REASON}
    origin = Origin(user_id=chief.pk, surface="dashboard", address="192.0.2.7")
    return emergency.open_record(**values | given, origin=origin, now=NOW)


def seen_by(user: User, minutes: int) -> frozenset[UUID]:
    return viewer_of(user, now=NOW + timedelta(minutes=minutes)).opened


class TestOpening:
    def test_lasts_half_an_hour_and_no_longer_s30(self, chief: User, nurse: User) -> None:
        access = opened(chief, nurse)

        assert seen_by(nurse, 0) == {access.patient_id}
        assert seen_by(nurse, 29) == {access.patient_id}
        assert seen_by(nurse, 30) == frozenset()

    def test_opens_one_record_to_one_person_s30(self, chief: User, nurse: User) -> None:
        opened(chief, nurse)

        assert seen_by(make_user(role="nurse"), 1) == frozenset()

    def test_is_an_event_that_carries_the_reason_s30(self, chief: User, nurse: User) -> None:
        access = opened(chief, nurse)

        event = AuditEvent.objects.get(action="emergency.opened")
        assert event.reason == REASON
        assert event.actor_id == str(chief.pk)
        assert event.patient_ids == [str(access.patient_id)]
        assert event.address == "192.0.2.7"

    def test_is_told_to_all_administrators_without_patient_or_reason_s30_s53(
        self, chief: User, nurse: User, django_capture_on_commit_callbacks: Any
    ) -> None:
        make_user(role="admin", email="second@clinic.example")
        make_user(role="admin", email="gone@clinic.example", is_active=False)
        make_user(role="scheduler", email="sam@clinic.example")
        with django_capture_on_commit_callbacks(execute=True):
            access = opened(chief, nurse)

        [message] = mail.outbox
        assert message.to == ["r@clinic.example", "second@clinic.example"]
        assert "Robin Sedgemoor" in message.body
        assert "Ana Reyes" in message.body
        assert REASON not in message.body
        assert str(access.patient_id) not in message.body

    def test_goes_on_when_the_mail_cannot_be_sent(
        self,
        chief: User,
        nurse: User,
        django_capture_on_commit_callbacks: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def refuse(message: object) -> None:
            raise ConnectionRefusedError

        monkeypatch.setattr("accounts.emergency.EmailMessage.send", refuse)
        with django_capture_on_commit_callbacks(execute=True):
            opened(chief, nurse)

        assert seen_by(nurse, 1)

    @pytest.mark.parametrize("reason", ["", "   ", "urgent", "x" * 201])
    def test_needs_a_reason_s30(self, chief: User, nurse: User, reason: str) -> None:
        with pytest.raises(ReasonMissing):
            opened(chief, nurse, reason=reason)

        assert not EmergencyAccess.objects.exists()

    @pytest.mark.parametrize("role", ["admin", "scheduler"])
    def test_is_for_those_whose_role_ends_at_own_patients(self, chief: User, role: str) -> None:
        with pytest.raises(NobodyToOpenFor):
            opened(chief, make_user(role=role))

    def test_is_not_for_a_closed_account(self, chief: User) -> None:
        with pytest.raises(NobodyToOpenFor):
            opened(chief, make_user(role="nurse", is_active=False))

    def test_without_a_reason_is_refused_by_the_database_too(
        self, chief: User, nurse: User
    ) -> None:
        with pytest.raises(IntegrityError):
            EmergencyAccess.objects.create(
                user=nurse,
                patient_id=uuid4(),
                opened_by=chief,
                reason="",
                opened_at=NOW,
                expires_at=NOW + timedelta(minutes=30),
            )


class TestEnding:
    def test_closes_the_record_at_once_and_is_recorded(self, chief: User, nurse: User) -> None:
        access = opened(chief, nurse)
        origin = Origin(user_id=chief.pk, surface="dashboard")

        emergency.end_access(access_id=access.pk, origin=origin, now=NOW + timedelta(minutes=5))

        assert seen_by(nurse, 6) == frozenset()
        assert AuditEvent.objects.filter(action="emergency.ended").count() == 1

    def test_of_what_has_ended_is_refused(self, chief: User, nurse: User) -> None:
        access = opened(chief, nurse)
        origin = Origin(user_id=chief.pk, surface="dashboard")

        with pytest.raises(NoSuchAccess):
            emergency.end_access(
                access_id=access.pk, origin=origin, now=NOW + timedelta(minutes=31)
            )
