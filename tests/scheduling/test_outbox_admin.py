"""The clinic's own words in the admin: checked, previewed, beside the built-in ones."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from scheduling.messages.words import KINDS, LANGUAGES
from scheduling.models import MessageTemplate
from tests.factories import make_user

PLACES = len(KINDS) * len(LANGUAGES) * 2  # by text and by e-mail
pytestmark = pytest.mark.django_db

LIST = "/admin/scheduling/messagetemplate/"
ADD = f"{LIST}add/"
GOOD = "{clinic} expects you: {when}"


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(make_user(role="admin", is_staff=True, is_superuser=True))
    return client


def words(**changes: Any) -> dict[str, str]:
    """Return what the form sends."""
    given = {
        "kind": "confirmation",
        "channel": "sms",
        "language": "en",
        "subject": "",
        "body": GOOD,
    }
    return given | changes


def store(**changes: Any) -> MessageTemplate:
    return MessageTemplate.objects.create(**words(**changes))


def text_of(response: Any) -> str:
    assert response.status_code == 200
    return str(response.content.decode())


def errors_of(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 200, "the form was accepted"
    return dict(response.context["adminform"].form.errors)


class TestList:
    def test_shows_the_built_in_words_of_every_place(self, staff: Client) -> None:
        page = text_of(staff.get(LIST))

        assert page.count("Write own words</a>") == PLACES
        assert "your appointment is on Wed Sep 30, 12:30 PM EDT" in page

    def test_shows_own_words_in_the_place_of_the_built_in_ones(self, staff: Client) -> None:
        store()

        page = text_of(staff.get(LIST))

        assert page.count("Write own words</a>") == PLACES - 1
        assert GOOD in page

    def test_leads_to_a_form_that_starts_with_the_built_in_words(self, staff: Client) -> None:
        page = staff.get(ADD, {"kind": "reminder_2h", "channel": "sms", "language": "es"})

        form = page.context["adminform"].form
        assert form["body"].value().startswith("{clinic}: su cita es pronto, {when}.")
        assert form["kind"].value() == "reminder_2h"
        assert "su cita es pronto, mié 30 sep, 12:30 EDT" in text_of(page)

    @pytest.mark.parametrize("asked", [{}, {"kind": "nonsense"}])
    def test_starts_with_the_first_place_without_own_words(
        self, staff: Client, asked: dict[str, str]
    ) -> None:
        store()

        form = staff.get(ADD, asked).context["adminform"].form

        assert [form[name].value() for name in ("kind", "channel", "language")] == [
            "confirmation",
            "sms",
            "es",
        ]


class TestForm:
    def test_stores_good_words(self, staff: Client) -> None:
        response = staff.post(ADD, words())

        assert response.status_code == 302
        assert MessageTemplate.objects.get().body == GOOD

    @pytest.mark.parametrize(
        "changes",
        [
            {"body": GOOD + " {patient}"},
            {"body": GOOD + " {nurse.phone}"},
            {"body": "{clinic}"},
            {"body": GOOD + "{"},
            {"subject": "Hello"},
            {"channel": "email"},
            {"channel": "email", "subject": "{until}"},
        ],
    )
    def test_refuses_words_that_break_a_rule(self, staff: Client, changes: dict[str, str]) -> None:
        errors = errors_of(staff.post(ADD, words(**changes)))

        assert set(errors) <= {"body", "subject"}
        assert errors
        assert not MessageTemplate.objects.exists()

    def test_refuses_two_rows_for_one_place(self, staff: Client) -> None:
        store()

        assert errors_of(staff.post(ADD, words()))
        assert MessageTemplate.objects.count() == 1

    def test_changes_words_but_not_their_place(self, staff: Client) -> None:
        template = store()
        address = reverse("admin:scheduling_messagetemplate_change", args=[template.pk])

        response = staff.post(address, words(kind="reply", body=GOOD + "!"))

        assert response.status_code == 302
        template.refresh_from_db()
        assert (template.kind, template.body) == ("confirmation", GOOD + "!")

    def test_refuses_a_change_that_breaks_a_rule(self, staff: Client) -> None:
        template = store()
        address = reverse("admin:scheduling_messagetemplate_change", args=[template.pk])

        assert set(errors_of(staff.post(address, words(body="{clinic}")))) == {"body"}


class TestPreview:
    def page_with(self, staff: Client, **changes: Any) -> str:
        template = store(**changes)
        return text_of(
            staff.get(reverse("admin:scheduling_messagetemplate_change", args=[template.pk]))
        )

    def test_shows_the_text_in_full_and_its_parts(self, staff: Client) -> None:
        page = self.page_with(staff)

        assert (
            "Carematix expects you: Wed Sep 30, 12:30 PM EDT "
            "Call 202-555-0199. Reply STOP to opt out." in page
        )
        assert "89 characters, sent in 1 part." in page

    def test_counts_the_parts_of_a_longer_text(self, staff: Client) -> None:
        assert "sent in 2 parts." in self.page_with(staff, body=GOOD + " please" * 14)

    def test_says_which_character_makes_a_text_dear(self, staff: Client) -> None:
        page = self.page_with(staff, body=GOOD + " 😀")

        assert "sent in 2 parts, because of 😀" in page

    def test_shows_an_email_with_its_subject(self, staff: Client) -> None:
        page = self.page_with(staff, channel="email", subject="See you on {when}")

        assert "<strong>See you on Wednesday, September 30, 2026, at 12:30 PM EDT</strong>" in page

    def test_escapes_what_was_written(self, staff: Client) -> None:
        page = self.page_with(staff, body=GOOD + "<script>alert(1)</script>")

        assert "<script>alert(1)" not in page

    def test_of_words_that_break_a_rule_asks_to_correct_them(self, staff: Client) -> None:
        assert "Correct the words" in self.page_with(staff, body="{patient}")
