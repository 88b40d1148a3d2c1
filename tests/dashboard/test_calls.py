"""The list of calls and the page of one call."""

import re
import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import AuditEvent, User
from tests.dashboard.rows import (
    NOON,
    add_tool,
    add_turn,
    assign,
    make_call,
    make_nurse,
    make_patient,
    make_user,
    make_visit,
    make_whole_call,
)
from voice.models import CallLog, TranscriptEntry

pytestmark = pytest.mark.django_db
LIST = "/dashboard/calls/"


@pytest.fixture
def scheduler(client: Client) -> User:
    user = make_user()
    client.force_login(user)
    return user


def shown(client: Client, query: str = "") -> str:
    return client.get(LIST + query).content.decode()


@pytest.mark.usefixtures("scheduler")
class TestCallList:
    def test_shows_who_called_what_it_led_to_and_which_visit(self, client: Client) -> None:
        patient = make_patient()
        make_whole_call(patient, make_visit(patient, make_nurse()))

        page = shown(client)

        assert "Ida Fernwood" in page
        assert "(202) 555-0118" in page
        assert "Visit booked" in page
        assert "Ana Reyes" in page
        assert "$0.21" in page

    def test_says_when_a_caller_is_not_known(self, client: Client) -> None:
        make_call(from_number="anonymous", outcome="", duration_s=None)

        page = shown(client)

        assert "Caller not known" in page
        assert "Number withheld" in page
        assert "Not known" in page

    def test_says_in_words_that_nothing_is_there_yet(self, client: Client) -> None:
        assert "Calls appear here as soon as somebody phones the clinic." in shown(client)

    def test_says_in_words_that_nothing_matches(self, client: Client) -> None:
        make_call()

        assert "No calls match" in shown(client, "?outcome=spam")

    @pytest.mark.parametrize(
        ("tab", "number"),
        [("all", 4), ("live", 1), ("staff", 1), ("failed", 1), ("nonsense", 4)],
    )
    def test_tabs_are_saved_views(self, client: Client, tab: str, number: int) -> None:
        make_call()
        make_call(status="in_progress", outcome="")
        make_call(outcome="message_taken")
        make_call(status="no_answer", outcome="")

        assert len(client.get(f"{LIST}?tab={tab}").context["page"].rows) == number

    def test_is_narrowed_by_status_and_outcome(self, client: Client) -> None:
        wanted = make_call(status="failed", outcome="failed")
        make_call(status="failed", outcome="caller_left")
        make_call(status="completed", outcome="failed")

        rows = client.get(f"{LIST}?status=failed&outcome=failed").context["page"].rows

        assert rows == [wanted]

    def test_is_narrowed_to_the_clinics_today(self, client: Client) -> None:
        today, older = make_call(), make_call()
        CallLog.objects.filter(pk=older.pk).update(created_at=timezone.now() - timedelta(days=2))

        assert client.get(f"{LIST}?when=1").context["page"].rows == [today]
        assert len(client.get(f"{LIST}?when=7").context["page"].rows) == 2

    @pytest.mark.parametrize(
        "query", ["?page=abc", "?page=-1", "?page=999999999", "?status=x&when=y"]
    )
    def test_answers_odd_choices_as_if_they_were_not_made(self, client: Client, query: str) -> None:
        make_call()

        response = client.get(LIST + query)

        assert response.status_code == 200
        assert len(response.context["page"].rows) == 1

    @pytest.mark.parametrize(
        "search", ["ida", "FERNWOOD ida", "fernw", "555-0118", "(202) 555 0118"]
    )
    def test_finds_a_patient_by_name_or_number(self, client: Client, search: str) -> None:
        wanted = make_call(make_patient())
        make_call(make_patient("Tobias", "Quill", phone="+12025550999"), from_number="+12025550999")

        rows = client.post(LIST, {"search": search}).context["page"].rows

        assert rows == [wanted]

    def test_finds_the_number_of_a_caller_who_is_not_known(self, client: Client) -> None:
        wanted = make_call(from_number="+13035550177")
        make_call()

        assert client.post(LIST, {"search": "303 555"}).context["page"].rows == [wanted]

    def test_keeps_the_search_out_of_every_address_s53(self, client: Client) -> None:
        patient = make_patient()
        CallLog.objects.bulk_create(
            CallLog(call_sid=f"CA{n}", account_sid="AC", patient=patient) for n in range(30)
        )

        response = client.post(LIST, {"search": "Fernwood", "tab": "all"})

        page = response.content.decode()
        addresses = re.findall(r'(?:href|action)="([^"]*)"', page)
        assert response.status_code == 200  # answered at once, not by way of an address
        assert not [address for address in addresses if "fernwood" in address.lower()]
        assert 'form="filters"' in page  # so turning the page posts the search again
        assert "Fernwood" not in re.search(r"<title>(.*?)</title>", page, re.DOTALL)[1]  # type: ignore[index]

    def test_turns_the_pages_of_a_search(self, client: Client) -> None:
        patient = make_patient()
        CallLog.objects.bulk_create(
            CallLog(call_sid=f"CA{n}", account_sid="AC", patient=patient) for n in range(30)
        )

        page = client.post(LIST, {"search": "Fernwood", "page": "2"}).context["page"]

        assert (page.start, page.end) == (26, 30)

    def test_without_a_search_choices_get_an_address_of_their_own(self, client: Client) -> None:
        response = client.post(LIST, {"search": " ", "tab": "failed", "status": "busy"})

        assert response.status_code == 302
        assert response["Location"] == f"{LIST}?tab=failed&status=busy"

    def test_reads_one_page_with_as_many_queries_as_ten(
        self, client: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        nurse = make_nurse()
        for number in range(12):
            patient = make_patient(last_name=f"Fernwood{number}")
            make_whole_call(patient, make_visit(patient, nurse, NOON + timedelta(days=number + 1)))

        # session, user, sample data, live count, rows counted, rows, visits, audit; the session's stamp takes four
        with django_assert_num_queries(12):
            response = client.get(LIST)

        assert len(response.context["page"].rows) == 12


@pytest.mark.usefixtures("scheduler")
class TestCallPage:
    def test_shows_turns_and_tools_in_the_order_of_the_conversation(self, client: Client) -> None:
        call = make_whole_call(make_patient())

        page = client.get(f"{LIST}{call.pk}/").content.decode()

        places = [
            page.index(words)
            for words in (
                "automated assistant. How can I help?",
                "I would like a visit on Thursday",
                "Looked up free times",
                "I have Thursday at nine thirty,",
                "Thursday is good.",
                "Carried out what was read back",
                "Is that right?",
            )
        ]
        assert places == sorted(places)

    def test_follows_the_position_of_turns_and_not_their_arrival(self, client: Client) -> None:
        call = make_call(make_patient())
        add_turn(call, 2, "assistant", "Second words")
        add_turn(call, 1, "caller", "First words")

        page = client.get(f"{LIST}{call.pk}/").content.decode()

        assert page.index("First words") < page.index("Second words")

    def test_strikes_out_what_was_not_heard_and_explains_it(self, client: Client) -> None:
        call = make_whole_call(make_patient())

        page = client.get(f"{LIST}{call.pk}/").content.decode()

        assert '<s class="bubble__unheard">or Friday at a quarter past two.</s>' in page
        assert "at 0:18 and did not hear the words struck out" in page

    def test_says_that_a_tool_was_refused(self, client: Client) -> None:
        call = make_whole_call(make_patient())

        assert "Refused: confirm_required" in client.get(f"{LIST}{call.pk}/").content.decode()

    def test_shows_facts_figures_and_prompt(self, client: Client) -> None:
        call = make_whole_call(make_patient(), ended_at=timezone.now())

        page = client.get(f"{LIST}{call.pk}/").content.decode()

        for words in (
            "1 minute 28 seconds",
            "810 ms",
            "1.4 s",
            "$0.21",
            "ab12ab12ab12",
            "after saying goodbye",
        ):
            assert words in page

    def test_escapes_what_was_said_s40(self, client: Client) -> None:
        call = make_call(make_patient("<b>Ida</b>"))
        add_turn(call, 1, "caller", "<script>alert(1)</script>")
        add_tool(call, "leave_message", 6_000, arguments={"text": "<img src=x onerror=alert(1)>"})

        page = client.get(f"{LIST}{call.pk}/").content.decode()

        assert "<script>alert" not in page
        assert "<img" not in page
        assert "<b>Ida" not in page

    def test_names_no_patient_in_title_or_address_s53(self, client: Client) -> None:
        call = make_whole_call(make_patient())

        page = client.get(f"{LIST}{call.pk}/").content.decode()

        assert "<title>Call – Carematix</title>" in page

    def test_speaks_the_language_of_each_turn(self, client: Client) -> None:
        call = make_call(make_patient(), language="es")
        add_turn(call, 1, "caller", "Buenos días", language="es")

        page = client.get(f"{LIST}{call.pk}/").content.decode()

        assert '<p class="bubble" lang="es">Buenos días</p>' in page
        assert "Spanish" in page

    def test_of_a_call_without_words_says_so(self, client: Client) -> None:
        call = make_call(ended_at=timezone.now(), started_at=timezone.now())

        assert "Nothing was said" in client.get(f"{LIST}{call.pk}/").content.decode()

    def test_takes_as_many_queries_for_a_long_call_as_for_a_short_one(
        self, client: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        patient = make_patient()
        call = make_whole_call(patient, make_visit(patient, make_nurse()))
        TranscriptEntry.objects.bulk_create(
            TranscriptEntry(
                call=call, item_id=f"more{n}", position=n + 9, speaker="caller", started_ms=n
            )
            for n in range(200)
        )

        # session, user, sample data, call, visits, turns, tools, audit; the session's stamp takes four
        with django_assert_num_queries(12):
            client.get(f"{LIST}{call.pk}/")

    def test_that_does_not_exist_is_not_found(self, client: Client) -> None:
        response = client.get(f"{LIST}{uuid.uuid4()}/")

        assert response.status_code == 404
        assert "Page not found" in response.content.decode()


class TestWhoSeesCalls:
    @pytest.mark.parametrize("role", ["admin", "scheduler"])
    def test_administrators_and_schedulers_see_all(self, client: Client, role: str) -> None:
        client.force_login(make_user(role=role))
        call = make_call(make_patient())

        assert client.get(LIST).context["page"].rows == [call]
        assert client.get(f"{LIST}{call.pk}/").status_code == 200

    def test_a_nurse_sees_calls_of_own_patients_only(self, client: Client) -> None:
        nurse = make_nurse(user=make_user(role="nurse"))
        assigned, visited, foreign, closed = (
            make_patient(last_name=n) for n in ("A", "B", "C", "D")
        )
        assign(nurse, assigned)
        nurse.assignments.create(patient=closed, closed=True)
        make_visit(visited, nurse)
        own = {make_call(assigned), make_call(visited)}
        make_call(foreign)
        make_call(closed)
        make_call()
        assert nurse.user
        client.force_login(nurse.user)

        assert set(client.get(LIST).context["page"].rows) == own

    def test_a_visit_entered_in_error_opens_no_calls_to_its_nurse(self, client: Client) -> None:
        nurse = make_nurse(user=make_user(role="nurse"))
        mistaken = make_patient()
        make_visit(mistaken, nurse, status="entered-in-error")
        make_call(mistaken)
        assert nurse.user
        client.force_login(nurse.user)

        assert not client.get(LIST).context["page"].rows

    def test_a_foreign_call_is_as_good_as_none_s26(self, client: Client) -> None:
        client.force_login(make_user(role="nurse"))
        foreign = client.get(f"{LIST}{make_call(make_patient()).pk}/")
        missing = client.get(f"{LIST}{uuid.uuid4()}/")

        assert foreign.status_code == missing.status_code == 404
        assert foreign.content == missing.content

    def test_a_nurse_does_not_find_foreign_patients_by_search(self, client: Client) -> None:
        client.force_login(make_user(role="nurse"))
        make_call(make_patient())

        assert client.post(LIST, {"search": "Fernwood"}).context["page"].rows == []

    def test_every_list_and_page_is_recorded_s46(self, client: Client) -> None:
        user = make_user()
        client.force_login(user)
        patient = make_patient()
        call = make_call(patient)

        client.get(LIST)
        client.get(f"{LIST}{call.pk}/")

        events = list(
            AuditEvent.objects.values_list("action", "actor_id", "patient_ids", "object_id")
        )
        assert events == [
            ("calls.list", str(user.pk), [str(patient.pk)], ""),
            ("call.read", str(user.pk), [str(patient.pk)], str(call.pk)),
        ]
