"""Who may do what, what is answered when something goes wrong, and what the server says of itself."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import AuditEvent
from accounts.permissions import Role, Scope
from scheduling.fhir import statuses
from scheduling.fhir.filters import FILTERS
from scheduling.fhir.table import RESOURCES
from scheduling.models import Appointment
from tests.factories import make_appointment, make_nurse, make_patient, make_user, make_visit_type
from tests.scheduling.fhir.program import FHIR_JSON, ROOT, Program, issue, validated

pytestmark = pytest.mark.django_db

NOBODY = "4b0f1a52-9c1e-4f0e-8a35-7d2f5a1c0e11"  # written, so that every process has the same tests


class TestTheMapOfStatuses:
    def test_knows_every_status_of_ours(self) -> None:
        ours = {state.status for state in statuses.DRAWN}

        assert ours == {*Appointment.Status.values, statuses.HELD, statuses.WAITLIST}

    def test_leads_there_and_back(self) -> None:
        assert len(statuses.STATES) == len(statuses.DRAWN)
        for state, drawn in statuses.DRAWN.items():
            assert statuses.state_of(drawn.status, drawn.participation) == state
        assert statuses.state_of("booked", "declined") is None

    def test_speaks_fhirs_words_only(self) -> None:
        for drawn in statuses.DRAWN.values():
            assert drawn.status in statuses.APPOINTMENT_STATUSES
            assert drawn.participation in statuses.PARTICIPATIONS
            assert drawn.slot in {*statuses.SLOT_STATUSES, ""}

    def test_knows_every_reason_of_ours(self) -> None:
        assert set(statuses.CANCELLATION) == set(Appointment.CancellationReason.values)
        assert set(statuses.REASONS) == set(statuses.CANCELLATION.values())


class TestTheTable:
    @pytest.mark.parametrize("name", [one.name for one in RESOURCES.values() if one.stored])
    def test_and_the_filters_name_the_same_parameters(self, name: str) -> None:
        known = {one.name for one in RESOURCES[name].parameters} | {"_lastUpdated"}

        assert set(FILTERS[name]) == known


class TestTheCapabilityStatement:
    def test_says_what_the_table_says(self, program: Program) -> None:
        statement = program.get("metadata").json()

        assert statement["fhirVersion"] == "4.0.1"
        assert (statement["kind"], statement["format"][0]) == ("instance", FHIR_JSON)
        resources = {one["type"]: one for one in statement["rest"][0]["resource"]}
        assert list(resources) == list(RESOURCES)
        visit = resources["Appointment"]
        assert {one["code"] for one in visit["interaction"]} == {
            "read", "search-type", "create", "update",
        }  # fmt: skip
        assert (visit["versioning"], visit["conditionalCreate"]) == ("versioned", True)
        assert visit["searchInclude"] == ["Appointment:patient", "Appointment:practitioner"]
        assert {one["name"] for one in resources["Slot"]["searchParam"]} == {
            "schedule", "start", "status", "service-type", "_lastUpdated",
        }  # fmt: skip

    @pytest.mark.parametrize("scope", list(Scope))
    def test_is_open_to_every_key(self, scope: Scope) -> None:
        assert Program(scopes=(scope.value,)).get("metadata").status_code == 200

    @pytest.mark.parametrize("role", list(Role))
    def test_is_open_to_every_login(self, client: Client, role: Role) -> None:
        client.force_login(make_user(role=role))

        assert validated(client.get(f"{ROOT}/metadata").json())["status"] == "active"


class TestWhoMayDoWhat:
    @pytest.mark.parametrize("scope", list(Scope))
    def test_is_what_the_scope_says(self, scope: Scope) -> None:
        make_visit_type()
        visit = make_appointment()
        program = Program(scopes=(scope.value,))
        body = {"resourceType": "Appointment"}

        reads = [
            program.get(path).status_code
            for path in ("Patient", f"Patient/{visit.patient_id}", f"Appointment/{visit.pk}",
                         "Slot?start=2026-03-06", "Schedule", "Practitioner")
        ]  # fmt: skip
        writes = [
            program.send("POST", "Appointment", body).status_code,
            program.send("PUT", f"Appointment/{visit.pk}", body).status_code,
        ]

        assert set(reads) == {200 if scope is Scope.FHIR_READ else 403}
        assert set(writes) == {400 if scope is Scope.FHIR_WRITE else 403}

    def test_lets_a_key_that_only_writes_see_what_it_wrote(self) -> None:
        make_visit_type()
        patient, nurse = make_patient(), make_nurse()
        program = Program(scopes=("fhir:write",))
        body = {
            "resourceType": "Appointment",
            "status": "booked",
            "start": "2026-03-06T14:00:00Z",
            "participant": [
                {"actor": {"reference": f"Patient/{patient.pk}"}, "status": "needs-action"},
                {"actor": {"reference": f"Practitioner/{nurse.pk}"}, "status": "accepted"},
            ],
        }

        booked = program.send("POST", "Appointment", body)
        changed = program.send(
            "PUT", f"Appointment/{booked.json()['id']}",
            booked.json() | {"status": "cancelled"}, If_Match='W/"1"',
        )  # fmt: skip

        assert (booked.status_code, changed.status_code) == (201, 200)

    @pytest.mark.parametrize("role", list(Role))
    def test_leaves_people_to_their_pages(self, client: Client, role: Role) -> None:
        client.force_login(make_user(role=role))

        response = client.get(f"{ROOT}/Patient")

        assert issue(response) == (403, "forbidden")
        assert AuditEvent.objects.get(action="access.denied").surface == "api"

    @pytest.mark.parametrize("path", ["metadata", "Patient", f"Slot/{NOBODY}", "Nothing", ""])
    def test_leaves_strangers_outside(self, client: Client, path: str) -> None:
        response = client.get(f"{ROOT}/{path}")

        assert issue(response) == (401, "login")
        assert response["WWW-Authenticate"] == "Bearer"
        validated(response.json())


class TestWhatGoesWrong:
    @pytest.mark.parametrize(
        ("method", "path", "headers", "answer"),
        [
            ("GET", "Nothing", {}, (404, "not-found")),
            ("GET", "", {}, (404, "not-found")),
            ("DELETE", "Nothing", {}, (404, "not-found")),
            ("GET", "Patient/", {}, (404, "not-found")),
            ("GET", "Patient/1", {}, (404, "not-found")),
            ("GET", f"Patient/{NOBODY}", {}, (404, "not-found")),
            ("GET", f"Practitioner/{NOBODY}", {}, (404, "not-found")),
            ("GET", "PractitionerRole/" + "0" * 64, {}, (404, "not-found")),
            ("GET", "PractitionerRole/x", {}, (404, "not-found")),
            ("GET", f"Schedule/{NOBODY}", {}, (404, "not-found")),
            ("GET", f"Appointment/{NOBODY}", {}, (404, "not-found")),
            ("POST", "Patient", {}, (405, "not-supported")),
            ("PUT", f"Patient/{NOBODY}", {}, (405, "not-supported")),
            ("DELETE", f"Appointment/{NOBODY}", {}, (405, "not-supported")),
            ("GET", "Patient/_search", {}, (405, "not-supported")),
            ("GET", "Patient", {"Accept": "text/html"}, (406, "not-supported")),
            ("GET", "Patient?_format=xml", {}, (406, "not-supported")),
            ("POST", "Appointment", {"Content_Type": "text/plain"}, (415, "not-supported")),
            ("POST", "Appointment", {"Content_Type": "application/xml"}, (415, "not-supported")),
        ],
    )
    def test_is_told_as_an_outcome(
        self, program: Program, method: str, path: str, headers: Any, answer: tuple[int, str]
    ) -> None:
        response = program.send(method, path, "x" if headers else None, **headers)

        assert issue(response) == answer
        assert response["Content-Type"] == FHIR_JSON

    @pytest.mark.parametrize(
        "path", ["/fhir/R4", "/fhir/", "/fhir/R5/Patient", "/fhir/R4/Patient/"]
    )
    def test_is_never_a_way_to_a_page(self, program: Program, path: str) -> None:
        response = program.client.get(path)

        assert issue(response) == (404, "not-found")
        assert response["Content-Type"] == FHIR_JSON

    @pytest.mark.parametrize("body", ["{", "[" * 100_000, "[]", '"x"', "null", "", "NaN"])
    def test_is_a_body_that_is_none(self, program: Program, body: str) -> None:
        assert issue(program.send("POST", "Appointment", body)) == (400, "structure")

    def test_is_a_body_that_is_too_long(self, program: Program) -> None:
        body = json.dumps({"x": "y" * settings.LIMIT_BODY_BYTES})

        assert issue(program.send("POST", "Appointment", body)) == (413, "too-long")

    def test_is_a_limit_that_is_used_up_s43(self, program: Program, settings: Any) -> None:
        settings.LIMIT_KEY_READS_PER_MINUTE = 1
        program.get("Practitioner")

        response = program.get("Practitioner")

        assert issue(response) == (429, "throttled")
        assert int(response["Retry-After"]) > 0

    def test_is_a_fault_of_ours_told_without_its_words(
        self, program: Program, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*args: Any, **kwargs: Any) -> None:
            raise RuntimeError("secret")

        monkeypatch.setattr("scheduling.fhir.rows.search_rows", fail)

        response = program.get("Patient")

        assert issue(response) == (500, "exception")
        assert b"secret" not in response.content
        assert response["Content-Type"] == FHIR_JSON

    def test_is_a_key_in_the_address_s42(self, program: Program) -> None:
        assert issue(program.get(f"Patient?x={program.text}"))[0] == 400

    def test_is_a_form_without_its_token_s37(self, program: Program) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(make_user(role="admin"))

        response = client.post(f"{ROOT}/Appointment", "{}", content_type=FHIR_JSON)

        assert issue(response) == (403, "forbidden")

    def test_leaves_an_event_for_a_missing_record_s26(self, program: Program) -> None:
        missing = uuid4()

        program.get(f"Patient/{missing}")

        event = AuditEvent.objects.get(action="access.denied")
        assert (event.object_id, event.outcome, event.surface) == (str(missing), "not_found", "api")


class TestTheFormOfAnswers:
    @pytest.mark.parametrize(
        ("query", "accept", "form"),
        [
            ("", "*/*", FHIR_JSON),
            ("", "application/json", "application/json"),
            ("", "application/fhir+json; fhirVersion=4.0", FHIR_JSON),
            ("", "text/html, application/json;q=0.9", "application/json"),
            ("?_format=json", "text/html", FHIR_JSON),
            ("?_format=application/fhir%2Bjson", "*/*", FHIR_JSON),
            ("?_format=application/fhir+json", "*/*", FHIR_JSON),
        ],
    )  # fmt: skip
    def test_is_what_the_client_takes(
        self, program: Program, query: str, accept: str, form: str
    ) -> None:
        response = program.get(f"Practitioner{query}", Accept=accept)

        assert (response.status_code, response["Content-Type"]) == (200, form)

    def test_can_be_asked_for_without_a_body(self, program: Program) -> None:
        response = program.send("HEAD", "metadata")

        assert (response.status_code, response.content) == (200, b"")

    @pytest.mark.parametrize(
        "form", [FHIR_JSON, "application/json", "application/fhir+json; charset=utf-8"]
    )
    def test_of_bodies_may_be_both(self, program: Program, form: str) -> None:
        response = program.send("POST", "Appointment", {"resourceType": "X"}, Content_Type=form)

        assert issue(response) == (400, "structure")
