"""What the model's server tells us in a call: one method for each event that matters, all others are ignored."""

from collections.abc import Callable, Mapping
from typing import Any

from voice.protocol import realtime, twilio
from voice.protocol.call import FAILURE, Call
from voice.protocol.commands import Command, Evidence, RecordUsage, RunTool
from voice.protocol.conversation import GREETING, Turn
from voice.protocol.events import integer, mapping, mappings, text
from voice.protocol.responses import Request
from voice.protocol.toolcalls import Batch

_NOT_EXECUTED = '{"error":"interrupted, not executed"}'
_MAX_DELTA_CHARACTERS = 1024 * 1024
_MAX_ID = 64  # what the record has room for
_OWN_RESPONSE_MS = 1_000  # the server begins a response by itself this soon after a turn, if at all
_RETRY_MS = 1_000
_LONGEST_RETRY_MS = 10_000

Handler = Callable[[Mapping[str, Any], float], None]


class ModelEvents:
    """Takes the Realtime events of one call."""

    def __init__(self, call: Call) -> None:
        """Act on `call`."""
        self._call = call
        self._config_event = ""
        self._speaking_item = ""
        self._continued = False
        self._retrying = False
        self._records: dict[str, Handler] = {
            "conversation.item.input_audio_transcription.completed": self._transcribed,
            "conversation.item.input_audio_transcription.failed": self._not_transcribed,
            "response.output_audio_transcript.delta": self._words,
            "response.output_audio_transcript.done": self._all_words,
            "response.created": self._response_created,
            "response.done": self._response_done,
        }
        self._handlers: dict[str, Handler] = {
            "session.created": self._session_created,
            "session.updated": self._session_updated,
            "input_audio_buffer.speech_started": self._speech_started,
            "input_audio_buffer.speech_stopped": self._speech_stopped,
            "input_audio_buffer.committed": self._committed,
            "conversation.item.added": self._item_added,
            "conversation.item.done": self._item_added,
            "response.output_audio.done": self._audio_done,
            "error": self._error,
            **self._records,
        }

    def receive(self, event: Mapping[str, Any], now_ms: float) -> bool:
        """Take an event other than audio; False if it is none that matters."""
        kind = event.get("type")
        if not isinstance(kind, str):
            return False
        handlers = self._records if self._call.closed else self._handlers
        handler = handlers.get(kind)
        if handler is None:
            return False
        handler(event, now_ms)
        return True

    def audio(self, event: Mapping[str, Any], now_ms: float) -> list[Command] | None:
        """Take a piece of the assistant's audio; None if it is garbage."""
        call = self._call
        item_id = event.get("item_id")
        payload = event.get("delta")
        if (
            type(item_id) is not str
            or type(payload) is not str
            or not 0 < len(item_id) <= _MAX_ID
            or len(payload) > _MAX_DELTA_CHARACTERS
            or not twilio.is_base64(payload)
        ):
            return None
        if call.closed or call.session != "ready" or call.started_at is None:
            return []
        if call.muted and event.get("response_id") in call.muted:
            return []
        if item_id != self._speaking_item and payload:
            if item_id == GREETING or call.speech.is_cut(item_id):
                return []
            self._speaking_item = item_id
            call.first_audio(item_id, now_ms)
        out = call.speech.add(item_id, integer(event, "content_index"), payload, now_ms)
        return call.take() + out if call.out else out

    # The session.

    def _session_created(self, _event: Mapping[str, Any], _now_ms: float) -> None:
        call = self._call
        if call.session != "connecting":
            return
        call.session = "configuring"
        self._config_event = call.event_id("cfg")
        call.send(realtime.session_update(self._config_event, call.config.session))

    def _session_updated(self, event: Mapping[str, Any], now_ms: float) -> None:
        call = self._call
        audio = mapping(mapping(event, "session"), "audio")
        formats = [
            mapping(mapping(audio, side), "format").get("type") for side in ("input", "output")
        ]
        if call.session == "configuring":
            if formats != ["audio/pcmu", "audio/pcmu"]:
                call.close(FAILURE, "session_rejected")
                return
            call.session = "ready"
            call.begin(now_ms)
        elif call.session == "ready" and any(
            found is not None and found != "audio/pcmu" for found in formats
        ):
            call.close(FAILURE, "session_rejected")  # from here on both sides would hear static

    # The caller.

    def _speech_started(self, event: Mapping[str, Any], now_ms: float) -> None:
        call = self._call
        if call.session != "ready":
            return
        call.speaking_since = now_ms
        call.answer_from = None
        self._caller_turn(event, now_ms)
        call.barge_in(now_ms, by_key=False)

    def _speech_stopped(self, event: Mapping[str, Any], now_ms: float) -> None:
        call = self._call
        call.speaking_since = None
        call.silence.since_ms = max(call.silence.since_ms, now_ms)
        call.answer_from = now_ms
        if call.server_responds:
            call.own_response_until = now_ms + _OWN_RESPONSE_MS
        turn = self._caller_turn(event, now_ms)
        if turn is not None and not turn.committed:
            turn.ended_ms = max(call.at(now_ms), turn.started_ms)

    def _committed(self, event: Mapping[str, Any], now_ms: float) -> None:
        call = self._call
        if call.speaking_since is not None:
            self._speech_stopped(event, now_ms)
        turn = self._caller_turn(event, now_ms)
        if turn is not None:
            self._place(turn.item_id, event)
            call.answer_due = call.server_responds
            call.conversation.commit(turn, call.at(now_ms), now_ms)

    def _transcribed(self, event: Mapping[str, Any], now_ms: float) -> None:
        self._call.out.append(RecordUsage("transcription", _usage(event)))
        turn = self._caller_turn(event, now_ms)
        if turn is not None:
            self._call.conversation.transcribe(turn, text(event, "transcript"))
            self._call.out += self._call.conversation.rows(turn)

    def _not_transcribed(self, event: Mapping[str, Any], now_ms: float) -> None:
        turn = self._caller_turn(event, now_ms)
        if turn is not None:
            self._call.conversation.transcribe(turn, None)
            self._call.out += self._call.conversation.rows(turn)

    def _caller_turn(self, event: Mapping[str, Any], now_ms: float) -> Turn | None:
        item_id = _item_id(event)
        if not item_id:
            return None
        return self._call.conversation.turn(item_id, "caller", self._call.at(now_ms))

    # The conversation.

    def _item_added(self, event: Mapping[str, Any], _now_ms: float) -> None:
        call = self._call
        item = mapping(event, "item")
        item_id = text(item, "id")
        if not 0 < len(item_id) <= _MAX_ID:
            return
        call.gate.acknowledged(item_id)
        call.gate.acknowledged(call.outputs.get(text(item, "call_id"), ""))
        self._place(item_id, event)

    def _place(self, item_id: str, event: Mapping[str, Any]) -> None:
        conversation = self._call.conversation
        previous = event.get("previous_item_id", "")
        if previous is not None and not isinstance(previous, str):
            previous = ""
        if conversation.place(item_id, previous):
            turn = conversation.turns.get(item_id)
            if turn is not None and turn.stored is not None:
                self._call.out += conversation.rows(turn)

    def _words(self, event: Mapping[str, Any], now_ms: float) -> None:
        self._set_words(event, now_ms, text(event, "delta"), more=True)

    def _all_words(self, event: Mapping[str, Any], now_ms: float) -> None:
        self._set_words(event, now_ms, text(event, "transcript"), more=False)

    def _set_words(
        self, event: Mapping[str, Any], now_ms: float, words: str, *, more: bool
    ) -> None:
        conversation = self._call.conversation
        item_id = _item_id(event)
        if not item_id or item_id == GREETING:
            return
        turn = conversation.turn(item_id, "assistant", self._call.at(now_ms))
        if turn is not None:
            conversation.write(turn, words, more=more)
            if not more:
                self._call.out += conversation.rows(turn)

    # Responses.

    def _audio_done(self, event: Mapping[str, Any], now_ms: float) -> None:
        self._call.out += self._call.speech.complete(_item_id(event), now_ms)
        self._call.settle(now_ms)

    def _response_created(self, event: Mapping[str, Any], _now_ms: float) -> None:
        call = self._call
        response = mapping(event, "response")
        call.answer_due = False
        if call.gate.created(response):
            call.own_response_until = 0.0
            return
        if call.closed:
            return
        response_id = text(response, "id")
        call.muted.add(response_id)
        call.send(realtime.response_cancel(call.event_id("cancel"), response_id))

    def _response_done(self, event: Mapping[str, Any], now_ms: float) -> None:
        call = self._call
        response = mapping(event, "response")
        call.out.append(RecordUsage("response", _usage(response)))
        was_active, request = call.gate.done(response)
        status = text(response, "status")
        items = mappings(response, "output")
        if call.closed:
            if call.caller_left and status == "completed":
                self._run(items, now_ms)
            return
        for item in items:
            if item.get("status") == "incomplete":
                call.speech.leave_unfinished(text(item, "id"))
        if was_active:
            call.out += call.speech.complete_all(now_ms)
            call.settle(now_ms)
        calls = [item for item in items if item.get("type") == "function_call"]
        if status == "completed":
            self._continued = self._retrying = False
            self._run(items, now_ms)
        else:
            for item in calls:
                call_id = text(item, "call_id")
                if call.tools.is_new(call_id):
                    call.answer(call_id, _NOT_EXECUTED)
            if status == "failed":
                self._failed(response, request, now_ms)
            elif status == "incomplete" and not self._continued and call.ending is None:
                self._continued = True  # cut by a limit, not by the caller: let it finish, once
                call.gate.ask(Request())
        if request is not None and request.purpose == "goodbye" and not call.gate.waiting:
            call.farewell_made(now_ms)

    def _run(self, items: list[Mapping[str, Any]], now_ms: float) -> None:
        """Run the function calls of a completed response, each of them once."""
        call = self._call
        spoke = any(call.speech.received_ms(text(item, "id")) for item in items)
        batch = Batch(spoke=spoke, caller_acts=call.caller_acts)
        evidence: Evidence | None = None
        for item in items:
            call_id = text(item, "call_id")
            if item.get("type") != "function_call" or not call.tools.is_new(call_id):
                continue
            if evidence is None:
                evidence = call.conversation.evidence()
            if item.get("status", "completed") != "completed":
                batch.outputs.add(call.answer(call_id, _NOT_EXECUTED))
                continue
            call.tools.run(call_id, batch)
            call.out.append(
                RunTool(
                    call_id, text(item, "name"), text(item, "arguments"), call.at(now_ms), evidence
                )
            )

        if batch.outputs and not batch.open:
            call.follow(batch, now_ms)

    def _failed(self, response: Mapping[str, Any], request: Request | None, now_ms: float) -> None:
        call = self._call
        error = mapping(mapping(response, "status_details"), "error")
        code, kind = text(error, "code"), text(error, "type")
        call.log("voice.model.response_failed", warning=True, code=code[:64] or kind[:64])
        if realtime.FATAL_CODES & {code, kind}:
            call.close(FAILURE, "model_unavailable")
            return
        retry = request if request is not None else Request()
        delay = realtime.retry_delay_ms(text(error, "message"))
        wait = _RETRY_MS if delay is None else delay
        if retry.attempts or self._retrying or wait > _LONGEST_RETRY_MS:
            call.close(FAILURE, "model_unavailable")
            return
        self._retrying = True
        call.gate.retry(retry, not_before_ms=now_ms + wait)

    # Errors.

    def _error(self, event: Mapping[str, Any], now_ms: float) -> None:
        call = self._call
        error = mapping(event, "error")
        code, kind = text(error, "code"), text(error, "type")
        event_id, message = text(error, "event_id"), text(error, "message")
        call.log("voice.model.error", warning=True, code=code[:64] or kind[:64])
        if realtime.FATAL_CODES & {code, kind}:
            call.give_up("model_unavailable", now_ms)
        elif call.session == "configuring" and event_id in ("", self._config_event):
            call.give_up("session_rejected", now_ms)
        elif event_id in call.truncates:
            self._truncate_again(event_id, message)
        else:
            collision = code == realtime.ACTIVE_RESPONSE
            requested = call.gate.requested
            if collision and not event_id and requested is not None:
                event_id = requested.rid
            refused = call.gate.refused(event_id, collision=collision)
            if refused and not collision and requested and requested.purpose == "goodbye":
                call.farewell_made(now_ms)

    def _truncate_again(self, event_id: str, message: str) -> None:
        call = self._call
        item_id, content_index = call.truncates.pop(event_id)
        length = realtime.shorter_audio_ms(message)
        if length is not None:
            again = call.truncate(item_id, content_index, length)
            del call.truncates[again]  # once


def _item_id(event: Mapping[str, Any]) -> str:
    item_id = text(event, "item_id")
    return item_id if len(item_id) <= _MAX_ID else ""


def _usage(event: Mapping[str, Any]) -> Mapping[str, Any] | None:
    usage = event.get("usage")
    return usage if isinstance(usage, Mapping) else None
