"""Writes of a call's record: its start, its states, what was said in it, its end."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.services import record_event
from scheduling.services import take_message
from voice import selectors, tokens
from voice.assistant.callers import callback_number, known_number
from voice.call_events import write_call_event
from voice.costs import Usage, cost_usd
from voice.exceptions import StreamRefused
from voice.live_feed import publish
from voice.locks import Counted, lock
from voice.models import CallLog, LiveEvent, PromptVersion, TranscriptEntry, WebhookReceipt
from voice.outcomes import CallFacts, outcome
from voice.protocol.commands import RecordTurn
from voice.protocol.conversation import GREETING

HEARTBEAT_LOST = timedelta(seconds=45)
TERMINAL = frozenset({"completed", "busy", "failed", "no_answer", "canceled", "overflow"})
RANK = {"queued": 0, "initiated": 0, "ringing": 1, "in_progress": 2} | dict.fromkeys(TERMINAL, 3)
FULL_ATTESTATION = "TN-Validation-Passed-A"
Happened = LiveEvent.Kind


@dataclass(frozen=True, slots=True)
class IncomingCall:
    """What the voice webhook answers with: a token for the stream, or nothing when the lines are full."""

    call_id: UUID
    token: str


def receive_call(
    *, call_sid: str, account_sid: str, from_number: str, to_number: str, attestation: str,
    has_room: bool, now: datetime,
) -> IncomingCall:  # fmt: skip
    """
    Store an incoming call once and return the token for its stream.

    A repeat of the webhook, before or after the stream was opened, returns the same token and changes nothing: a
    token that was used stays used (S5, S6, F11). `token` is empty for a call that found no room.
    """
    try:
        with transaction.atomic():
            call, created = CallLog.objects.get_or_create(
                call_sid=call_sid,
                defaults={
                    "account_sid": account_sid,
                    "from_number": from_number,
                    "to_number": to_number,
                    "caller_attested": attestation == FULL_ATTESTATION,
                    "stream_nonce": tokens.new_nonce(),
                    "stream_token_expires_at": now
                    + timedelta(seconds=settings.LIMIT_STREAM_TOKEN_SECONDS),
                },
            )
            if created:
                _admit(call, has_room=has_room, now=now)
            elif _is_stub(call):
                call = CallLog.objects.select_for_update(no_key=True).get(pk=call.pk)
                if _is_stub(call):  # no other request has completed or ended it meanwhile
                    _complete_stub(call, account_sid, from_number, to_number, attestation, now)
                    _admit(call, has_room=has_room, now=now)
    except IntegrityError:  # a parallel repeat stored the call first
        call = CallLog.objects.get(call_sid=call_sid)
    if call.status == CallLog.Status.OVERFLOW or not call.stream_nonce:
        return IncomingCall(call.id, "")
    return IncomingCall(call.id, tokens.stream_token(call_sid=call_sid, nonce=call.stream_nonce))


def _admit(call: CallLog, *, has_room: bool, now: datetime) -> None:
    """Let a stored call in if a line is free; who counts the lines excludes the others until the call is stored."""
    lock(Counted.ADMITTED_CALLS)
    on_a_line = selectors.calls_on_a_line(now=now, alive_since=now - HEARTBEAT_LOST)
    others = on_a_line.exclude(pk=call.pk)
    has_room = has_room and others.count() < settings.MAX_CONCURRENT_CALLS
    busy = 0
    if call.from_number.startswith("+"):
        busy = others.filter(from_number=call.from_number).count()
    if not has_room or busy >= settings.LIMIT_CALLS_PER_NUMBER:
        call.status = CallLog.Status.OVERFLOW
        call.outcome = CallLog.Outcome.FAILED
        call.ended_reason = "overflow"
        call.ended_at = now
        call.stream_nonce = ""
        call.save()
        write_call_event(call, became=call.status)
    record_event(
        action="call.received",
        outcome=call.status,
        surface="call",
        actor_type="call",
        actor_id=call.id,
        object_type="call",
        object_id=call.id,
        request_id=call.call_sid,
    )
    ended = call.status == CallLog.Status.OVERFLOW
    publish(Happened.CALL_ENDED if ended else Happened.CALL_STARTED, call_id=call.id)


def _is_stub(call: CallLog) -> bool:
    return not call.stream_nonce and call.status not in TERMINAL


def _complete_stub(
    call: CallLog,
    account_sid: str,
    from_number: str,
    to_number: str,
    attestation: str,
    now: datetime,
) -> None:
    """Fill in a locked call that a status callback announced before its own webhook came."""
    call.account_sid = account_sid
    call.from_number = from_number
    call.to_number = to_number
    call.caller_attested = attestation == FULL_ATTESTATION
    call.stream_nonce = tokens.new_nonce()
    call.stream_token_expires_at = now + timedelta(seconds=settings.LIMIT_STREAM_TOKEN_SECONDS)
    call.save()


def promise_call_back(*, call_sid: str, now: datetime) -> tuple[bool, str]:
    """
    Ask staff, once, to call back a caller whom the assistant could not help.

    Return whether they will, and the language of the call; a number that must not be called gets no promise (A24).
    """
    with transaction.atomic():
        call = CallLog.objects.filter(call_sid=call_sid).first()
        if call is None:
            return False, "en"
        number = callback_number(known_number(call.from_number))
        if not number:
            return False, call.language
        _, new = WebhookReceipt.objects.get_or_create(
            call_sid=call_sid, kind="call_back", key="asked"
        )
        if new:
            take_message(
                topic="other",
                text="Asked to be called back: the assistant was not available.",
                callback_number=number,
                urgency="routine",
                patient_id=call.patient_id,
                source="voice",
                actor=f"call:{call.pk}",
                now=now,
            )
    return True, call.language


def open_stream(
    *, call_sid: str, account_sid: str, stream_sid: str, token: str, now: datetime
) -> CallLog:
    """
    Consume the token of a call and mark the call as being held; the whole check is one UPDATE.

    Raises:
        StreamRefused: unknown call, other account, wrong, expired or used token, or a call that is over.
    """
    call = CallLog.objects.filter(call_sid=call_sid).first()
    if call is None or not call.stream_nonce:
        raise StreamRefused("unknown_call")
    if account_sid != call.account_sid:
        raise StreamRefused("other_account")
    if not tokens.token_is_right(token, call_sid=call_sid, nonce=call.stream_nonce):
        raise StreamRefused("wrong_token")
    with transaction.atomic():
        unused = CallLog.objects.filter(
            pk=call.pk, stream_token_used_at=None, stream_token_expires_at__gt=now
        ).exclude(status__in=TERMINAL)
        won = unused.update(
            stream_token_used_at=now,
            stream_sid=stream_sid,
            status=CallLog.Status.IN_PROGRESS,
            started_at=now,
            heartbeat_at=now,
        )
        if not won:
            raise StreamRefused("token_used_or_expired")
        record_event(
            action="call.stream_opened",
            outcome="ok",
            surface="call",
            actor_type="call",
            actor_id=call.id,
            object_type="call",
            object_id=call.id,
            request_id=call_sid,
        )
        write_call_event(call, became="started")
        publish(Happened.CALL_UPDATED, call_id=call.id)
    call.refresh_from_db()
    return call


def note_anomaly(*, call: CallLog, what: str) -> None:
    """Record that a call's peer sent what an honest one never sends, for instance a foreign id (S8)."""
    record_event(
        action="call.anomaly",
        outcome=what,
        surface="call",
        actor_type="call",
        actor_id=call.id,
        object_type="call",
        object_id=call.id,
        request_id=call.call_sid,
    )


