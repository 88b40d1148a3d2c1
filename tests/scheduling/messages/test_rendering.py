"""From words to a message, and what the clinic's own words may be."""

import pytest

from scheduling.messages.rendering import Sender, chosen, problems, render
from scheduling.messages.words import Words

SENDER = Sender("Hillside Care", "+12025550100")
GOOD = "{clinic} sees you on {when}."


def text(body: str, *, moves: bool = False, sender: Sender = SENDER) -> str:
    return render(
        Words(body),
        channel="sms",
        language="en",
        sender=sender,
        blanks={"when": "Fri Mar 6, 9:00 AM EST"},
        moves=moves,
    ).body


class TestRendering:
    def test_adds_our_number_and_the_way_to_opt_out(self) -> None:
        assert text(GOOD) == (
            "Hillside Care sees you on Fri Mar 6, 9:00 AM EST. "
            "Call 202-555-0100. Reply STOP to opt out."
        )

    def test_leaves_out_a_number_that_is_not_known(self) -> None:
        assert text(GOOD, sender=Sender("Hillside Care", "")).endswith(
            "EST. Reply STOP to opt out."
        )

    def test_says_that_a_yes_gives_up_the_later_visit(self) -> None:
        assert " It replaces your later visit. Call" in text(GOOD, moves=True)

    def test_searches_no_value_for_blanks(self) -> None:
        assert text("{clinic}", sender=Sender("{when}", "")) == "{when} Reply STOP to opt out."

    def test_keeps_a_text_in_gsm7(self) -> None:
        assert text("“{clinic}” está").startswith('"Hillside Care" esta')

    def test_makes_one_line_of_a_subject(self) -> None:
        words = Words("x", "To {clinic}")
        sender = Sender("Hill\r\nBcc: everybody", "")

        written = render(words, channel="email", language="en", sender=sender, blanks={})

        assert written.subject == "To Hill Bcc: everybody"


class TestOwnWords:
    def test_with_the_blanks_of_their_kind_are_right(self) -> None:
        assert problems(Words(GOOD), kind="confirmation", channel="sms") == {}

    @pytest.mark.parametrize(
        "body",
        [
            GOOD + " {nurse}",
            GOOD + " {patient}",
            GOOD + " {reason}",
            GOOD + " {visit_type}",
            GOOD + " {until}",  # only an offer has it
            GOOD + " {when.year}",
            GOOD + " {when!r}",
            GOOD + " {when:%A}",
            GOOD + " {0}",
            GOOD + " {}",
            GOOD + " {{clinic}}",
            GOOD + " {",
            GOOD + " }",
        ],
    )
    def test_with_anything_else_in_braces_are_refused(self, body: str) -> None:
        assert set(problems(Words(body), kind="confirmation", channel="sms")) == {"body"}

    @pytest.mark.parametrize(
        ("kind", "body", "missing"),
        [
            ("confirmation", "See you on {when}", "{clinic}"),
            ("confirmation", "See you, {clinic}", "{when}"),
            ("waitlist_offer", GOOD, "{until}"),
            ("reply", "{clinic}", "{answer}"),
        ],
    )
    def test_must_say_what_their_kind_is_about(self, kind: str, body: str, missing: str) -> None:
        wrong = problems(Words(body), kind=kind, channel="sms")

        assert wrong == {"body": f"Also say {missing}."}

    def test_of_a_text_are_bounded_and_have_no_subject(self) -> None:
        wrong = problems(Words(GOOD + "x" * 1600, "Hello"), kind="confirmation", channel="sms")

        assert set(wrong) == {"body", "subject"}

    @pytest.mark.parametrize("subject", ["", "  ", "two\nlines", "{answer}", "{until}"])
    def test_of_an_email_have_a_subject_of_one_line(self, subject: str) -> None:
        body = "{clinic} {when} {until}"
        wrong = problems(Words(body, subject), kind="waitlist_offer", channel="email")

        assert set(wrong) == {"subject"}

    def test_that_break_a_rule_are_not_used(self) -> None:
        built_in = Words("built in")

        assert chosen(Words("{nurse}"), built_in, kind="reply", channel="sms") == built_in
        assert chosen(None, built_in, kind="reply", channel="sms") == built_in
        assert chosen(Words(GOOD), built_in, kind="confirmation", channel="sms") == Words(GOOD)
