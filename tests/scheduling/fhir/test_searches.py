"""Searches: pages, parameters, events, and what they cost (scheduling reference, section 16)."""

from typing import Any

import pytest

from accounts.exceptions import NotRecorded
from accounts.models import AuditEvent
from scheduling.models import Appointment, Patient
from tests.factories import (
    make_appointment,
    make_assignment,
    make_nurse,
    make_patient,
    make_specialization,
)
from tests.scheduling.fhir.program import Program, issue, link, matches

pytestmark = pytest.mark.django_db
HOME = "https://clinic.example/fhir/R4"


class TestPages:
    def test_lead_to_every_row_once_and_back(self, program: Program) -> None:
        patients = {str(make_patient().pk) for _ in range(7)}

        bundles = list(program.pages("Patient?_count=3"))

        assert [len(matches(one)) for one in bundles] == [3, 3, 1]
        assert {one["total"] for one in bundles} == {7}
        shown = [one["id"] for bundle in bundles for one in matches(bundle)]
        assert sorted(shown) == sorted(patients)
        back = program.get(link(bundles[2], "previous") or "").json()
        assert matches(back) == matches(bundles[1])
        first = program.get(link(back, "previous") or "").json()
        assert matches(first) == matches(bundles[0])
        assert link(first, "previous") is None
        assert link(first, "next")

    def test_skip_nobody_when_rows_change_in_between(self, program: Program) -> None:
        patients = [make_patient() for _ in range(5)]
        bundle = program.get("Patient?_count=2").json()
        shown = {one["id"] for one in matches(bundle)}
        Patient.objects.filter(pk__in=[one.pk for one in patients]).update(first_name="Other")

        for page in program.pages(link(bundle, "next") or ""):
            shown |= {one["id"] for one in matches(page)}

        assert shown == {str(one.pk) for one in patients}

    @pytest.mark.parametrize(
        "name", ["Patient", "Practitioner", "PractitionerRole", "Schedule", "Appointment"]
    )
    def test_of_every_resource_lead_to_the_end(self, program: Program, name: str) -> None:
        skill = make_specialization()
        for _ in range(5):
            make_appointment(nurse=make_nurse(specializations=[skill]))

        bundles = list(program.pages(f"{name}?_count=2"))

        shown = [one["id"] for bundle in bundles for one in matches(bundle)]
        assert (len(shown), len(set(shown))) == (5, 5)

    def test_hold_at_most_a_hundred(self, program: Program) -> None:
        for _ in range(102):
            make_patient()

        assert len(program.found("Patient?_count=1000")) == 100

    def test_of_no_size_only_count(self, program: Program) -> None:
        make_patient()

        bundle = program.get("Patient?_count=0").json()

        assert (bundle["total"], "entry" in bundle) == (1, False)

    def test_have_cursors_that_cannot_be_made_or_lent(self, program: Program) -> None:
        for _ in range(3):
            make_patient()
        following = link(program.get("Patient?_count=1").json(), "next") or ""

        forged = following[:-1] + ("A" if following[-1] != "A" else "B")
        assert issue(program.get(forged)) == (400, "value")
        assert issue(program.get(following.replace("_count=1", "_count=2"))) == (400, "value")
        assert issue(program.get("Patient?_cursor=zzz")) == (400, "value")


class TestParametersThatAreNotUnderstood:
    def test_are_left_out_of_self(self, program: Program) -> None:
        bundle = program.get("Patient?shoe-size=44&family=a&_sort=name&_include=Patient:x").json()

        assert link(bundle, "self") == "http://testserver/fhir/R4/Patient?family=a"

    @pytest.mark.parametrize("query", ["shoe-size=44", "_sort=name", "_include=Patient:x"])
    def test_are_refused_if_the_client_wishes(self, program: Program, query: str) -> None:
        response = program.get(f"Patient?{query}", Prefer="handling=strict")

        assert issue(response) == (400, "not-supported")

    @pytest.mark.parametrize(
        "query",
        [
            "birthdate=soon", "birthdate=ap1950", "birthdate=2026-02-30", "name:exact=x",
            "_count=many", "_count=-1", "name=%00", "birthdate=9999", "birthdate=0000",
            "_lastUpdated=2026-03-06T25:00:00Z", "_lastUpdated=2026-03-06T10:00:00%2B99:00",
        ],
    )  # fmt: skip
    def test_but_wrong_are_always_refused(self, program: Program, query: str) -> None:
        assert program.get(f"Patient?{query}").status_code == 400

    @pytest.mark.parametrize(
        "path",
        [
            "Patient?birthdate=lt0002", "Patient?birthdate=ge9998", "Patient?_lastUpdated=gt0002",
            "Patient?name=%25_%5C", "Patient?family=%ED%A0%80", "Patient?name=%5C", "Patient?phone=x",
            "Patient?identifier=%7C", "Patient?identifier=%5C%7C,%7C%7C%7C", "Schedule?date=lt0002",
            "Schedule?service-type=%7C", "Schedule?actor=PractitionerRole/x", "Patient?name=,",
            "Appointment?date=ge9998-12-31T23:59:59.999999Z", "Appointment?identifier=%F0%9F%98%80",
            "Appointment?actor=Location/1", "Slot?start=2026-03-06&service-type=%7C",
            "Slot?start=2026-03-06&status=x,free%7Cbusy", "PractitionerRole?specialty=x%7C",
        ],
    )  # fmt: skip
    def test_and_odd_values_never_break_it(self, program: Program, path: str) -> None:
        make_patient(phone="")

        assert program.get(path).status_code == 200

    def test_are_bounded(self, program: Program) -> None:
        many = ",".join("x" for _ in range(51))

        assert issue(program.get(f"Patient?name={many}")) == (400, "too-costly")
        assert issue(program.get("Patient?" + "name=a&" * 31)) == (400, "too-costly")
        assert issue(program.get("Patient?name=" + "a" * 501)) == (400, "value")


