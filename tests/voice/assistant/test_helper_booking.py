"""Finding and booking by phone (A13, A17–A19; voice-conversation, section 12.1)."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import OperationalError

from scheduling.models import Appointment, Consent, Message, SlotHold, WaitlistEntry
from tests.voice.assistant.clinic import NEW_YORK, NOW, PhoneCall, SampleClinic
from tests.voice.assistant.verified import james, maria, take
from voice.protocol.commands import CallerTurn, Spoken


def whens(answer: dict[str, Any]) -> list[str]:
    return [slot["when"] for slot in answer["data"]["slots"]]


class TestFindSlots:
    def test_bk1_offers_the_assigned_nurse_first(self, clinic: SampleClinic) -> None:
        answer = james().tool("find_slots", weekday="tue", week="next", part_of_day="morning")

        assert answer["data"]["slots"][0] == {
            "slot": "slot_1",
            "when": "Tue Mar 10, 8:00 AM",
            "start": "2026-03-10T08:00:00-04:00",
            "nurse": "Tom Blake",
        }
        assert len(answer["data"]["slots"]) <= 3

    def test_bk2_the_soonest_with_any_nurse_is_ordered_by_time(self, clinic: SampleClinic) -> None:
        call = james()

        assert whens(call.tool("find_slots", nurse="any"))[0] == "Fri Mar 6, 3:00 PM"
        assert whens(call.tool("find_slots"))[0] == "Fri Mar 6, 3:00 PM"

    def test_bk3_a_nurse_who_is_away_is_said_so_and_others_offered(
        self, clinic: SampleClinic
    ) -> None:
        answer = maria().tool("find_slots", week="next", nurse="Priya Shah")

        assert answer["code"] == "nurse_away"
        assert answer["say"].startswith("Priya Shah is away then.")
        assert answer["data"]["slots"]

    def test_bk4_weekday_and_date_that_disagree_are_asked_about(self, clinic: SampleClinic) -> None:
        answer = james().tool("find_slots", weekday="tue", month_day="03-11")

        assert answer["code"] == "date_conflict"
        assert answer["say"] == "Is that Tuesday, March tenth, or Wednesday, March eleventh?"

    def test_bk5_a_closed_day_leads_to_the_next_open_one(self, clinic: SampleClinic) -> None:
        answer = james().tool("find_slots", weekday="sun", week="this")

        assert answer["code"] == "closed"
        assert whens(answer) == ["Mon Mar 9, 9:00 AM"]

    def test_bk6_times_already_offered_are_left_out_and_the_waitlist_follows(
        self, clinic: SampleClinic
    ) -> None:
        call = james()
        first = call.tool("find_slots", week="next")
        again = call.tool("find_slots", week="next", exclude_offered=True)

        joined = call.tool("join_waitlist", week="next")

        assert not set(whens(first)) & set(whens(again))
        assert joined["ok"] is True
        entry = WaitlistEntry.objects.get()
        assert (str(entry.earliest), str(entry.latest)) == ("2026-03-09", "2026-03-15")
        assert call.fact() == "waitlisted"

    def test_bk12_a_visit_at_that_very_time_is_told_once(self, clinic: SampleClinic) -> None:
        call = maria()

        answer = call.tool("find_slots", weekday="tue", after="09:30")
        again = call.tool("find_slots", weekday="tue", after="09:30")

        assert answer["code"] == "duplicate_visit"
        assert answer["data"]["appointments"][0]["appointment"] == "appt_1"
        assert again["ok"] is True

    def test_an_unknown_nurse_is_not_guessed(self, clinic: SampleClinic) -> None:
        answer = james().tool("find_slots", nurse="Zorro")

        assert answer["code"] == "nurse_unknown"
        assert answer["data"]["slots"]

    def test_nothing_free_offers_what_is_nearest(self, clinic: SampleClinic) -> None:
        answer = james().tool("find_slots", weekday="fri", part_of_day="morning")

        assert answer["code"] == "no_slots"
        assert whens(answer)[0] == "Fri Mar 6, 3:00 PM"

    def test_where_plain_and_next_differ_both_dates_are_named(self, clinic: SampleClinic) -> None:
        answer = james().tool("find_slots", weekday="fri")

        assert "Friday, March sixth, not Friday, March thirteenth" in answer["say"]

    @pytest.mark.parametrize(
        "wish", [{"month_day": "2019-01-01"}, {"month_day": "01-01"}, {"after": "25:99"}, {"in_days": 400},
                 {"month_day": "03-08", "after": "02:30"}],
    )  # fmt: skip
    def test_a17_a_time_that_can_not_be_is_invalid(
        self, clinic: SampleClinic, wish: dict[str, Any]
    ) -> None:
        answer = james().tool("find_slots", **wish)

        assert answer["code"] == "invalid_time"
        assert "?" in answer["say"]

    def test_the_first_offer_is_held_for_the_caller(self, clinic: SampleClinic) -> None:
        call = james()
        call.find(weekday="tue")

        hold = SlotHold.objects.get(state="live")

        assert (hold.purpose, hold.owner) == ("offer", f"call:{call.log.pk}")
        assert hold.expires_at - NOW == timedelta(seconds=120)
        other = PhoneCall("+12025550106")
        other.verify("maria2")
        assert "Tue Mar 10, 8:00 AM" not in whens(other.tool("find_slots", weekday="tue"))

    def test_every_answer_is_small(self, clinic: SampleClinic) -> None:
        for language in ("en", "es"):
            call = PhoneCall(language=language)
            call.verify("james")
            for wish in (
                {},
                {"week": "next"},
                {"weekday": "fri"},
                {"nurse": "Priya Shah", "week": "next"},
            ):
                call.tool("find_slots", **wish)
                assert len(call.last.output.encode()) <= 700

    def test_ln3_the_offer_is_in_the_callers_language(self, clinic: SampleClinic) -> None:
        call = james()
        call.tool("set_language", language="es")

        assert call.tool("find_slots", weekday="tue")["say"].startswith(
            "Con Tom Blake tengo el martes diez de marzo"
        )


class TestBooking:
    def test_bk1_books_after_a_heard_read_back_and_a_yes(self, clinic: SampleClinic) -> None:
        call = james()
        slot = call.find(weekday="tue", week="next", part_of_day="morning")[0]["slot"]
        proposal = call.tool("propose_booking", slot=slot, visit_type="routine")

        booked = call.confirm(proposal)

        assert proposal["exact"] is True
        assert proposal["say"] == (
            "To confirm: a routine visit with Tom Blake on Tuesday, March tenth, at eight in the morning."
            " Shall I book it?"
        )
        assert booked["say"].startswith(
            "You're booked for Tuesday, March tenth, at eight in the morning with Tom Blake."
        )
        assert booked["data"] == {
            "appointment": "appt_1",
            "when": "Tue Mar 10, 8:00 AM",
            "start": "2026-03-10T08:00:00-04:00",
            "nurse": "Tom Blake",
        }
        visit = Appointment.objects.get(source="voice")
        assert visit.start == datetime(2026, 3, 10, 12, tzinfo=UTC)
        assert visit.patient == clinic.patients["james"]
        assert list(call.stored().appointments.all()) == [visit]
        assert not SlotHold.objects.filter(state="live").exists()
        assert call.fact() == "booked"

    def test_the_text_is_promised_only_if_it_was_written(self, clinic: SampleClinic) -> None:
        with_consent = james()
        first = with_consent.book(with_consent.find()[0]["slot"])
        Consent.objects.filter(patient=clinic.patients["maria2"]).delete()
        without = PhoneCall("+12025550106")
        without.verify("maria2")
        second = without.book(without.find()[0]["slot"])

        assert "A text goes to the number on file." in first["say"]
        assert "text" not in second["say"]
        assert (
            Message.objects.filter(kind="confirmation", patient=clinic.patients["james"]).count()
            == 1
        )

    def test_a13_s19_a_confirmation_in_the_same_breath_is_refused(
        self, clinic: SampleClinic
    ) -> None:
        call = james()
        proposal = call.tool("propose_booking", slot=call.find()[0]["slot"], visit_type="routine")
        call.after.clear()

        answer = call.tool("confirm_proposal", proposal=proposal["data"]["proposal"])

        assert answer["code"] == "confirm_required"
        assert proposal["say"] in answer["say"]
        assert not Appointment.objects.filter(source="voice").exists()

    def test_bk8_a_read_back_that_was_cut_must_be_repeated(self, clinic: SampleClinic) -> None:
        call = james()
        proposal = call.tool("propose_booking", slot=call.find()[0]["slot"], visit_type="routine")
        call.hear(Spoken("To confirm: a routine", whole=False), CallerTurn())

        refused = call.tool("confirm_proposal", proposal=proposal["data"]["proposal"])
        call.says_yes_to(refused)
        booked = call.tool("confirm_proposal", proposal=proposal["data"]["proposal"])

        assert refused["code"] == "readback_not_heard"
        assert refused["say"] == f"Let me say that again. {proposal['say']}"
        assert booked["ok"] is True

    @pytest.mark.parametrize("kind", ["no proposal", "old nonce", "guess", "spent"])
    def test_s19_another_nonce_is_refused(self, clinic: SampleClinic, kind: str) -> None:
        call = james()
        slots = call.find(week="next")
        old = call.tool("propose_booking", slot=slots[0]["slot"], visit_type="routine")
        if kind == "no proposal":
            call.tool("transfer_to_staff", reason="request")  # drops it
        if kind == "old nonce":
            call.says_yes_to(
                call.tool("propose_booking", slot=slots[1]["slot"], visit_type="routine")
            )
        call.says_yes_to(old)
        nonce = "0" * 12 if kind == "guess" else old["data"]["proposal"]
        if kind == "spent":
            call.tool("confirm_proposal", proposal=nonce)
            Appointment.objects.filter(source="voice").delete()
            call.log.tool_calls.update(created_at=NOW - timedelta(days=900))

        answer = call.tool("confirm_proposal", proposal=nonce)

        assert answer["code"] == "confirm_required"
        assert not Appointment.objects.filter(source="voice").exists()

    def test_s19_bk11_a_proposal_ends_after_two_minutes(self, clinic: SampleClinic) -> None:
        call = james()
        proposal = call.tool("propose_booking", slot=call.find()[0]["slot"], visit_type="routine")
        call.ms += 121_000

        answer = call.confirm(proposal)

        assert answer["code"] == "slot_expired"
        assert answer["data"]["slots"]
        assert not Appointment.objects.filter(source="voice").exists()

    def test_a18_bk7_a_time_that_was_just_taken_is_said_with_others(
        self, clinic: SampleClinic
    ) -> None:
        call = james()
        proposal = call.tool(
            "propose_booking", slot=call.find(weekday="tue")[0]["slot"], visit_type="routine"
        )
        take(clinic, "blake", datetime(2026, 3, 10, 8, tzinfo=NEW_YORK))

        taken = call.confirm(proposal)
        booked = call.book(taken["data"]["slots"][0]["slot"])

        assert taken["code"] == "slot_taken"
        assert taken["say"].startswith("I'm sorry, that time was just taken. With Ana Reyes I have")
        assert booked["ok"] is True
        assert clinic.patients["james"].appointments.count() == 1

    def test_a18_a_time_taken_before_it_is_proposed_too(self, clinic: SampleClinic) -> None:
        call = james()
        slot = call.find(weekday="tue")[0]["slot"]
        take(clinic, "blake", datetime(2026, 3, 10, 8, tzinfo=NEW_YORK))

        assert call.tool("propose_booking", slot=slot, visit_type="routine")["code"] == "slot_taken"

    def test_a19_s22_the_same_confirmation_books_once(self, clinic: SampleClinic) -> None:
        call = james()
        proposal = call.tool("propose_booking", slot=call.find()[0]["slot"], visit_type="routine")
        call.says_yes_to(proposal)
        arguments = json.dumps({"proposal": proposal["data"]["proposal"]})

        first = call.raw("confirm_proposal", arguments, call_id="call_x")
        again = call.raw("confirm_proposal", arguments, call_id="call_x")
        call.resume()
        resumed = call.raw("confirm_proposal", arguments, call_id="call_x")
        other = json.loads(call.raw("confirm_proposal", arguments, call_id="call_y").output)

        assert first == again == resumed
        assert other == json.loads(first.output) | {"repeated": True}
        assert Appointment.objects.filter(source="voice").count() == 1

    def test_bk10_s21_a_third_booking_of_one_call_is_refused(self, clinic: SampleClinic) -> None:
        call = james()
        for _ in range(2):
            assert call.book(call.find()[0]["slot"])["ok"] is True

        answer = call.tool("propose_booking", slot=call.find()[0]["slot"], visit_type="routine")

        assert answer["code"] == "limit_reached"
        assert "connect you with someone" in answer["say"]

    def test_s21_a_fourth_coming_visit_is_refused(self, clinic: SampleClinic) -> None:
        for slot in (0, 0, 0):
            call = james()
            assert call.book(call.find()[slot]["slot"])["ok"] is True
        call = james()

        assert call.tool("propose_booking", slot=call.find()[0]["slot"])["code"] == "limit_reached"

    def test_a_time_that_overlaps_an_own_visit_is_a_duplicate(self, clinic: SampleClinic) -> None:
        call = james()
        slot = call.find(weekday="tue")[0]["slot"]
        take(clinic, "blake", datetime(2026, 3, 10, 8, tzinfo=NEW_YORK), patient="james")

        assert (
            call.tool("propose_booking", slot=slot, visit_type="routine")["code"]
            == "duplicate_visit"
        )

    @pytest.mark.parametrize("slot", ["2019-01-01T10:00:00-05:00", "2099-01-01", "02:30", "25:99"])
    def test_a17_a_time_in_the_place_of_a_handle_is_invalid(
        self, clinic: SampleClinic, slot: str
    ) -> None:
        assert (
            james().tool("propose_booking", slot=slot, visit_type="routine")["code"]
            == "invalid_time"
        )

    def test_an_emergency_can_not_be_booked(self, clinic: SampleClinic) -> None:
        call = james()

        answer = call.tool("propose_booking", slot=call.find()[0]["slot"], visit_type="emergency")

        assert answer["code"] == "bad_arguments"

    def test_a_new_proposal_takes_the_place_and_the_hold_of_the_old_one(
        self, clinic: SampleClinic
    ) -> None:
        call = james()
        first, second = call.find(week="next")[:2]
        call.tool("propose_booking", slot=first["slot"], visit_type="routine")
        call.tool("propose_booking", slot=second["slot"], visit_type="routine")

        hold = SlotHold.objects.get(state="live")

        assert (hold.purpose, hold.start) == ("proposal", datetime.fromisoformat(second["start"]))


class TestUnknownResult:
    def test_r2_a_write_whose_answer_was_lost_is_read_back(self, clinic: SampleClinic) -> None:
        call = james()
        proposal = call.tool("propose_booking", slot=call.find()[0]["slot"], visit_type="routine")
        call.says_yes_to(proposal)
        answered = call.helper._answered

        def lost(*given: Any) -> Any:
            answered(*given)
            raise OperationalError("server closed the connection unexpectedly")

        with (
            patch.object(call.helper, "_answered", lost),
            patch("voice.database_helper.transaction.atomic"),
        ):
            answer = call.tool("confirm_proposal", proposal=proposal["data"]["proposal"])

        assert answer["ok"] is True
        assert Appointment.objects.filter(source="voice").count() == 1

    def test_r2_a_write_that_was_not_stored_is_said_so_and_can_be_tried_again(
        self, clinic: SampleClinic
    ) -> None:
        call = james()
        proposal = call.tool("propose_booking", slot=call.find()[0]["slot"], visit_type="routine")
        call.says_yes_to(proposal)

        with patch("scheduling.services.book_appointment", side_effect=OperationalError("gone")):
            failed = call.tool("confirm_proposal", proposal=proposal["data"]["proposal"])
        booked = call.tool("confirm_proposal", proposal=proposal["data"]["proposal"])

        assert failed["code"] == "temporarily_unavailable"
        assert "nothing was changed" in failed["say"]
        assert booked["ok"] is True
