"""Whose call it was is said once (security reference, S64)."""

from tests.voice.assistant.clinic import PhoneCall, SampleClinic


class TestWhoseCallItWas:
    def test_s64_stays_the_first_patient_s_when_the_caller_goes_on_for_another(
        self, clinic: SampleClinic
    ) -> None:
        call = PhoneCall()
        call.verify("james")
        first = call.stored().patient_id

        second = call.verify("lily", calling_for="other", caller_name="James Okafor")

        assert first is not None
        assert call.stored().patient_id == first
        assert second["data"]["verified"] is True

    def test_s64_stays_that_patient_s_after_a_visit_was_booked(self, clinic: SampleClinic) -> None:
        call = PhoneCall()
        call.verify("james")
        first = call.stored().patient_id

        call.book(call.find()[0]["slot"])

        assert call.stored().patient_id == first
