"""The page on which records are opened in an emergency, and the banner of those who may look (S30)."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.test import Client

from accounts.models import AuditEvent, EmergencyAccess, User
from accounts.sign_in import clock
from tests.dashboard.rows import make_call, make_nurse, make_patient, make_user

pytestmark = pytest.mark.django_db
PAGE = "/dashboard/emergency/"
REASON = "The nurse on call must know about the allergy"


@pytest.fixture
def chief(client: Client) -> User:
    user = make_user("chief", "admin")
    client.force_login(user)
    return user


def open_to(user: User, patient_id: UUID, *, by: User, minutes: int = 30) -> EmergencyAccess:
    return EmergencyAccess.objects.create(
        user=user,
        patient_id=patient_id,
        opened_by=by,
        reason=REASON,
        opened_at=clock.now(),
        expires_at=clock.now() + timedelta(minutes=minutes),
    )


@pytest.mark.usefixtures("chief")
class TestThePage:
    def test_finds_patients_and_records_whom_it_showed(self, client: Client) -> None:
        patient = make_patient()
        make_patient("Tobias", "Quill")

        page = client.post(PAGE, {"search": "ida"}).content.decode()

        assert "Ida Fernwood" in page
        assert "Tobias" not in page
        event = AuditEvent.objects.get(action="patients.list")
        assert event.patient_ids == [str(patient.pk)]

    def test_says_when_nobody_is_found(self, client: Client) -> None:
        assert "No patient has this name" in client.post(PAGE, {"search": "zz"}).content.decode()

    def test_opens_a_record(self, client: Client) -> None:
        patient, nurse = make_patient(), make_user("ana", "nurse", first_name="Ana")

        page = client.post(
            PAGE, {"patient": patient.pk, "user": nurse.pk, "reason": REASON}, follow=True
        ).content.decode()

        assert "The record of Ida Fernwood is open to Ana." in page
        assert REASON in page
        assert EmergencyAccess.objects.get().user == nurse

    @pytest.mark.parametrize("missing", ["patient", "user", "reason"])
    def test_says_what_is_missing(self, client: Client, missing: str) -> None:
        given = {
            "patient": str(make_patient().pk),
            "user": str(make_user("ana", "nurse").pk),
            "reason": REASON,
        }

        page = client.post(PAGE, given | {missing: ""}).content.decode()

        assert "There is a problem" in page
        assert not EmergencyAccess.objects.exists()

    def test_keeps_the_chosen_patient_when_something_is_missing(self, client: Client) -> None:
        patient, nurse = make_patient(), make_user("ana", "nurse")

        page = client.post(PAGE, {"patient": patient.pk, "user": nurse.pk, "reason": "soon"})

        assert page.context["found"] == [patient]
        assert "Say in 10 to 200 characters" in page.content.decode()

    def test_offers_nurses_only(self, client: Client) -> None:
        make_user("ana", "nurse", first_name="Ana", last_name="Reyes")
        make_user("sam", "scheduler", first_name="Sam", last_name="Ashgrove")
        make_patient()

        page = client.post(PAGE, {"search": "ida"}).content.decode()

        assert "Ana Reyes" in page
        assert "Sam Ashgrove" not in page

    def test_s46_records_whose_open_records_it_names(self, client: Client, chief: User) -> None:
        patient = make_patient()
        open_to(make_user("ana", "nurse"), patient.pk, by=chief)

        assert "Ida Fernwood" in client.get(PAGE).content.decode()

        event = AuditEvent.objects.get(action="patients.list")
        assert event.patient_ids == [str(patient.pk)]

    def test_closes_a_record_before_its_time(self, client: Client, chief: User) -> None:
        access = open_to(make_user("ana", "nurse"), make_patient().pk, by=chief)

        page = client.post(f"{PAGE}{access.pk}/end/", follow=True).content.decode()

        assert "The record is closed again." in page
        assert "No record is open." in page


class TestTheNurse:
    def test_sees_the_record_with_a_banner_until_it_ends_s30(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        login = make_user("ana", "nurse")
        make_nurse(user=login)
        patient = make_patient()
        call = make_call(patient)
        client.force_login(login)
        address = f"/dashboard/calls/{call.pk}/"
        before = client.get(address)
        access = open_to(login, patient.pk, by=make_user("chief", "admin"))

        during = client.get(address)
        EmergencyAccess.objects.filter(pk=access.pk).update(
            expires_at=clock.now(), opened_at=clock.now() - timedelta(minutes=30)
        )
        after = client.get(address)

        assert [before.status_code, during.status_code, after.status_code] == [404, 200, 404]
        page = during.content.decode()
        assert "Emergency access." in page
        assert "The record of Ida Fernwood is open to you until" in page

    def test_has_the_reading_marked_as_such_in_the_audit_record_s30(self, client: Client) -> None:
        login = make_user("ana", "nurse")
        patient = make_patient()
        call = make_call(patient)
        open_to(login, patient.pk, by=make_user("chief", "admin"))
        client.force_login(login)

        client.get(f"/dashboard/calls/{call.pk}/")

        assert AuditEvent.objects.get(action="call.read").reason == "emergency access"
