"""
No value of a patient leaves the places that are meant for it (S53, S55, S57).

Each field of a patient holds a word that occurs nowhere else; then people look at every page and change things, a
whole call books a visit, texts come and go, a calendar is fetched. The words may be on pages, in the database and in
what the model is told, and nowhere else.
"""

import io
import logging
import logging.config
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import redis
from channels.layers import InMemoryChannelLayer
from channels_redis.core import RedisChannelLayer
from django.conf import settings as configured
from django.test import Client

from scheduling.models import (
    MedicalCondition,
    Message,
    Nurse,
    Patient,
    PatientRelation,
    WebhookDelivery,
    WebhookEndpoint,
)
from scheduling.services import cancel_appointment, load_clinic
from scheduling.services.feeds import create_feed
from tests.calls.conftest import THURSDAY
from tests.calls.virtual_clock import run
from tests.carematix.routes import addresses
from tests.dashboard.rows import make_user, make_visit, make_whole_call
from tests.voice.twilio_requests import post
from voice import conversations
from voice.standin.scenario_files import scenarios

CANARIES = {
    "first_name": "Zephyrine",
    "last_name": "Quackenbush",
    "email": "zephyrine.quack@canary.example",
    "postal_code": "90Q7X",
    "reference_number": "QREF7731",
    "registration_reason": "canaryreason",
}
PHONE, SECOND_PHONE, BORN = "+12025550177", "+12025550178", date(1931, 7, 23)
OTHERS = {
    "relation": "Wolfgangina Canaryrelative",
    "condition": "canarycondition",
    "notes": "canarynotes",
    "reason": "canaryvisitreason",
    "said": "canaryspokenwords",
}
LAST_COMMAND = "the end of what is watched"
WORDS = [
    *CANARIES.values(), *OTHERS.values(), "Wolfgangina", "quack@", PHONE, PHONE[1:], PHONE[2:], SECOND_PHONE[2:],
    "1931-07-23", "07/23/1931", "July 23, 1931",
]  # fmt: skip