def use_prompt(*, call_id: UUID, digest: str, instructions: str, tools: list[Any]) -> None:
    """Link a call to the version of its prompt, storing a version that is new."""
    version, _ = PromptVersion.objects.get_or_create(
        digest=digest, defaults={"instructions": instructions, "tools": tools}
    )
    CallLog.objects.filter(pk=call_id).update(prompt_version=version)


def advance_status(
    *,
    call_sid: str,
    account_sid: str,
    status: str,
    sequence_number: int,
    duration_s: int | None,
    now: datetime,
) -> bool:
    """
    Move a call to a state that Twilio reported; return whether the report was new.

    Reports come late, twice and out of order: rank decides, the first terminal state wins, and later reports only
    fill in the duration (R5). A report about an unknown call stores a stub (F12).
    """
    with transaction.atomic():
        _, new = WebhookReceipt.objects.get_or_create(
            call_sid=call_sid, kind="status", key=f"{sequence_number}:{status}"
        )
        if not new:
            return False
        CallLog.objects.get_or_create(call_sid=call_sid, defaults={"account_sid": account_sid})
        call = CallLog.objects.select_for_update(no_key=True).get(call_sid=call_sid)
        call.sequence_number = max(call.sequence_number, sequence_number)
        ends = status in TERMINAL and call.status not in TERMINAL
        if RANK[status] > RANK[call.status]:
            call.status = status
        if status in TERMINAL:
            call.duration_s = call.duration_s if duration_s is None else duration_s
            call.ended_at = call.ended_at or now
            if not call.outcome:
                call.outcome = _computed_outcome(call)
        call.save()
        if ends:
            write_call_event(call, became=status)
        over = call.status in TERMINAL
        publish(Happened.CALL_ENDED if over else Happened.CALL_UPDATED, call_id=call.id)
    return True


