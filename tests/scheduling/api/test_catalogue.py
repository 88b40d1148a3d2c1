"""`/api/v1/visit-types/` and `/specializations/`: what the clinic offers, by REST."""

from typing import Any

import pytest

from scheduling.models import Specialization, VisitType
from tests.factories import (
    NOW,
    TOMORROW_NINE,
    make_appointment,
    make_nurse,
    make_specialization,
    make_visit_type,
)
from tests.scheduling.api.keys import Program
from tests.scheduling.api.people import Person

WOUND: dict[str, Any] = {"code": "wound_care", "name": "Wound care", "length_minutes": 45}


@pytest.fixture(autouse=True)
def clock(settings: Any) -> None:
    settings.CAREMATIX_NOW = NOW


@pytest.fixture
def admin(db: None) -> Person:
    return Person("admin")


class TestAKindOfVisit:
    def test_can_be_booked_once_it_is_made(self, admin: Person) -> None:
        make_nurse()

        answer = admin.post("visit-types/", WOUND)
        free = Program("schedule:read").get("slots/?visit_type=wound_care").json()["results"]

        assert answer.status_code == 201, answer.content
        assert free[0]["visit_type"] == "wound_care"

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"code": "Wound care"}, "code"),
            ({"length_minutes": 3}, "length_minutes"),
            ({"length_minutes": 721}, "length_minutes"),
            ({"specialization": "00000000-0000-0000-0000-000000000007"}, "specialization"),
            ({"price": 1}, "price"),
        ],
    )
    def test_with_a_wrong_value_is_refused_by_its_field(
        self, admin: Person, change: dict[str, Any], field: str
    ) -> None:
        answer = admin.post("visit-types/", WOUND | change)

        assert (answer.status_code, list(answer.json()["fields"])) == (400, [field])
        assert not VisitType.objects.exists()

    def test_has_a_code_of_its_own_that_never_changes(self, admin: Person) -> None:
        made = admin.post("visit-types/", WOUND).json()

        assert list(admin.post("visit-types/", WOUND).json()["fields"]) == ["code"]
        renamed = admin.patch(f"visit-types/{made['id']}/", {"code": "other"})
        assert (renamed.status_code, list(renamed.json()["fields"])) == (400, ["code"])

    def test_of_which_there_are_visits_is_taken_out_of_use(self, admin: Person) -> None:
        used, unused = make_visit_type(), make_visit_type(code="unused")
        make_appointment(start=TOMORROW_NINE, visit_type=used)

        answers = [admin.delete(f"visit-types/{one.pk}/").status_code for one in (used, unused)]

        assert answers == [204, 204]
        assert VisitType.objects.get().pk == used.pk
        assert admin.get(f"visit-types/{used.pk}/").json()["active"] is False

    def test_leaves_booked_visits_as_they_are_when_it_gets_longer(self, admin: Person) -> None:
        kind = make_visit_type()
        visit = make_appointment(start=TOMORROW_NINE, visit_type=kind)

        admin.patch(f"visit-types/{kind.pk}/", {"length_minutes": 60})

        before = visit.end
        visit.refresh_from_db()
        assert visit.end == before

    def test_is_read_by_keys_and_written_by_none(self, db: None) -> None:
        make_visit_type()

        assert Program("schedule:read").get("visit-types/?active=true").json()["results"]
        assert Program().post("visit-types/", WOUND).status_code == 403


class TestASpecialization:
    def test_is_made_changed_and_deleted(self, admin: Person) -> None:
        made = admin.post(
            "specializations/",
            {"code": "wound-care", "name": "Wound care", "condition_codes": ["l89"]},
        )
        address = f"specializations/{made.json()['id']}/"
        changed = admin.patch(address, {"condition_codes": ["L89", "I83."]})

        assert (made.status_code, made.json()["condition_codes"]) == (201, ["L89"])
        assert changed.json()["condition_codes"] == ["L89", "I83."]
        assert admin.delete(address).status_code == 204
        assert not Specialization.objects.exists()

    def test_that_somebody_needs_is_not_deleted(self, admin: Person) -> None:
        of_nurse, of_kind = make_specialization(), make_specialization()
        make_nurse(specializations=[of_nurse])
        make_visit_type(code="wound", specialization=of_kind)

        for one in (of_nurse, of_kind):
            answer = admin.delete(f"specializations/{one.pk}/")
            assert (answer.status_code, answer.json()["code"]) == (409, "in_use")

        assert Specialization.objects.count() == 2

    def test_serves_only_codes_of_conditions(self, admin: Person) -> None:
        body = {"code": "wound-care", "name": "Wound care", "condition_codes": ["ulcer"]}

        answer = admin.post("specializations/", body)

        assert (answer.status_code, list(answer.json()["fields"])) == (400, ["condition_codes"])
