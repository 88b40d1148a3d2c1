"""The live feed: who gets in, what each sees, and how it ends (security reference, S28, S29, S31, R9)."""

import asyncio
import json
import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from channels.layers import InMemoryChannelLayer
from channels_redis.core import RedisChannelLayer
from django.utils import timezone

from accounts.models import ApiKey, AuditEvent, User
from accounts.sign_in import clock
from dashboard.consumers import LiveFeedConsumer
from dashboard.sweeps import tell_of_tasks
from scheduling.models import Patient
from scheduling.services.tasks import raise_alarm
from tests.dashboard.watchers import (
    ASKED,
    beside,
    close_code,
    heard,
    new_key,
    opened,
    running_call,
    say,
    signed_in,
    socket_of,
)
from tests.factories import make_assignment, make_nurse, make_patient
from tests.services import Redis
from voice.models import LiveEvent
from voice.sweeps import STEPS

pytestmark = pytest.mark.django_db(transaction=True)


class TestTheDoor:
    @pytest.mark.parametrize(
        "origin",
        ["", "null", "https://evil.example", "http://testserver", "https://testserver.evil"],
    )
    async def test_is_closed_to_a_cookie_from_elsewhere_s29(self, origin: str) -> None:
        client, _ = await signed_in("scheduler")

        accepted, _ = await socket_of(client, origin=origin).connect(timeout=5)

        assert not accepted

    async def test_is_closed_to_anybody_unknown(self) -> None:
        accepted, _ = await socket_of().connect(timeout=5)

        assert not accepted

    async def test_is_closed_to_a_key_in_the_address_and_records_it_s42(self) -> None:
        _, text = await new_key("calls:read")

        accepted, _ = await socket_of(key=text, path=f"/ws/live?key={text}").connect(timeout=5)

        assert not accepted
        refused = await AuditEvent.objects.aget(action="key.refused")
        assert (refused.outcome, refused.surface) == ("in_address", "live")

    @pytest.mark.parametrize("scope", ["patients:read", "transcripts:read"])
    async def test_is_closed_to_a_key_that_may_not_read_calls(self, scope: str) -> None:
        _, text = await new_key(scope)

        accepted, _ = await socket_of(key=text, origin="").connect(timeout=5)

        assert not accepted

    async def test_counts_handshakes_of_a_key_as_its_readings_s44(self, settings: Any) -> None:
        settings.LIMIT_KEY_READS_PER_MINUTE = 2
        _, text = await new_key("calls:read")
        sockets = [socket_of(key=text, origin="") for _ in range(3)]

        accepted = [(await socket.connect(timeout=5))[0] for socket in sockets]

        assert accepted == [True, True, False]
        for socket in sockets[:2]:
            await socket.disconnect()

    async def test_opens_for_five_sockets_of_a_session(self) -> None:
        client, _ = await signed_in("scheduler")
        sockets = [socket_of(client) for _ in range(6)]

        accepted = [(await socket.connect(timeout=5))[0] for socket in sockets]

        assert accepted == [True] * 5 + [False]
        for socket in sockets[:5]:
            await socket.disconnect()


class TestAWatcher:
    async def test_sees_at_once_what_goes_on(self) -> None:
        client, _ = await signed_in("scheduler")
        call = await running_call()
        await say(call, "I need a visit.")

        socket = socket_of(client)
        snapshot = await opened(socket)
        await socket.disconnect()

        assert [one["id"] for one in snapshot["calls"]] == [str(call.pk)]
        assert [one["text"] for one in snapshot["lines"]] == ["I need a visit."]
        assert snapshot["seq"] == (await LiveEvent.objects.alatest("seq")).seq

    async def test_is_told_of_lines_in_a_chain_of_numbers_r9(self) -> None:
        client, _ = await signed_in("scheduler")
        call = await running_call()
        socket = socket_of(client)
        snapshot = await opened(socket)

        await say(call, "Hello.")
        first = await heard(socket)
        await say(call, "On Friday.", "item_2")
        second = await heard(socket)
        await socket.disconnect()

        assert (first["type"], first["line"]["text"]) == ("line", "Hello.")
        assert second["line"]["text"] == "On Friday."
        assert (first["after"], second["after"]) == (snapshot["seq"], first["seq"])
        assert second["seq"] > first["seq"]

    async def test_leaves_one_event_for_each_call_that_was_shown_s46(self) -> None:
        client, user = await signed_in("scheduler")
        patient = await beside(make_patient)()
        socket = socket_of(client)
        await opened(socket)

        call = await running_call(patient)
        for number in range(2):
            await say(call, "Hello.", f"item_{number}")
            await heard(socket)
        await socket.disconnect()

        shown = await AuditEvent.objects.aget(action="live.shown")
        assert (shown.actor_id, shown.object_id) == (str(user.pk), str(call.pk))
        assert shown.patient_ids == [str(patient.pk)]

    async def test_is_told_of_an_alarm(self) -> None:
        client, _ = await signed_in("scheduler")
        socket = socket_of(client)
        await opened(socket)

        await beside(alarm)()
        told = await heard(socket)
        await socket.disconnect()

        assert (told["type"], told["task"]["topic"]) == ("alarm", "medical")
        assert "chest" not in json.dumps(told)

    async def test_gets_an_answer_to_a_ping(self) -> None:
        client, _ = await signed_in("scheduler")
        socket = socket_of(client)
        await opened(socket)

        await socket.send_to(text_data='{"type": "ping"}')

        assert await heard(socket) == {"type": "pong"}
        await socket.disconnect()

    @pytest.mark.parametrize(
        ("text", "code"), [("no json", 4400), ('{"type": "watch"}', 4400), ("x" * 257, 1009)]
    )
    async def test_is_sent_away_for_saying_anything_else(self, text: str, code: int) -> None:
        client, _ = await signed_in("scheduler")
        socket = socket_of(client)
        await opened(socket)

        await socket.send_to(text_data=text)

        assert await close_code(socket) == code
        await socket.wait()

    async def test_is_sent_away_if_it_takes_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        client, _ = await signed_in("scheduler")
        call = await running_call()
        socket = socket_of(client)
        await opened(socket)

        async def stuck(self: LiveFeedConsumer, **message: Any) -> None:
            await asyncio.sleep(60)

        monkeypatch.setattr("dashboard.consumers.SEND_SECONDS", 0.05)
        monkeypatch.setattr(LiveFeedConsumer, "send", stuck)
        await say(call, "Hello.")

        assert await close_code(socket) == 4408
        await socket.wait()


