"""The built-in words: complete, short, and silent about people and health (S55)."""

from datetime import UTC, datetime
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from scheduling.messages.dates import clock_time, date_and_time
from scheduling.messages.rendering import Sender, fill, problems, render
from scheduling.messages.segments import is_gsm7, segments
from scheduling.messages.words import ANSWERS, BLANKS, KINDS, LANGUAGES, Words, built_in
from scheduling.models import Message

ZONE = ZoneInfo("America/New_York")
LONGEST = datetime(2026, 9, 30, 16, 30, tzinfo=UTC)  # Wed Sep 30, 12:30 PM EDT: nothing is longer
SENDER = Sender("Hillside Care", "+12025550100")
CHANNELS = ("sms", "email")
ALL = list(product(KINDS, CHANNELS, LANGUAGES))
TEXT_ANSWERS = [(language, answer) for language in LANGUAGES for answer in ANSWERS[language]]
PATIENT_TEXTS = ("confirmation", "rescheduled", "reminder_48h", "reminder_2h")
SAYS_TOO_MUCH = (
    *("nurse", "enfermer", "doctor", "wound", "therapy", "condition", "diagnos", "care plan"),
    *("routine", "follow-up", "consultation", "medic", "health", "salud", "clínic", "clinic"),
)


def message(kind: str, channel: str, language: str, *, answer: str = "confirmed") -> Words:
    """Return a message in full, with the longest date there is."""
    when = date_and_time(LONGEST, zone=ZONE, language=language, channel=channel)
    blanks = {
        "when": when,
        "count": "52",
        "until": clock_time(LONGEST, zone=ZONE, language=language),
        "answer": fill(ANSWERS[language][answer], {"when": when}),
    }
    words = built_in(kind=kind, channel=channel, language=language)
    return render(words, channel=channel, language=language, sender=SENDER, blanks=blanks)


class TestBuiltInWords:
    def test_are_there_for_every_kind_of_message(self) -> None:
        assert set(KINDS) == set(Message.Kind.values)

    @pytest.mark.parametrize(("kind", "channel", "language"), ALL)
    def test_obey_the_rules_that_the_clinics_own_words_obey(
        self, kind: str, channel: str, language: str
    ) -> None:
        words = built_in(kind=kind, channel=channel, language=language)

        assert problems(words, kind=kind, channel=channel) == {}

    @pytest.mark.parametrize(("kind", "channel", "language"), ALL)
    def test_leave_no_blank_unfilled(self, kind: str, channel: str, language: str) -> None:
        written = message(kind, channel, language)

        assert "{" not in written.body + written.subject

    @pytest.mark.parametrize(("kind", "channel", "language"), ALL)
    def test_name_the_clinic_its_number_and_how_to_opt_out(
        self, kind: str, channel: str, language: str
    ) -> None:
        body = message(kind, channel, language).body

        assert SENDER.clinic in body
        assert "202-555-0100" in body
        opt_out = {
            "sms": {"en": "Reply STOP to opt out.", "es": "Responda STOP para darse de baja."},
            "email": {"en": "no longer want these e-mails", "es": "no desea estos correos"},
        }
        assert opt_out[channel][language] in body

    @pytest.mark.parametrize(("kind", "channel", "language"), ALL)
    def test_say_when_with_the_zone(self, kind: str, channel: str, language: str) -> None:
        body = message(kind, channel, language).body

        assert "12:30" in body
        assert "EDT" in body

    @pytest.mark.parametrize(("kind", "channel", "language"), ALL)
    def test_say_nothing_about_people_or_health(
        self, kind: str, channel: str, language: str
    ) -> None:
        """S55; no blank could bring it in either."""
        words = built_in(kind=kind, channel=channel, language=language)
        plain = fill(f"{words.subject} {words.body}".lower(), dict.fromkeys(BLANKS[kind].names, ""))

        assert [word for word in SAYS_TOO_MUCH if word in plain] == []
        assert set(BLANKS[kind].names) <= {"clinic", "count", "when", "until", "answer"}

    @pytest.mark.parametrize(("kind", "language"), list(product(KINDS, LANGUAGES)))
    def test_fit_a_text_into_one_part(self, kind: str, language: str) -> None:
        body = message(kind, "sms", language).body

        assert is_gsm7(body)
        assert segments(body) == 1

    @pytest.mark.parametrize(("language", "answer"), TEXT_ANSWERS)
    def test_fit_every_answer_into_one_part(self, language: str, answer: str) -> None:
        body = message("reply", "sms", language, answer=answer).body

        assert is_gsm7(body)
        assert segments(body) == 1

    def test_have_the_same_answers_in_both_languages(self) -> None:
        assert set(ANSWERS["en"]) == set(ANSWERS["es"])

    @pytest.mark.parametrize("kind", PATIENT_TEXTS)
    def test_end_with_how_to_answer(self, kind: str) -> None:
        assert "Reply C to confirm, R for a call back." in message(kind, "sms", "en").body
        assert "Responda C para confirmar, R para una llamada." in message(kind, "sms", "es").body

    def test_use_no_word_that_the_carrier_keeps_for_itself_as_an_answer(self) -> None:
        reserved = {"YES", "CANCEL", "END", "QUIT", "START", "HELP", "INFO", "REVOKE"}
        for kind, language in product(KINDS, LANGUAGES):
            words = set(message(kind, "sms", language).body.replace(",", " ").split())

            assert not words & reserved

    def test_of_an_unknown_language_are_english(self) -> None:
        assert built_in(kind="reply", channel="email", language="fr") == built_in(
            kind="reply", channel="email", language="en"
        )
