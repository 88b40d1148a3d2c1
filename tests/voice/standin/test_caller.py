"""A simulated call against a small application that answers as the product does."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import pytest
from twilio.request_validator import RequestValidator

from tests.calls.virtual_clock import run
from voice.standin.caller import Account, CallOptions, CallRecord, PhoneCall, known_lines
from voice.standin.clips import clip, duration_ms
from voice.standin.line import LineOptions
from voice.standin.scenarios import Ending, Expect, Scenario, Turn, When
from voice.standin.transports import InProcessTransport, Scope

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

TOKEN = "12345"
BASE = "https://clinic.example"
ACCOUNT = Account(account_sid="AC1", auth_token=TOKEN, number="+12025550199", base_url=BASE)
GREETING = "This is the clinic. How can I help?"
SCENARIO = Scenario(
    id="T1",
    title="A test",
    caller_number="+12025550102",
    turns=(Turn(caller="Hello, this is the caller."),),
    expect=Expect(outcome="caller_left"),
    ending=Ending(kind="hang_up", answered=False, after_ms=300),
)
STREAM = (
    f'<Response><Connect><Stream url="wss://clinic.example/ws" statusCallback="{BASE}/stream">'
    '<Parameter name="token" value="t"/></Stream></Connect>'
    f'<Redirect method="POST">{BASE}/after</Redirect></Response>'
)


class Clinic:
    """An ASGI application that keeps what it is sent; `after` is its TwiML once the stream is over."""

    def __init__(
        self, *, after: str = "<Response><Hangup/></Response>", accept: bool = True
    ) -> None:
        self.documents = {"/twilio/voice": STREAM, "/after": after}
        self.accept = accept
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.frames: list[tuple[float, dict[str, Any]]] = []
        self.headers: dict[str, str] = {}
        self.close_after_ms = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._http if scope["type"] == "http" else self._stream)(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = (await receive())["body"]
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
        self.requests.append((scope["path"], fields))
        document = self.documents.get(scope["path"], "")
        url = BASE + scope["path"]
        signed = RequestValidator(TOKEN).validate(url, fields, _header(scope, "x-twilio-signature"))
        status = 403 if not signed else 200 if document else 204
        headers = [(b"content-type", b"text/xml")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": document.encode()})

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        await receive()
        if not self.accept:
            await send({"type": "websocket.close"})
            return
        await send({"type": "websocket.accept"})
        loop = asyncio.get_running_loop()
        began = loop.time()
        stream_sid = ""
        while (message := await receive())["type"] == "websocket.receive":
            event = json.loads(message["text"])
            self.frames.append((loop.time() - began, event))
            if event["event"] == "start":
                stream_sid = event["streamSid"]
                audio = base64.b64encode(clip(GREETING, "assistant")).decode()
                await _write(send, "media", stream_sid, media={"payload": audio})
                await _write(send, "mark", stream_sid, mark={"name": "greeting"})
            if 0 < self.close_after_ms <= (loop.time() - began) * 1000:
                await send({"type": "websocket.close", "code": 1000})
                return

    def paths(self) -> list[str]:
        return [path for path, _ in self.requests]

    def states(self) -> list[tuple[str, str]]:
        return [
            (fields["CallStatus"], fields["SequenceNumber"])
            for path, fields in self.requests
            if path == "/twilio/voice/status"
        ]


async def _write(send: Send, event: str, stream_sid: str, **body: Any) -> None:
    text = json.dumps({"event": event, "streamSid": stream_sid, **body})
    await send({"type": "websocket.send", "text": text})


def _header(scope: Mapping[str, Any], name: str) -> str:
    headers: dict[bytes, bytes] = dict(scope["headers"])
    return headers.get(name.encode(), b"").decode()


def call(
    clinic: Clinic,
    scenario: Scenario = SCENARIO,
    *,
    account: Account = ACCOUNT,
    options: CallOptions | None = None,
) -> CallRecord:
    phone = PhoneCall(
        scenario=scenario,
        account=account,
        transport=InProcessTransport(clinic),
        recognition=known_lines(scenario, [GREETING], follow=True),
        options=options,
    )
    return run(phone.place())


class TestRequests:
    def test_posts_the_webhook_signed_with_every_field_blanks_included(self) -> None:
        clinic = Clinic()

        record = call(clinic)

        path, fields = clinic.requests[0]
        assert path == "/twilio/voice"
        assert record.answers == [200]
        assert (fields["CallStatus"], fields["Direction"]) == ("ringing", "inbound")
        assert (fields["From"], fields["Called"]) == ("+12025550102", "+12025550199")
        assert (fields["FromCity"], fields["StirVerstat"]) == ("", "TN-Validation-Passed-A")

    def test_is_refused_with_a_wrong_signature_and_repeats_itself_on_demand(self) -> None:
        clinic = Clinic()

        record = call(clinic, options=CallOptions(wrong_signature_first=True, repeat_webhook=True))

        assert record.rejected_signature == 403
        assert not record.repeated_answer_differs
        assert clinic.paths().count("/twilio/voice") == 3

    def test_falls_back_when_the_first_request_fails(self) -> None:
        clinic = Clinic()
        clinic.documents["/twilio/voice"] = "<Response><Nonsense/></Response>"
        clinic.documents["/fallback"] = "<Response><Say>Please call again.</Say></Response>"

        record = call(clinic, account=replace(ACCOUNT, fallback_url=BASE + "/fallback"))

        assert dict(clinic.requests)["/fallback"]["ErrorCode"] == "11200"
        assert [line.text for line in record.carrier_said] == ["Please call again."]

    def test_reports_states_in_rising_sequence(self) -> None:
        clinic = Clinic()

        call(clinic)

        assert clinic.states() == [("in-progress", "0"), ("completed", "1")]
        assert int(clinic.requests[-1][1]["CallDuration"]) > 0


class TestStream:
    def test_signs_the_wss_address_and_sends_no_origin_and_no_subprotocol(self) -> None:
        clinic = Clinic()

        call(clinic)

        assert RequestValidator(TOKEN).validate(
            "wss://clinic.example/ws", {}, clinic.headers["x-twilio-signature"]
        )
        assert not {"origin", "sec-websocket-protocol"} & set(clinic.headers)

    def test_sends_connected_start_and_then_a_frame_every_twenty_milliseconds(self) -> None:
        clinic = Clinic()

        call(clinic)

        assert [event["event"] for _, event in clinic.frames[:3]] == ["connected", "start", "media"]
        times = [at for at, event in clinic.frames if event["event"] == "media"]
        assert len(times) > 100
        assert all(at == pytest.approx(index * 0.02, abs=0.001) for index, at in enumerate(times))
        assert clinic.frames[-1][1]["event"] == "stop"

    def test_numbers_every_message_without_a_gap(self) -> None:
        clinic = Clinic()

        call(clinic)

        numbers = [int(event["sequenceNumber"]) for _, event in clinic.frames[1:]]
        assert numbers == list(range(1, len(numbers) + 1))

    def test_echoes_the_mark_when_the_greeting_was_played_and_then_speaks(self) -> None:
        clinic = Clinic()
        greeting_s = duration_ms(clip(GREETING, "assistant")) / 1000

        record = call(clinic)

        marked = next(at for at, event in clinic.frames if event["event"] == "mark")
        assert marked == pytest.approx(greeting_s, abs=0.021)
        heard, said = record.lines(known_lines(SCENARIO, [GREETING], follow=False))
        assert (heard.text, heard.whole) == (GREETING, True)
        assert said.text == "Hello, this is the caller."
        assert said.started_ms - heard.ended_ms == pytest.approx(900, abs=50)

    def test_cuts_in_as_soon_as_certain_words_were_heard(self) -> None:
        clinic = Clinic()
        turn = Turn(caller="Wait!", when=When(kind="into", words="This is the clinic."))

        record = call(clinic, replace(SCENARIO, turns=(turn,)))

        share = record.said[0].started_ms / duration_ms(clip(GREETING, "assistant"))
        assert 0.45 < share < 0.7

    def test_presses_keys_one_after_another(self) -> None:
        clinic = Clinic()

        call(clinic, replace(SCENARIO, turns=(Turn(caller=None, keys="12#"),)))

        keys = [
            (at, event["dtmf"]["digit"]) for at, event in clinic.frames if event["event"] == "dtmf"
        ]
        assert [digit for _, digit in keys] == ["1", "2", "#"]
        assert keys[1][0] - keys[0][0] >= 0.2

    def test_gives_up_when_its_turn_never_comes(self) -> None:
        turn = Turn(caller="Wait!", when=When(kind="into", words="words that nobody says"))

        record = call(Clinic(), replace(SCENARIO, turns=(turn,)))

        assert record.stuck == "waited 45 s for turn 1"
        assert record.turns_taken == 0

    def test_cuts_the_line_without_a_word_on_demand(self) -> None:
        clinic = Clinic()

        call(clinic, options=CallOptions(line=LineOptions(cut_after_ms=1000)))

        assert clinic.frames[-1][1]["event"] == "media"
        assert clinic.frames[-1][0] == pytest.approx(1.0, abs=0.05)


class TestVerbs:
    waiting = replace(SCENARIO, ending=Ending(kind="wait"))

    def test_goes_on_with_the_next_verb_half_a_second_after_our_close(self) -> None:
        clinic = Clinic(after="<Response><Say>Goodbye now.</Say><Hangup/></Response>")
        clinic.close_after_ms = 8000

        record = call(clinic, self.waiting)

        assert record.ended_by == "application"
        assert [verb.name for verb in record.verbs] == ["Connect", "Redirect", "Say", "Hangup"]
        assert record.carrier_said[0].started_ms == pytest.approx(8500, abs=50)
        events = [
            fields.get("StreamEvent") for path, fields in clinic.requests if path == "/stream"
        ]
        assert events == ["stream-started", "stream-stopped"]

    def test_asks_for_nothing_more_when_the_caller_hangs_up(self) -> None:
        clinic = Clinic()

        record = call(clinic)

        assert record.ended_by == "caller"
        assert "/after" not in clinic.paths()

    def test_reports_a_refused_upgrade_and_goes_on(self) -> None:
        clinic = Clinic(accept=False)

        record = call(clinic)

        stream = [fields for path, fields in clinic.requests if path == "/stream"]
        assert [fields["StreamEvent"] for fields in stream] == ["stream-error"]
        assert record.faults == ["31920: the upgrade was answered with 403"]
        assert "/after" in clinic.paths()

    @pytest.mark.parametrize(
        ("person", "bridged", "status"),
        [
            ("talks", "true", "completed"),
            ("machine", "false", "completed"),
            ("busy", "false", "busy"),
            ("no-answer", "false", "no-answer"),
        ],
    )
    def test_dials_with_a_whisper_and_reports_how_it_went(
        self, person: str, bridged: str, status: str
    ) -> None:
        clinic = Clinic(
            after=f'<Response><Dial action="{BASE}/done" timeout="20"><Number url="{BASE}/whisper">'
            "+12025550198</Number></Dial></Response>"
        )
        clinic.close_after_ms = 6000
        clinic.documents["/whisper"] = (
            f'<Response><Gather numDigits="1" action="{BASE}/key"><Say>Press 1.</Say></Gather>'
            "<Hangup/></Response>"
        )
        clinic.documents["/key"] = "<Response/>"
        clinic.documents["/done"] = "<Response><Hangup/></Response>"

        call(clinic, self.waiting, options=CallOptions(dialled_person=person))

        done = dict(clinic.requests)["/done"]
        assert (done["DialBridged"], done["DialCallStatus"]) == (bridged, status)

    def test_follows_a_menu_with_keys_and_falls_through_without(self) -> None:
        menu = (
            f'<Response><Gather numDigits="1" action="{BASE}/menu"><Say>Press 1.</Say></Gather>'
            "<Say>We did not hear you.</Say></Response>"
        )
        chosen, silent = Clinic(after=menu), Clinic(after=menu)
        chosen.close_after_ms = silent.close_after_ms = 6000
        chosen.documents["/menu"] = "<Response><Hangup/></Response>"

        call(chosen, self.waiting, options=CallOptions(menu_keys="1"))
        record = call(silent, self.waiting)

        assert dict(chosen.requests)["/menu"]["Digits"] == "1"
        assert record.carrier_said[-1].text == "We did not hear you."

    def test_records_a_message_and_makes_no_request_for_an_empty_one(self) -> None:
        after = (
            f'<Response><Record action="{BASE}/kept" maxLength="60"/><Say>Nothing.</Say></Response>'
        )
        spoken, empty = Clinic(after=after), Clinic(after=after)
        spoken.close_after_ms = empty.close_after_ms = 6000
        spoken.documents["/kept"] = "<Response><Hangup/></Response>"

        call(spoken, self.waiting, options=CallOptions(message_s=9))
        record = call(empty, self.waiting)

        assert dict(spoken.requests)["/kept"]["RecordingDuration"] == "9"
        assert record.carrier_said[-1].text == "Nothing."

    def test_ends_a_call_whose_documents_go_round_in_circles(self) -> None:
        clinic = Clinic(after=f"<Response><Redirect>{BASE}/after</Redirect></Response>")
        clinic.close_after_ms = 6000

        record = call(clinic, self.waiting)

        assert record.faults == ["more than 20 documents"]