def alarm() -> None:
    raise_alarm(
        kind="medical",
        text="Said that the chest hurts.",
        callback_number="+12025550118",
        patient_id=None,
        source="voice",
        actor="call:1",
        now=timezone.now(),
    )
    assert tell_of_tasks(now=timezone.now()) == 1
    assert tell_of_tasks(now=timezone.now()) == 0


class TestANurse:
    async def test_gets_nothing_of_a_foreign_patients_call_s29(self) -> None:
        client, user = await signed_in("nurse")
        mine, foreign = await beside(two_patients)(user)
        await running_call(foreign)
        socket = socket_of(client)
        snapshot = await opened(socket)

        await say(await running_call(foreign), "A secret.")
        own = await running_call(mine)
        await say(own, "My foot hurts.")
        told = await heard(socket)

        assert snapshot["calls"] == snapshot["lines"] == snapshot["tasks"] == []
        assert (told["line"]["call"], told["line"]["text"]) == (str(own.pk), "My foot hurts.")
        assert told["after"] == snapshot["seq"]
        assert await socket.receive_nothing(timeout=0.3)
        await socket.disconnect()

    async def test_catches_up_on_own_patients_only(self) -> None:
        client, user = await signed_in("nurse")
        mine, foreign = await beside(two_patients)(user)
        await say(await running_call(foreign), "A secret.")
        await say(await running_call(mine), "My foot hurts.")

        answer = await beside(client.get)(ASKED, {"after": 0})

        assert [one["line"]["text"] for one in answer.json()["results"]] == ["My foot hurts."]
        assert answer.json()["next_after"] == (await LiveEvent.objects.alatest("seq")).seq


def two_patients(user: User) -> tuple[Patient, Patient]:
    mine = make_patient()
    make_assignment(patient=mine, nurse=make_nurse(user=user))
    return mine, make_patient()


class TestAKey:
    @pytest.mark.parametrize(
        ("scopes", "calls", "lines"),
        [(["calls:read"], 1, 0), (["calls:read", "transcripts:read"], 1, 1)],
    )
    async def test_sees_what_its_scopes_open(
        self, scopes: list[str], calls: int, lines: int
    ) -> None:
        _, text = await new_key(*scopes)
        await say(await running_call(), "Hello.")

        socket = socket_of(key=text, origin="")
        snapshot = await opened(socket)
        await socket.disconnect()

        assert (len(snapshot["calls"]), len(snapshot["lines"])) == (calls, lines)
        assert snapshot["tasks"] == []

    async def test_is_shut_out_once_revoked_s28(self) -> None:
        key, text = await new_key("calls:read")
        socket = socket_of(key=text, origin="")
        await opened(socket)

        await ApiKey.objects.filter(pk=key.pk).aupdate(revoked_at=timezone.now())

        assert await close_code(socket) == 4403
        await socket.wait()