def store_turns(*, call_id: UUID, turns: Iterable[RecordTurn]) -> None:
    """Store turns of a transcript; a turn that is known already is replaced."""
    fields = (
        "previous_item_id", "position", "speaker", "text", "unheard_text", "started_ms", "ended_ms",
        "sent_ms", "heard_ms", "interrupted", "transcribed", "language",
    )  # fmt: skip
    language = CallLog.objects.values_list("language", flat=True).get(pk=call_id)
    rows = [
        TranscriptEntry(
            call_id=call_id,
            item_id=turn.item_id,
            language=language,
            **{name: getattr(turn, name) for name in fields if name != "language"},
        )
        for turn in turns
    ]
    TranscriptEntry.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["call", "item_id"],
        update_fields=[name for name in fields if name != "language"],
    )
    publish(Happened.LINE, call_id=call_id, references=[row.item_id for row in rows])


@dataclass(frozen=True, slots=True)
class CallFigures:
    """What was measured of a call so far; times in milliseconds."""

    usage: Usage
    greeting_ms: int | None = None
    answer_p50_ms: int | None = None
    answer_p95_ms: int | None = None
    malformed_frames: int = 0


def store_figures(*, call_id: UUID, figures: CallFigures, now: datetime) -> None:
    """Store usage, cost and latency of a call and its heartbeat; nothing is added up here, so it may be repeated."""
    model = settings.OPENAI_REALTIME_MODEL if settings.ASSISTANT == "openai" else settings.ASSISTANT
    CallLog.objects.filter(pk=call_id).update(
        heartbeat_at=now,
        usage=figures.usage.as_json(),
        cost_usd=cost_usd(
            figures.usage,
            model=model,
            transcription_model=settings.OPENAI_TRANSCRIPTION_MODEL,
            on=now.date(),
        ),
        model=model,
        greeting_ms=figures.greeting_ms,
        answer_p50_ms=figures.answer_p50_ms,
        answer_p95_ms=figures.answer_p95_ms,
        malformed_frames=figures.malformed_frames,
    )


def store_intent(*, call_id: UUID, intent: str) -> None:
    """Say what Twilio shall do after the stream; stored before the stream is closed."""
    CallLog.objects.filter(pk=call_id).update(intent=intent)


def end_stream(*, call_id: UUID, reason: str, now: datetime) -> None:
    """Store why the stream ended and what the call led to; the first end counts."""
    with transaction.atomic():
        call = CallLog.objects.select_for_update(no_key=True).get(pk=call_id)
        call.ended_reason = call.ended_reason or reason
        call.ended_at = call.ended_at or now
        call.outcome = _computed_outcome(call)
        if call.recording == CallLog.Recording.UNASKED and _went_on_after_the_notice(call):
            call.recording = CallLog.Recording.IMPLIED
        call.save()
        record_event(
            action="call.ended",
            outcome=call.outcome,
            surface="call",
            actor_type="call",
            actor_id=call.id,
            patient_ids=[call.patient_id] if call.patient_id else [],
            object_type="call",
            object_id=call.id,
            request_id=call.call_sid,
            reason=call.ended_reason,
        )
        publish(Happened.CALL_ENDED, call_id=call_id)


def _went_on_after_the_notice(call: CallLog) -> bool:
    """Tell whether the caller heard the notice of the greeting to its end and then spoke (S58)."""
    notice = call.transcript.filter(item_id=GREETING, interrupted=False, ended_ms__isnull=False)
    heard_at = notice.values_list("ended_ms", flat=True).first()
    if heard_at is None:
        return False
    return call.transcript.filter(speaker="caller", ended_ms__gt=heard_at).exists()


def _computed_outcome(call: CallLog) -> str:
    facts = frozenset(
        call.tool_calls.filter(repeated=False).exclude(fact="").values_list("fact", flat=True)
    )
    return outcome(
        CallFacts(
            facts=facts,
            ended_reason=call.ended_reason,
            failed_identity=call.patient_id is None
            and call.identity_attempts.filter(succeeded=False).exists(),
            caller_spoke=call.transcript.filter(speaker="caller").exists(),
        )
    )
