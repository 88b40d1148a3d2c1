"""
A simulated phone call: the carrier's side of everything, as twilio.md, section 12 demands of an honest stand-in.

It posts signed webhooks with all their fields, reads TwiML strictly, opens the media stream as Twilio does, sends 20 ms
frames by an absolute clock, plays what it gets in real time, reports states, and follows the verbs after `<Connect>`.
The clock is the running event loop's; on a virtual one a call takes no time.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final
from urllib.parse import urljoin, urlsplit

from voice.standin import twiml
from voice.standin.clips import Recognition, manifest
from voice.standin.earpiece import Sound
from voice.standin.line import LineOptions, StreamEnd, StreamLine
from voice.standin.media_stream import TwilioStream
from voice.standin.scenarios import Call, Rival, Say, Scenario, Step
from voice.standin.script import CallerScript
from voice.standin.signing import sign
from voice.standin.timeline import Line, heard_lines
from voice.standin.transports import Answer, HandshakeRefused, Transport, Unreachable

BETWEEN_VERBS_S: Final = 0.5
RINGING_S: Final = 2.0
DOCUMENTS: Final = 20  # a call that fetches more goes round in circles


@dataclass(frozen=True, slots=True)
class Account:
    """Whose number is called; `base_url` is the public one, over which everything is signed."""

    account_sid: str
    auth_token: str
    number: str
    base_url: str
    voice_path: str = "/twilio/voice"
    status_path: str = "/twilio/voice/status"
    fallback_url: str = ""


@dataclass(frozen=True, slots=True)
class CallOptions:
    """
    What is unusual about a call.

    `attestation` is `StirVerstat`. `repeat_webhook` sends the first request twice, `wrong_signature_first` one that
    Twilio never made. `dialled_person` is how a `<Dial>` goes: `talks`, `busy`, `no-answer` or `machine`; `menu_keys`
    are pressed at the successive `<Gather>`s; `message_s` is how long the caller speaks into a `<Record>`.
    """

    attestation: str = "TN-Validation-Passed-A"
    repeat_webhook: bool = False
    wrong_signature_first: bool = False
    dialled_person: str = "talks"
    menu_keys: str = ""
    message_s: int = 0
    line: LineOptions = field(default_factory=LineOptions)


@dataclass(slots=True)
class CallRecord:
    """
    What happened in a call, as the carrier and the caller saw it. Times are milliseconds since it was placed.

    `verbs` are the executed ones in order. `violations` and `faults` are mistakes of the application; both are empty
    in a good call. `ended_by` is `caller`, `application` (its TwiML) or `carrier` (it gave up).
    """

    call_sid: str
    sounds: list[Sound] = field(default_factory=list)
    said: list[Line] = field(default_factory=list)
    carrier_said: list[Line] = field(default_factory=list)
    streams: list[StreamEnd] = field(default_factory=list)
    verbs: list[twiml.Verb] = field(default_factory=list)
    violations: list[tuple[int, str]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)  # statuses of webhooks that asked for TwiML
    callbacks: list[tuple[str, str, int]] = field(default_factory=list)  # kind, state, answer
    rejected_signature: int = 0
    repeated_answer_differs: bool = False
    ended_by: str = ""
    stuck: str = ""
    turns_taken: int = 0

    def lines(self, recognition: Recognition) -> list[Line]:
        """Return both directions in the order of their beginnings."""
        heard = heard_lines(self.sounds, recognition)
        return sorted(
            [*self.said, *heard, *self.carrier_said],
            key=lambda line: (line.started_ms, line.speaker),
        )


def known_lines(scenario: Scenario, more: Iterable[str] = (), *, follow: bool) -> Recognition:
    """Return the recognition of what the assistant may say: recorded lines, the script's lines, and `more`."""
    recognition = Recognition("assistant" if follow else None)
    recognition.learn(manifest().get("assistant", {}), "assistant")
    for turn in scenario.turns:
        recognition.learn(_spoken(turn.assistant), "assistant")
    recognition.learn(more, "assistant")
    return recognition


