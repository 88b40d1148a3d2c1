"""Copies of the audit record: they can be read back, and a whole one can be checked (S51)."""

import csv
import json
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command

from accounts.audit import record
from accounts.audit.chain import Seal, check
from accounts.audit.sealing import seal_events
from accounts.models import AuditEvent
from accounts.services import record_event
from tests.factories import make_patient, make_user

pytestmark = pytest.mark.django_db


def exported(**options: Any) -> str:
    out = StringIO()
    call_command("export_audit", stdout=out, **options)
    return out.getvalue()


def an_event(**details: Any) -> AuditEvent:
    given = {"action": "call.read", "outcome": "ok", "surface": "dashboard", "actor_type": "user"}
    return record_event(**given | details)


class TestExportAudit:
    def test_s51_gives_a_copy_that_can_be_checked_by_itself(self) -> None:
        for number in range(3):
            an_event(patient_ids=[number], changes={"role": ["nurse", "admin"]})
        seal_events()

        *lines, last = map(json.loads, exported().splitlines())

        seals = [Seal(**seal) for line in lines if (seal := line.pop("seal"))]
        found = check(lines, seals, keys=settings.AUDIT_KEYS)
        assert (found.sealed, found.waiting, found.fault) == (3, 1, None)
        assert Seal(**last["head"]) == seals[-1] == record.head()

    def test_s51_chooses_by_patient_by_person_and_by_time(self) -> None:
        patient, user = make_patient(), make_user()
        by_patient = an_event(patient_ids=[patient.pk])
        by_user = an_event(actor_id=user.pk)

        for chosen, event in (
            ({"patient": str(patient.pk)}, by_patient),
            ({"user": str(user.pk)}, by_user),
        ):
            seqs = [json.loads(line).get("seq") for line in exported(**chosen).splitlines()[:-1]]
            assert seqs[0] == event.seq
            assert by_patient.seq in seqs or by_user.seq in seqs
            assert {by_patient.seq, by_user.seq} - set(seqs)
        after = by_user.at + timedelta(days=1)
        assert len(exported(since=after.isoformat()).splitlines()) == 1
        assert len(exported(until=by_patient.at.isoformat()).splitlines()) == 1

    def test_s51_is_recorded_itself(self) -> None:
        patient = make_patient()

        exported(patient=str(patient.pk), format="csv")

        event = AuditEvent.objects.get(action="audit.exported")
        assert event.patient_ids == [str(patient.pk)]
        assert event.reason == "csv"

    def test_s51_gives_the_same_as_a_table_with_the_head_in_each_row(self, tmp_path: Path) -> None:
        event = an_event(reason="=HYPERLINK(1)", patient_ids=["p"])
        seal_events()
        path = tmp_path / "audit.csv"

        exported(format="csv", output=path)

        first = next(csv.DictReader(path.open(encoding="utf-8", newline="")))
        head = record.head()
        assert head is not None
        assert first["seq"] == str(event.seq)
        assert first["patient_ids"] == '["p"]'
        assert first["reason"] == "'=HYPERLINK(1)"
        assert (first["head_number"], first["head_hash"]) == (str(head.number), head.hash)