class TestAPostedSearch:
    def test_finds_what_the_address_finds(self, program: Program) -> None:
        patient = make_patient(last_name="López")
        make_patient()

        response = program.send(
            "POST", "Patient/_search?_count=5", "family=L%C3%B3p",
            Content_Type="application/x-www-form-urlencoded",
        )  # fmt: skip

        assert [one["id"] for one in matches(response.json())] == [str(patient.pk)]
        assert "/Patient?" in (link(response.json(), "self") or "")

    def test_is_a_form(self, program: Program) -> None:
        assert issue(program.send("POST", "Patient/_search", {"family": "x"})) == (
            415, "not-supported",
        )  # fmt: skip
        assert program.send("POST", "Patient/_search", Content_Type="").status_code == 200


class TestWhatReadingLeaves:
    def test_is_one_event_for_a_list_with_the_patients_shown_s46(self, program: Program) -> None:
        for _ in range(3):
            make_patient()
        before = AuditEvent.objects.count()

        shown = program.ids("Patient?_count=2")

        (event,) = AuditEvent.objects.order_by("seq")[before:]
        assert (event.action, event.surface, event.actor_type) == ("patients.list", "api", "key")
        assert (event.patient_ids, event.actor_id) == (sorted(shown), str(program.key.pk))

    def test_is_one_event_for_visits_and_whom_they_bring_along_s46(self, program: Program) -> None:
        visit = make_appointment()
        before = AuditEvent.objects.count()

        program.get("Appointment?_include=Appointment:patient")

        (event,) = AuditEvent.objects.order_by("seq")[before:]
        assert (event.action, event.patient_ids) == ("appointments.list", [str(visit.patient_id)])

    @pytest.mark.parametrize("name", ["Patient", "Appointment"])
    def test_is_one_event_for_a_record_s46(self, program: Program, name: str) -> None:
        visit = make_appointment()
        row_id = visit.patient_id if name == "Patient" else visit.pk
        before = AuditEvent.objects.count()

        program.get(f"{name}/{row_id}")

        (event,) = AuditEvent.objects.order_by("seq")[before:]
        assert event.action == f"{name.lower()}.read"
        assert (event.object_id, event.patient_ids) == (str(row_id), [str(visit.patient_id)])

    def test_is_a_refusal_if_the_event_cannot_be_written_s50(
        self, program: Program, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        visit = make_appointment()

        def refuse(**event: Any) -> None:
            raise NotRecorded("locked")

        monkeypatch.setattr("accounts.origin.record_event", refuse)

        for path in ("Patient", f"Patient/{visit.patient_id}", f"Appointment/{visit.pk}"):
            response = program.get(path)
            assert issue(response) == (503, "transient")
            assert str(visit.patient_id).encode() not in response.content

    def test_is_nothing_where_no_patient_is_shown(self, program: Program) -> None:
        make_nurse()
        before = AuditEvent.objects.count()

        program.get("Practitioner")

        assert AuditEvent.objects.count() == before


class TestTheNumberOfQueries:
    @pytest.mark.parametrize(
        ("address", "most"),
        [
            ("Appointment?_count=100&_include=Appointment:patient&_include=Appointment:practitioner", 16),
            ("Patient?_count=100", 11),
            ("Practitioner?_count=100", 9),
            ("PractitionerRole?_count=100", 11),
            ("Schedule?_count=100", 11),
        ],
    )  # fmt: skip
    def test_does_not_grow_with_the_rows(
        self, program: Program, django_assert_max_num_queries: Any, address: str, most: int
    ) -> None:
        skill = make_specialization()
        counts = []
        for rows in (3, 40):
            for _ in range(rows):
                nurse = make_nurse(specializations=[skill])
                make_assignment(patient=make_patient(), nurse=nurse)
                make_appointment(nurse=nurse)
            program.get(address)  # the key's first use leaves a note

            with django_assert_max_num_queries(100) as queries:
                found = program.found(address)

            assert len(found) >= rows
            counts.append(len(queries))

        assert counts[0] == counts[1]
        assert counts[1] <= most + 8  # the key: recognised, and counted against its limit


def test_nothing_is_stored_by_reading(program: Program) -> None:
    visit = make_appointment()

    program.get(f"Appointment/{visit.pk}")

    assert Appointment.objects.get().version == 1