class PhoneCall:
    """One call of a scenario's caller; `place` holds it from ring to hang-up."""

    def __init__(
        self,
        *,
        scenario: Scenario,
        account: Account,
        transport: Transport,
        recognition: Recognition,
        options: CallOptions | None = None,
        interfere: Callable[[Rival], Awaitable[None]] | None = None,
    ) -> None:
        self.record = CallRecord(call_sid="CA" + secrets.token_hex(16))
        self._scenario = scenario
        self._account = account
        self._transport = transport
        self._options = options or CallOptions()
        self._interfere = interfere
        self._script = CallerScript(scenario, recognition)
        self._status = "ringing"
        self._sequence = 0
        self._menu_keys = list(self._options.menu_keys)
        self._over = False
        self._began = 0.0

    async def place(self) -> CallRecord:
        """Hold the call; the record tells of every fault, nothing is raised for one."""
        self._began = asyncio.get_running_loop().time()
        account = self._account
        url: str | None = account.base_url + account.voice_path
        extra: dict[str, str] = {}
        answered_s = self._now_s()
        try:
            for _ in range(DOCUMENTS):
                if url is None or self._over:
                    break
                document = await self._fetch(url, extra)
                if self._status == "ringing":
                    self._status = "in-progress"
                    await self._report_state()
                url, extra = await self._run(document, url)
            else:
                self.record.faults.append(f"more than {DOCUMENTS} documents")
        except twiml.TwimlError as error:
            self.record.faults.append(str(error))
            self.record.ended_by = "carrier"
        self.record.ended_by = self.record.ended_by or "application"
        self.record.stuck = self.record.stuck or (
            "" if self._script.through else f"{self._script.turns_taken} turns were taken"
        )
        self.record.turns_taken = self._script.turns_taken
        self._status = "completed"
        seconds = int(self._now_s() - answered_s)
        await self._report_state(
            ("CallDuration", str(seconds)), ("Duration", str(seconds // 60 + 1))
        )
        return self.record

    # ---- Requests ------------------------------------------------------------------------------

    async def _fetch(self, url: str, extra: dict[str, str]) -> tuple[twiml.Verb, ...]:
        """Ask for TwiML; a failed first request falls back as Twilio does."""
        fields = [*self._call_fields(), *extra.items()]
        first = self._status == "ringing"
        token = secrets.token_hex(16)
        try:
            if first and self._options.wrong_signature_first:
                wrong = await self._post(url, fields, token, signature="x" * 28)
                self.record.rejected_signature = wrong.status
            answer = await self._post(url, fields, token)
            if first and self._options.repeat_webhook:
                again = await self._post(url, fields, token)
                self.record.repeated_answer_differs = again.body != answer.body
            self.record.answers.append(answer.status)
            return twiml.parse(
                status=answer.status, content_type=answer.content_type, body=answer.body
            )
        except (Unreachable, twiml.TwimlError) as error:
            fallback = self._account.fallback_url
            if not first or not fallback:
                raise twiml.TwimlError(11200, f"{urlsplit(url).path}: {error}") from error
        fields += [("ErrorCode", "11200"), ("ErrorUrl", url)]
        answer = await self._post(fallback, fields, token)
        return twiml.parse(status=answer.status, content_type=answer.content_type, body=answer.body)

    async def _post(
        self, url: str, fields: list[tuple[str, str]], token: str, signature: str = ""
    ) -> Answer:
        headers = {
            "X-Twilio-Signature": signature
            or sign(auth_token=self._account.auth_token, url=url, fields=fields),
            "I-Twilio-Idempotency-Token": token,
            "User-Agent": "TwilioProxy/1.1",
        }
        return await self._transport.post(url.partition("#")[0], fields, headers)

    async def _call_back(self, url: str, kind: str, state: str, *extra: tuple[str, str]) -> None:
        """Tell of something; the answer's body is ignored, a lost callback stays lost."""
        fields = [*self._call_fields(), *extra]
        try:
            answer = await self._post(url, fields, secrets.token_hex(16))
        except Unreachable:
            self.record.faults.append(f"callback {kind} {state} was not answered")
            return
        self.record.callbacks.append((kind, state, answer.status))
        if not 200 <= answer.status < 300:
            self.record.faults.append(f"callback {kind} {state} was answered with {answer.status}")

    async def _report_state(self, *extra: tuple[str, str]) -> None:
        number = self._sequence
        self._sequence += 1
        await self._call_back(
            self._account.base_url + self._account.status_path,
            "call",
            self._status,
            ("CallbackSource", "call-progress-events"),
            ("SequenceNumber", str(number)),
            ("Timestamp", format_datetime(datetime.now(UTC))),  # noqa: TID251 - the carrier's clock
            *extra,
        )

    def _call_fields(self) -> list[tuple[str, str]]:
        """Return the fields that every request about a call carries, blanks included (section 2)."""
        ours, theirs = self._account.number, self._scenario.caller_number
        places = [
            (f"{who}{what}", value)
            for who in ("From", "Caller", "To", "Called")
            for what, value in (("City", ""), ("State", "DC"), ("Zip", ""), ("Country", "US"))
        ]
        return [
            ("AccountSid", self._account.account_sid),
            ("CallSid", self.record.call_sid),
            ("ApiVersion", "2010-04-01"),
            ("Direction", "inbound"),
            ("CallStatus", self._status),
            ("From", theirs),
            ("Caller", theirs),
            ("To", ours),
            ("Called", ours),
            *places,
            ("StirVerstat", self._options.attestation),
            ("CallToken", '{"parentCallInfoToken":"standin"}'),
        ]

    # ---- Verbs ---------------------------------------------------------------------------------

    async def _run(
        self, verbs: tuple[twiml.Verb, ...], document_url: str
    ) -> tuple[str | None, dict[str, str]]:
        """Execute verbs in order; return the next document's address and its fields, or nothing at the end."""
        for verb in verbs:
            self.record.verbs.append(verb)
            follow: dict[str, str] | None = None
            match verb.name:
                case "Connect":
                    await self._connect(verb, document_url)
                case "Redirect":
                    return urljoin(document_url, verb.text), {}
                case "Say":
                    await self._speak(verb.text)
                case "Pause":
                    await asyncio.sleep(verb.seconds("length", 1))
                case "Dial":
                    follow = await self._dial(verb, document_url)
                case "Gather":
                    follow = await self._gather(verb)
                case "Record":
                    follow = await self._record_message(verb)
                case "Hangup" | "Reject":
                    return None, {}
            if self._over:
                return None, {}
            action = verb.get("action")
            if follow is not None and action:
                return urljoin(document_url, action), follow
        return None, {}

    async def _connect(self, verb: twiml.Verb, document_url: str) -> None:
        stream = verb.children[0]
        url = stream.get("url").partition("?")[0]
        callback = stream.get("statusCallback")
        twilio_stream = TwilioStream(
            stream_sid="MZ" + secrets.token_hex(16),
            call_sid=self.record.call_sid,
            account_sid=self._account.account_sid,
            parameters={child.get("name"): child.get("value") for child in stream.children},
        )

        async def tell(event: str, error: str = "") -> None:
            if callback:
                await self._call_back(
                    urljoin(document_url, callback),
                    "stream",
                    event,
                    ("StreamSid", twilio_stream.stream_sid),
                    ("StreamEvent", event),
                    *([("StreamError", error)] if error else []),
                )

        try:
            socket = await self._transport.open_stream(
                url,
                {"x-twilio-signature": sign(auth_token=self._account.auth_token, url=url)},
            )
        except (HandshakeRefused, Unreachable) as error:
            self.record.faults.append(f"31920: {error}")
            await tell("stream-error", f"31920: {error}")
            await asyncio.sleep(BETWEEN_VERBS_S)
            return
        line = StreamLine(
            stream=twilio_stream,
            socket=socket,
            script=self._script,
            began=self._began,
            options=self._options.line,
            interfere=self._interfere,
        )
        telling = asyncio.create_task(tell("stream-started"))
        end = await line.hold()
        await telling
        self.record.streams.append(end)
        self.record.sounds += twilio_stream.earpiece.sounds
        self.record.said += line.said
        self.record.violations += twilio_stream.violations
        self.record.stuck = end.stuck
        await tell("stream-stopped")
        if end.by_caller:
            self._over = True
            self.record.ended_by = "caller"
            return
        await asyncio.sleep(BETWEEN_VERBS_S)

    async def _speak(self, text: str) -> None:
        """Let the carrier's voice speak; it takes its time."""
        began_ms = self._now_s() * 1000
        await asyncio.sleep(len(text) / twiml.SPOKEN_CHARACTERS_PER_SECOND)
        self.record.carrier_said.append(Line("carrier", began_ms, self._now_s() * 1000, text))

    async def _dial(self, verb: twiml.Verb, document_url: str) -> dict[str, str]:
        """Call a second person, with the whisper before they are connected; return the action's fields."""
        number = verb.child("Number")
        person = self._options.dialled_person
        child_sid = "CA" + secrets.token_hex(16)
        await asyncio.sleep(RINGING_S)
        if person in ("busy", "no-answer"):
            if person == "no-answer":
                await asyncio.sleep(verb.seconds("timeout", 30))
            return {
                "DialCallStatus": person,
                "DialCallSid": child_sid,
                "DialBridged": "false",
            }
        bridged = True
        if number is not None and number.get("url"):
            bridged = await self._whisper(urljoin(document_url, number.get("url")), child_sid)
        talk_s = 5 if bridged else 0
        await asyncio.sleep(talk_s)
        return {
            "DialCallStatus": "completed",
            "DialCallSid": child_sid,
            "DialCallDuration": str(talk_s),
            "DialBridged": "true" if bridged else "false",
        }

    async def _whisper(self, url: str, child_sid: str) -> bool:
        """Play the whisper to the dialled person, who presses 1 unless it is a machine; return whether they talk."""
        parent = ("ParentCallSid", self.record.call_sid)
        for _ in range(3):
            fields = [
                (name, child_sid if name == "CallSid" else value)
                for name, value in self._call_fields()
            ]
            answer = await self._post(url, [*fields, parent], secrets.token_hex(16))
            verbs = twiml.parse(
                status=answer.status, content_type=answer.content_type, body=answer.body
            )
            if not verbs:
                return True  # an empty document connects the parties
            gather = next((verb for verb in verbs if verb.name == "Gather"), None)
            if gather is None or self._options.dialled_person == "machine":
                return False
            parent = ("Digits", "1")
            url = urljoin(url, gather.get("action"))
        return False

    async def _gather(self, verb: twiml.Verb) -> dict[str, str] | None:
        """Listen for a key; without one the next verb runs."""
        for child in verb.children:
            if child.name == "Say":
                await self._speak(child.text)
        if not self._menu_keys:
            await asyncio.sleep(verb.seconds("timeout", 5))
            return {"Digits": ""} if verb.get("actionOnEmptyResult") == "true" else None
        return {"Digits": self._menu_keys.pop(0)}

    async def _record_message(self, verb: twiml.Verb) -> dict[str, str] | None:
        """Record the caller; an empty recording makes no request."""
        seconds = min(self._options.message_s, verb.seconds("maxLength", 3600))
        await asyncio.sleep(seconds + verb.seconds("timeout", 5))
        if not seconds:
            return None
        sid = "RE" + secrets.token_hex(16)
        recording = f"{self._account.base_url}/recordings/{sid}"
        return {
            "RecordingUrl": recording,
            "RecordingSid": sid,
            "RecordingDuration": str(seconds),
            "Digits": "#",
        }

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time() - self._began


def _spoken(steps: Iterable[Step]) -> list[str]:
    """Return the fixed lines in some steps, those of their branches included."""
    lines: list[str] = []
    for step in steps:
        match step:
            case Say(text=text):
                lines += [text] if text != "$say" else []
            case Call(on=branches):
                for branch in branches.values():
                    lines += _spoken(branch)
    return lines
