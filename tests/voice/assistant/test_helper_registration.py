"""Somebody new registers by phone (NP1, NP2; S19, A24)."""

from typing import Any

import pytest

from scheduling.models import Patient, StaffTask
from tests.voice.assistant.clinic import PhoneCall, SampleClinic


class TestRegistration:
    DANA: dict[str, Any] = {
        "full_name": "Dana Wolfe",
        "date_of_birth": "1995-05-02",
        "phone": "caller_id",
        "language": "en",
    }

    def test_np1_a_new_patient_can_register_and_hold_one_booking(
        self, clinic: SampleClinic
    ) -> None:
        call = PhoneCall("+12025550177")
        proposal = call.tool("propose_registration", **self.DANA)

        registered = call.confirm(proposal)
        slots = call.find(weekday="thu", week="next", part_of_day="morning")
        booked = call.book(slots[0]["slot"])
        second = call.tool("propose_booking", slot=call.find()[0]["slot"], visit_type="routine")

        assert proposal["say"].startswith(
            "To confirm: Dana Wolfe, born May second, nineteen ninety-five, and the number"
        )
        assert registered["data"] == {"verified": True, "first_name": "Dana", "acting_as": "self"}
        assert booked["data"]["when"] == "Thu Mar 12, 11:00 AM"
        assert second["code"] == "limit_reached"
        patient = Patient.objects.get(last_name="Wolfe")
        assert (patient.provisional, patient.phone) == (True, "+12025550177")
        assert call.stored().patient_id == patient.pk
        assert list(call.log.tool_calls.exclude(fact="").values_list("fact", flat=True)) == [
            "registered",
            "booked",
        ]

    def test_np2_an_existing_person_hears_the_same(self, clinic: SampleClinic) -> None:
        new, known = PhoneCall("+12025550177"), PhoneCall("+12025550178")
        answers = []
        for call, name, born in (
            (new, "Mario Lopes", "1958-04-12"),
            (known, "Maria Lopez", "1958-04-12"),
        ):
            proposal = call.tool(
                "propose_registration", **{**self.DANA, "full_name": name, "date_of_birth": born}
            )
            answers.append([proposal["say"], call.confirm(proposal)["say"]])

        assert answers[0] == [
            text.replace("Maria Lopez", "Mario Lopes").replace("Maria", "Mario")
            for text in answers[1]
        ]
        assert StaffTask.objects.filter(kind="duplicate").count() == 1
        assert known.tool("list_appointments")["data"]["appointments"] == []

    def test_s19_the_name_must_have_been_read_back(self, clinic: SampleClinic) -> None:
        call = PhoneCall("+12025550177")
        proposal = call.tool("propose_registration", **self.DANA)

        answer = call.tool("confirm_proposal", proposal=proposal["data"]["proposal"])

        assert answer["code"] == "confirm_required"
        assert not Patient.objects.filter(last_name="Wolfe").exists()

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("phone", "1 900 555 0177"),
            ("phone", "+442079460000"),
            ("date_of_birth", "2027-01-01"),
            ("date_of_birth", "1995-02-30"),
            ("full_name", "Dana"),
        ],
    )
    def test_a24_odd_details_are_asked_for_again(
        self, clinic: SampleClinic, field: str, value: str
    ) -> None:
        answer = PhoneCall("+12025550177").tool(
            "propose_registration", **{**self.DANA, field: value}
        )

        assert answer["code"] == "bad_arguments"
        assert "?" in answer["say"]

    def test_a_withheld_number_can_not_be_the_best_one(self, clinic: SampleClinic) -> None:
        assert (
            PhoneCall("anonymous").tool("propose_registration", **self.DANA)["code"]
            == "bad_arguments"
        )

    def test_a_verified_caller_is_passed_to_a_person(self, clinic: SampleClinic) -> None:
        call = PhoneCall()
        call.verify("james")

        assert call.tool("propose_registration", **self.DANA)["code"] == "limit_reached"