class TestAnOpenFeed:
    @pytest.mark.parametrize("change", [{"role": "nurse"}, {"is_active": False}])
    async def test_closes_before_the_next_message_s28(self, change: dict[str, Any]) -> None:
        client, user = await signed_in("scheduler")
        call = await running_call()
        socket = socket_of(client)
        await opened(socket)

        await User.objects.filter(pk=user.pk).aupdate(**change)
        await say(call, "A secret.")

        message = await socket.receive_output(timeout=7)
        assert (message["type"], message["code"]) == ("websocket.close", 4403)
        await socket.wait()

    @pytest.mark.parametrize("change", [{"role": "nurse"}, {"is_active": False}])
    async def test_closes_although_nothing_happens_s28(self, change: dict[str, Any]) -> None:
        client, user = await signed_in("scheduler")
        socket = socket_of(client)
        await opened(socket)

        await User.objects.filter(pk=user.pk).aupdate(**change)

        message = await socket.receive_output(timeout=7)
        assert (message["type"], message["code"]) == ("websocket.close", 4403)
        await socket.wait()

    async def test_does_not_keep_a_session_alive_s31(self, monkeypatch: pytest.MonkeyPatch) -> None:
        client, _ = await signed_in("scheduler")
        call = await running_call()
        socket = socket_of(client)
        await opened(socket)
        await say(call, "Hello.")
        await heard(socket)

        later = clock.now() + timedelta(minutes=15)
        monkeypatch.setattr(clock, "now", lambda: later)
        await say(call, "A secret.", "item_2")

        assert await close_code(socket) == 4401
        await socket.wait()


class TestOldEvents:
    def test_go_after_a_day_and_numbers_go_on(self) -> None:
        for age in (timedelta(hours=25), timedelta(hours=23)):
            made = LiveEvent.objects.create(kind=LiveEvent.Kind.CALL_STARTED)
            LiveEvent.objects.filter(pk=made.pk).update(occurred_at=timezone.now() - age)
        step = next(step for step in STEPS if step.name == "live_events")

        gone = step.run(now=timezone.now())

        assert gone == 1
        assert LiveEvent.objects.get().seq == made.seq
        assert LiveEvent.objects.create(kind=LiveEvent.Kind.CALL_ENDED).seq > made.seq


class BrokenLayer:
    """A layer that has stopped, until it is mended."""

    def __init__(self) -> None:
        self.mended = InMemoryChannelLayer()
        self.broken = True

    async def new_channel(self) -> str:
        return str(await self.mended.new_channel())

    async def group_add(self, group: str, channel: str) -> None:
        self._fail()
        await self.mended.group_add(group, channel)

    async def group_discard(self, group: str, channel: str) -> None:
        self._fail()
        await self.mended.group_discard(group, channel)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        self._fail()
        await self.mended.group_send(group, message)

    async def receive(self, channel: str) -> Any:
        return await self.mended.receive(channel)

    def _fail(self) -> None:
        if self.broken:
            raise ConnectionRefusedError


class TestALayerThatStops:
    async def test_is_told_of_and_the_feed_goes_on_f19(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        layer = BrokenLayer()
        monkeypatch.setattr("dashboard.consumers.get_channel_layer", lambda: layer)
        monkeypatch.setattr("voice.live_feed.get_channel_layer", lambda: layer)
        monkeypatch.setattr("dashboard.consumers.LOOK_SECONDS", 0.2)
        monkeypatch.setattr("dashboard.consumers.JOIN_SECONDS", 0.2)
        client, _ = await signed_in("scheduler")
        call = await running_call()
        socket = socket_of(client)
        await opened(socket)

        told = [await heard(socket)]
        await say(call, "Hello.")
        told.append(await heard(socket))
        layer.broken = False
        told.append(await heard(socket))
        await socket.disconnect()

        assert [one["type"] for one in told] == ["degraded", "line", "recovered"]

    async def test_may_be_redis_stopped_and_started_anew_f19(
        self, monkeypatch: pytest.MonkeyPatch, redis: Redis
    ) -> None:
        layer = RedisChannelLayer(hosts=[redis.url])
        monkeypatch.setattr("dashboard.consumers.get_channel_layer", lambda: layer)
        monkeypatch.setattr("voice.live_feed.get_channel_layer", lambda: layer)
        monkeypatch.setattr("dashboard.consumers.JOIN_SECONDS", 0.2)
        client, _ = await signed_in("scheduler")
        call = await running_call()
        socket = socket_of(client)
        await opened(socket)

        await say(call, "Before.")
        told = [await heard(socket)]
        await asyncio.to_thread(redis.stop)
        told.append(await heard(socket))
        await say(call, "Meanwhile.", "item_2")
        told.append(await heard(socket))
        await asyncio.to_thread(redis.start)
        told.append(await heard(socket))
        await say(call, "After.", "item_3")
        told.append(await heard(socket))
        await socket.disconnect()

        assert [one.get("line", one)["text" if "line" in one else "type"] for one in told] == [
            "Before.",
            "degraded",
            "Meanwhile.",
            "recovered",
            "After.",
        ]


@pytest.fixture
def redis() -> Iterator[Redis]:
    """Run a Redis of the test's own."""
    if not os.environ["REDIS_URL"]:
        pytest.skip("A developer may have no Redis; CI has.")
    with Redis() as server:
        server.start()
        yield server