def hits(text: str) -> list[str]:
    return [word for word in WORDS if word.lower() in text.lower()]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Return what all loggers write, each of them at its most talkative, in the product's format."""
    stream = io.StringIO()
    from carematix.logs import Formatter

    handler = logging.StreamHandler(stream)
    handler.setFormatter(Formatter())
    names = ["", *logging.root.manager.loggerDict]
    before = {name: logging.getLogger(name).level for name in names}
    logging.root.addHandler(handler)
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield stream
    logging.root.removeHandler(handler)
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what is sent through the channel layer, whichever is in use (S57)."""
    sent: list[str] = []
    for layer in (InMemoryChannelLayer, RedisChannelLayer):
        for name in ("send", "group_send"):
            original = getattr(layer, name)

            async def noted(self: Any, to: str, message: Any, _original: Any = original) -> None:
                sent.append(f"{to} {message}")
                await _original(self, to, message)

            monkeypatch.setattr(layer, name, noted)
    return sent


@pytest.fixture
def said_to_redis() -> Iterator[list[str]]:
    """Return every command that Redis gets, whoever sends it (S57); without a Redis, none."""
    said: list[str] = []
    if not configured.REDIS_URL:
        yield said
        return
    watcher = redis.Redis.from_url(configured.REDIS_URL)
    with watcher.monitor() as monitor:  # type: ignore[no-untyped-call]  # redis leaves it untyped
        yield said
        asker = redis.Redis.from_url(configured.REDIS_URL)
        asker.echo(LAST_COMMAND)
        asker.close()
        for command in monitor.listen():
            if LAST_COMMAND in command["command"]:
                break
            said.append(command["command"])
    assert said
    assert hits("\n".join(said)) == []


@pytest.fixture
def patient(transactional_db: None, settings: Any) -> Patient:
    """Return a patient of the sample clinic whose every field is a canary, with a visit and a call of theirs."""
    settings.CAREMATIX_NOW = THURSDAY
    settings.STAFF_TRANSFER_NUMBER = "+12025550198"
    load_clinic(now=THURSDAY)
    patient = Patient.objects.create(
        date_of_birth=BORN, phone=PHONE, second_phone=SECOND_PHONE, **CANARIES
    )
    PatientRelation.objects.create(
        patient=patient, kind="guardian", name=OTHERS["relation"], phone=SECOND_PHONE
    )
    MedicalCondition.objects.create(
        patient=patient, name=OTHERS["condition"], notes=OTHERS["notes"]
    )
    nurse = Nurse.objects.order_by("id")[0]
    visit = make_visit(patient, nurse, THURSDAY.replace(hour=20), reason=OTHERS["reason"])
    call = make_whole_call(patient, visit, from_number=PHONE)
    call.transcript.update(text=OTHERS["said"])
    return patient


class TestAPatientsValues:
    def test_s53_are_in_no_log_no_address_and_no_title(
        self,
        patient: Patient,
        log: io.StringIO,
        published: list[str],
        said_to_redis: list[str],
        tmp_path: Path,
        settings: Any,
    ) -> None:
        settings.MEDIA_ROOT = tmp_path
        client = Client(raise_request_exception=False)
        client.force_login(make_user("chief", "admin", is_staff=True, is_superuser=True))
        seen: list[str] = []
        titles: list[str] = []

        for address in [*addresses(), *self.own_pages(patient)]:
            answer = client.get(address)
            seen += [address, *answer.headers.values()]
            if answer.get("Content-Type", "").startswith("text/html"):
                titles += re.findall("<title>(.*?)</title>", answer.content.decode(), re.DOTALL)
        for address in ("/dashboard/calls/", "/dashboard/appointments/"):
            answer = client.post(address, {"search": CANARIES["last_name"]})
            seen += answer.headers.values()
        post("/twilio/sms", self.text("C"))
        post("/twilio/sms", self.text(OTHERS["said"]))
        nurse = Nurse.objects.order_by("id")[0]
        Client().get(f"/calendars/{create_feed(nurse_id=nurse.pk, now=THURSDAY)}.ics")
        held = conversations.converse(scenarios()["BK1"], runner=run)

        assert held.sent
        assert hits(log.getvalue()) == []
        assert hits("\n".join(seen)) == []
        assert hits("\n".join(published)) == []
        assert hits("\n".join(str(path) for path in tmp_path.rglob("*"))) == []
        assert titles
        assert hits("\n".join(titles)) == []

    def test_s55_are_in_no_message(self, patient: Patient) -> None:
        post("/twilio/sms", self.text("C"))
        conversations.converse(scenarios()["BK1"], runner=run)

        bodies = [str(values) for values in Message.objects.values_list("body", "subject")]

        assert bodies
        assert hits("\n".join(bodies)) == []

    def test_s53_are_in_no_body_of_a_webhook(self, patient: Patient) -> None:
        WebhookEndpoint.objects.create(url="https://integrator.example/hook")
        visit = patient.appointments.get()
        actor: dict[str, Any] = {"source": "dashboard", "actor": "test", "now": THURSDAY}

        cancel_appointment(appointment_id=visit.pk, reason_text=OTHERS["reason"], **actor)
        conversations.converse(scenarios()["BK1"], runner=run)

        bodies = list(WebhookDelivery.objects.values_list("body", flat=True))
        assert bodies
        assert hits("\n".join(map(str, bodies))) == []

    def own_pages(self, patient: Patient) -> list[str]:
        call = patient.calls.get()
        return [
            f"/dashboard/calls/{call.pk}/",
            f"/admin/scheduling/patient/{patient.pk}/change/",
            f"/admin/scheduling/patient/{patient.pk}/delete/",
            f"/admin/scheduling/patient/{patient.pk}/history/",
        ]

    def text(self, body: str) -> dict[str, str]:
        return {
            "AccountSid": configured.TWILIO_ACCOUNT_SID,
            "MessageSid": "SM" + "0123456789abcdef" * 2,
            "From": PHONE,
            "To": configured.TWILIO_PHONE_NUMBER,
            "Body": body,
        }
