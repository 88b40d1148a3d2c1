"""Reading and searching resources (scheduling reference, section 16)."""

from datetime import date, time, timedelta
from typing import Any

import pytest

from scheduling.fhir.people import role_id
from tests.factories import (
    NOW,
    TOMORROW_NINE,
    local,
    make_appointment,
    make_assignment,
    make_availability,
    make_nurse,
    make_override,
    make_patient,
    make_specialization,
    make_visit_type,
)
from tests.scheduling.fhir.program import Program, entries, issue, matches

pytestmark = pytest.mark.django_db
HOME = "https://clinic.example/fhir/R4"


class TestAPatient:
    def test_is_drawn_with_everything_of_the_table(self, program: Program) -> None:
        nurse = make_nurse()
        patient = make_patient(
            first_name="María", last_name="López", date_of_birth=date(1950, 2, 3),
            phone="+12025550101", email="maria@example.org", reference_number="CM-7",
            preferred_language="es",
        )  # fmt: skip
        make_assignment(patient=patient, nurse=nurse)

        drawn = program.get(f"Patient/{patient.pk}").json()

        assert drawn["identifier"] == [
            {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{patient.pk}"},
            {"system": f"{HOME}/NamingSystem/patient-reference", "value": "CM-7"},
        ]
        assert drawn["name"] == [{"text": "María López", "given": ["María"], "family": "López"}]
        assert (drawn["birthDate"], drawn["active"]) == ("1950-02-03", True)
        assert [one["value"] for one in drawn["telecom"]] == ["+12025550101", "maria@example.org"]
        assert drawn["communication"][0]["language"]["coding"][0]["code"] == "es"
        assert drawn["generalPractitioner"] == [{"reference": f"Practitioner/{nurse.pk}"}]

    def test_without_anything_optional_is_valid(self, program: Program) -> None:
        patient = make_patient(first_name="Cher", last_name="", phone="")

        drawn = program.get(f"Patient/{patient.pk}").json()

        assert drawn["name"] == [{"text": "Cher", "given": ["Cher"]}]
        assert not {"telecom", "generalPractitioner"} & set(drawn)

    @pytest.mark.parametrize(
        "query",
        [
            "name=lop", "name=MARIA", "name=lopez%20mar", "name=zzz,lop", "family=L%C3%B3p",
            "given=mar", "birthdate=1950-02-03", "birthdate=1950-02", "birthdate=1950",
            "birthdate=ge1950-02-03&birthdate=lt1950-02-04", "birthdate=ne1951",
            "birthdate=sa1950-02-02&birthdate=lt1951", "birthdate=eb1950-02-04", "birthdate=le1950-02-03",
            "birthdate=gt1950-02-02&birthdate=lt1951", "phone=+12025550101", "phone=%2B12025550101",
            "identifier=CM-7", f"identifier={HOME}/NamingSystem/patient-reference%7CCM-7",
            "_lastUpdated=ge2020",
        ],
    )  # fmt: skip
    def test_is_found_by(self, program: Program, query: str) -> None:
        found = make_patient(
            first_name="María", last_name="López", date_of_birth=date(1950, 2, 3),
            phone="+12025550101", reference_number="CM-7",
        )  # fmt: skip
        other = make_patient(date_of_birth=date(1951, 1, 1))

        ids = program.ids(f"Patient?{query}")

        assert str(found.pk) in ids
        assert str(other.pk) not in ids or query == "_lastUpdated=ge2020"

    @pytest.mark.parametrize(
        "query",
        [
            "name=opez", "family=opez", "given=lop", "birthdate=1951", "birthdate=gt1950-02-03",
            "phone=2025550101", "identifier=other%7CCM-7", "identifier=CM", "_id=nobody",
            "_lastUpdated=lt2020", "name=lop&name=zzz", "identifier=%7CCM-7",
        ],
    )  # fmt: skip
    def test_is_not_found_by(self, program: Program, query: str) -> None:
        make_patient(
            first_name="María", last_name="López", date_of_birth=date(1950, 2, 3),
            phone="+12025550101", reference_number="CM-7",
        )  # fmt: skip

        assert program.ids(f"Patient?{query}") == []

    def test_is_found_by_id_in_both_forms(self, program: Program) -> None:
        patient, other = make_patient(), make_patient()

        assert program.ids(f"Patient?_id={patient.pk}") == [str(patient.pk)]
        assert set(program.ids(f"Patient?_id={patient.pk},{other.pk}")) == {
            str(patient.pk), str(other.pk),
        }  # fmt: skip
        assert program.ids(f"Patient?identifier=urn:ietf:rfc:3986%7Curn:uuid:{patient.pk}") == [
            str(patient.pk)
        ]


class TestANurse:
    def test_is_drawn_with_license_and_time_zone(self, program: Program) -> None:
        nurse = make_nurse(license_number="RN77", license_state="NY", time_zone="America/Chicago")

        drawn = program.get(f"Practitioner/{nurse.pk}").json()

        license_of = drawn["qualification"][0]
        assert license_of["identifier"] == [
            {"system": f"{HOME}/NamingSystem/nursing-license-NY", "value": "RN77"}
        ]
        assert license_of["code"]["coding"][0] == {
            "system": "http://terminology.hl7.org/CodeSystem/v2-0360",
            "code": "RN", "display": "Registered Nurse",
        }  # fmt: skip
        assert (license_of["period"], license_of["issuer"]) == (
            {"end": "2030-12-31"}, {"display": "NY"},
        )  # fmt: skip
        assert drawn["extension"] == [
            {
                "url": "http://hl7.org/fhir/StructureDefinition/timezone",
                "valueCode": "America/Chicago",
            }
        ]

    @pytest.mark.parametrize(
        ("query", "there"),
        [
            ("name=shah", True), ("name=PRI", True), ("name=x", False), ("active=true", True),
            ("active=false", False), ("active=yes", False), ("identifier=RN77", True),
            (f"identifier={HOME}/NamingSystem/nursing-license-NY%7CRN77", True),
            (f"identifier={HOME}/NamingSystem/nursing-license-CA%7CRN77", False),
        ],
    )  # fmt: skip
    def test_is_found_by(self, program: Program, query: str, there: bool) -> None:
        nurse = make_nurse(first_name="Priya", last_name="Shah", license_number="RN77")

        assert program.ids(f"Practitioner?{query}") == [str(nurse.pk)] * there


class TestARole:
    def test_has_weekly_windows_without_breaks_and_two_entries_over_midnight(
        self, program: Program
    ) -> None:
        wounds = make_specialization(code="wound-care")
        nurse = make_nurse(works=False, specializations=[wounds])
        make_availability(nurse=nurse, weekdays=[0, 1])
        make_availability(nurse=nurse, weekdays=[1], start=time(12), end=time(13), kind="break")
        make_availability(nurse=nurse, weekdays=[4], start=time(22), end=time(6))
        make_availability(nurse=nurse, weekdays=[6], start=time(0), end=time(0))
        make_availability(nurse=nurse, weekdays=[3], valid_until=date(2026, 1, 1))

        drawn = program.get(f"PractitionerRole/{role_id(nurse.pk, wounds.pk)}").json()

        assert {
            (*one["daysOfWeek"], one.get("availableStartTime"), one.get("availableEndTime"))
            for one in drawn["availableTime"]
        } == {
            ("mon", "09:00:00", "17:00:00"),
            ("tue", "09:00:00", "12:00:00"),
            ("tue", "13:00:00", "17:00:00"),
            ("fri", "22:00:00", "23:59:59"),
            ("sat", "00:00:00", "06:00:00"),
            ("sun", None, None),
        }
        assert {"daysOfWeek": ["sun"], "allDay": True} in drawn["availableTime"]

    def test_has_the_times_off_that_are_ahead(self, program: Program) -> None:
        wounds = make_specialization()
        nurse = make_nurse(specializations=[wounds])
        make_override(nurse=nurse, date=date(2026, 3, 9))
        make_override(nurse=nurse, date=date(2026, 3, 10), start=time(13), end=time(15))
        make_override(nurse=nurse, date=date(2026, 2, 1))
        make_override(
            nurse=nurse,
            starts_at=local(2026, 4, 1, 8),
            ends_at=local(2026, 4, 8, 8),
            note="Surgery",
        )
        make_override(
            nurse=nurse, date=date(2026, 3, 14), effect="add", start=time(9), end=time(12)
        )

        response = program.get(f"PractitionerRole/{role_id(nurse.pk, wounds.pk)}")

        assert [one["during"] for one in response.json()["notAvailable"]] == [
            {"start": "2026-03-09T04:00:00Z", "end": "2026-03-10T04:00:00Z"},
            {"start": "2026-03-10T17:00:00Z", "end": "2026-03-10T19:00:00Z"},
            {"start": "2026-04-01T12:00:00Z", "end": "2026-04-08T12:00:00Z"},
        ]
        assert b"Surgery" not in response.content

    def test_is_found_by_nurse_and_specialty(self, program: Program) -> None:
        wounds, foot = make_specialization(code="wound-care"), make_specialization(code="foot")
        nurse = make_nurse(specializations=[wounds, foot])
        make_nurse(specializations=[foot], active=False)
        own = role_id(nurse.pk, wounds.pk)

        assert program.ids("PractitionerRole?specialty=wound-care") == [own]
        assert program.ids(f"PractitionerRole?practitioner=Practitioner/{nurse.pk}&specialty=foot")
        assert len(program.ids(f"PractitionerRole?practitioner={nurse.pk}")) == 2
        assert len(program.ids("PractitionerRole?active=true")) == 2
        assert program.ids("PractitionerRole?practitioner=Patient/x") == []


class TestASchedule:
    def test_says_what_can_be_booked_and_how_far(self, program: Program) -> None:
        wounds = make_specialization(code="wound-care")
        make_visit_type()
        make_visit_type(code="dressing", specialization=wounds)
        make_visit_type(code="infusion", specialization=make_specialization())
        nurse = make_nurse(specializations=[wounds])

        drawn = program.get(f"Schedule/{nurse.pk}").json()

        assert [one["reference"] for one in drawn["actor"]] == [
            f"Practitioner/{nurse.pk}",
            f"PractitionerRole/{role_id(nurse.pk, wounds.pk)}",
        ]
        assert [one["coding"][0]["code"] for one in drawn["serviceType"]] == ["dressing", "routine"]
        assert drawn["planningHorizon"] == {
            "start": "2026-03-05T17:00:00Z", "end": "2026-09-01T15:00:00Z",
        }  # fmt: skip

    def test_is_found_by_actor_type_specialty_and_date(self, program: Program) -> None:
        wounds = make_specialization(code="wound-care")
        make_visit_type(code="dressing", specialization=wounds)
        nurse, other = make_nurse(specializations=[wounds]), make_nurse()
        skilled = [str(nurse.pk)]

        assert program.ids(f"Schedule?actor=Practitioner/{nurse.pk}") == skilled
        assert program.ids(f"Schedule?actor=PractitionerRole/{role_id(nurse.pk, wounds.pk)}") == (
            skilled
        )
        assert program.ids("Schedule?service-type=dressing") == skilled
        assert program.ids("Schedule?specialty=wound-care") == skilled
        assert set(program.ids("Schedule?date=2026-03-09")) == {str(nurse.pk), str(other.pk)}
        assert program.ids("Schedule?date=2027-03-09") == []
        assert program.ids("Schedule?active=false") == []


class TestAVisit:
    @pytest.mark.parametrize(
        ("fields", "status", "participation"),
        [
            ({}, "booked", "needs-action"),
            ({"attendance_confirmed_at": NOW}, "booked", "accepted"),
            ({"status": "arrived"}, "arrived", "accepted"),
            ({"status": "fulfilled"}, "fulfilled", "accepted"),
            ({"status": "noshow"}, "noshow", "accepted"),
            ({"status": "cancelled"}, "cancelled", "declined"),
            ({"status": "entered-in-error"}, "entered-in-error", "declined"),
        ],
    )
    def test_of_each_status_is_drawn(
        self, program: Program, fields: dict[str, Any], status: str, participation: str
    ) -> None:
        visit = make_appointment(**fields)

        drawn = program.get(f"Appointment/{visit.pk}").json()

        assert drawn["status"] == status
        assert drawn["participant"][0]["status"] == participation
        assert ("cancelationReason" in drawn) is (status == "cancelled")

    def test_has_its_people_its_time_and_its_kind(self, program: Program) -> None:
        visit = make_appointment()

        response = program.get(f"Appointment/{visit.pk}")

        drawn = response.json()
        assert (drawn["start"], drawn["end"]) == ("2026-03-06T14:00:00Z", "2026-03-06T14:30:00Z")
        assert drawn["minutesDuration"] == 30
        assert [one["actor"]["reference"] for one in drawn["participant"]] == [
            f"Patient/{visit.patient_id}", f"Practitioner/{visit.nurse_id}",
        ]  # fmt: skip
        assert drawn["appointmentType"]["coding"][0]["code"] == "ROUTINE"
        assert response["ETag"] == 'W/"1"'
        assert response["Last-Modified"].endswith("GMT")
        slot = program.get(drawn["slot"][0]["reference"]).json()
        assert (slot["status"], slot["start"]) == ("busy", drawn["start"])

    def test_can_be_read_at_the_address_of_its_version(self, program: Program) -> None:
        visit = make_appointment()

        assert program.get(f"Appointment/{visit.pk}/_history/1").status_code == 200
        assert issue(program.get(f"Appointment/{visit.pk}/_history/2")) == (404, "not-found")

    @pytest.mark.parametrize(
        ("query", "there"),
        [
            ("date=2026-03-06", True), ("date=2026-03-05", False),
            ("date=ge2026-03-06T09:00:00-05:00", True), ("date=gt2026-03-06T09:00:00-05:00", False),
            ("date=ge2026-03-06T15:00:00+01:00&date=lt2026-03-07", True),
            ("date=2026-03-06T14:00Z", True), ("status=booked", True), ("status=cancelled", False),
            ("status=cancelled,booked", True), ("status=booked&status=cancelled", False),
            ("service-type=routine", True), (f"service-type={HOME}/CodeSystem/visit-type%7Croutine", True),
            ("service-type=other%7Croutine", False), ("_lastUpdated=ge2026", True),
            ("identifier=nothing", False), ("status=pending", False),
        ],
    )  # fmt: skip
    def test_is_found_by(self, program: Program, query: str, there: bool) -> None:
        visit = make_appointment()

        assert program.ids(f"Appointment?{query}") == [str(visit.pk)] * there

    def test_is_found_by_its_people_in_every_form_of_reference(self, program: Program) -> None:
        visit = make_appointment()
        make_appointment()
        own = [str(visit.pk)]

        for query in (
            f"patient={visit.patient_id}",
            f"patient=Patient/{visit.patient_id}",
            f"patient:Patient={visit.patient_id}",
            f"patient=http://testserver/fhir/R4/Patient/{visit.patient_id}",
            f"practitioner={visit.nurse_id}",
            f"actor=Patient/{visit.patient_id}",
            f"actor=Practitioner/{visit.nurse_id}",
            f"actor={visit.nurse_id}",
        ):
            assert program.ids(f"Appointment?{query}") == own, query
        for query in (
            f"patient=Practitioner/{visit.nurse_id}",
            f"patient=http://elsewhere.example/fhir/Patient/{visit.patient_id}",
            f"actor=Practitioner/{visit.patient_id}",
        ):
            assert program.ids(f"Appointment?{query}") == [], query

    def test_brings_patient_and_nurse_along_once_each(self, program: Program) -> None:
        patient = make_patient()
        first = make_appointment(patient=patient)
        make_appointment(
            patient=patient, nurse=first.nurse, start=TOMORROW_NINE + timedelta(days=3)
        )

        bundle = program.get(
            "Appointment?_include=Appointment:patient&_include=Appointment:practitioner"
        ).json()

        assert (bundle["total"], len(matches(bundle))) == (2, 2)
        assert sorted(one["fullUrl"] for one in entries(bundle, "include")) == [
            f"http://testserver/fhir/R4/Patient/{patient.pk}",
            f"http://testserver/fhir/R4/Practitioner/{first.nurse_id}",
        ]
