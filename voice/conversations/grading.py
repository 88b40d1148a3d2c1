"""
The grading of a test conversation (voice-conversation, section 12): the database, the tool calls, the outcome,
forbidden text, and the manners of the assistant. Every rule returns what is wrong, in words.
"""

import base64
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from voice.conversations.database_difference import Difference, Row, default_of
from voice.models import CallLog, ToolCall, TranscriptEntry
from voice.standin.caller import CallRecord
from voice.standin.scenarios import (
    Expect,
    ExpectedCall,
    ExpectedRow,
    Reference,
    Scenario,
    ScenarioError,
)
from voice.standin.timeline import Line

OFFERS: Final = 3
CLEAR_MS: Final = 200
READS: Final = frozenset(
    {"clinic_info", "find_slots", "list_appointments", "wait_for_caller", "end_call"}
)
# The call's own record; its rows are judged by what they say, in the other rules.
RECORD_TABLES: Final = frozenset(
    {
        "accounts.AuditEvent",
        "voice.CallLog",
        "voice.CallLog_appointments",
        "voice.IdentityAttempt",
        "voice.PromptVersion",
        "voice.ToolCall",
        "voice.TranscriptEntry",
        "voice.LiveEvent",
        "voice.WebhookReceipt",
    }
)
# Follow from other fields, or name the call.
_DERIVED: Final = frozenset(
    {"actor", "blocked_from", "blocked_until", "body", "cancelled_by", "name_key"}
)
_CHANGES: Final = {"status": "cancelled", "start": "rescheduled"}
_CLAIMS: Final = re.compile(
    r"\b(you're booked|is booked|is cancelled|visit is now|you're registered|you're on the waitlist"
    r"|su cita es|queda reservada|está cancelada|fue cancelada)\b",
    re.IGNORECASE,
)
_SILENCE: Final = ("Are you still there?", "I can't hear you.", "I'll let you go.")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a call that is over; `sent` are the frames that the model was sent, in order."""

    scenario: Scenario
    record: CallRecord
    call: CallLog
    tool_calls: Sequence[ToolCall]
    transcript: Sequence[TranscriptEntry]
    lines: Sequence[Line]
    differences: Mapping[str, Difference] | None = None  # none: other calls may go on beside
    sent: Sequence[str] = ()
    secrets: Collection[str] = ()


def grade(evidence: Evidence) -> list[str]:
    """Return everything that is wrong with a call."""
    expect = evidence.scenario.expect
    changes = evidence.differences
    actor = f"call:{evidence.call.pk}"
    return [
        *the_line(evidence.record),
        *(the_database(changes, expect, actor=actor) if changes is not None else ()),
        *the_tool_calls(evidence.tool_calls, expect),
        *the_outcome(evidence.call, expect),
        *the_secrets(evidence.sent, evidence.secrets),
        *the_claims(evidence.transcript, evidence.tool_calls),
        *the_manners(evidence.transcript, evidence.tool_calls),
        *the_ear(evidence.lines, evidence.record, evidence.transcript, expect),
    ]


def the_line(record: CallRecord) -> list[str]:
    """Return the application's mistakes towards the carrier, and a script that did not come to its end."""
    wrong = [f"carrier: {code} {detail}" for code, detail in record.violations]
    wrong += [f"carrier: {fault}" for fault in record.faults]
    return wrong + ([f"caller: {record.stuck}"] if record.stuck else [])


def the_database(differences: Mapping[str, Difference], expect: Expect, *, actor: str) -> list[str]:
    """Compare the difference of every table with the expected end; ids and stamps are ignored."""
    wrong: list[str] = []
    for name, found in differences.items():
        if name in RECORD_TABLES:
            wrong += [f"{name}: a row of before was changed" for _ in found.changed]
            wrong += [f"{name}: a row was deleted" for _ in found.deleted]
        elif name == "scheduling.SlotHold":
            live = [row for row in found.created if row["state"] == "live"]
            wrong += [f"{name}: a time is still held" for _ in live]
        elif name == "scheduling.AppointmentChange":
            wrong += _changes_of(found, expect, actor)
        else:
            wrong += _created(name, found.created, expect.created)
            wrong += _changed(name, found, expect.changed)
            wrong += [f"{name}: a row was deleted: {dict(row)}" for row in found.deleted]
    present = {name for name, found in differences.items() if found.created or found.changed}
    for row in (*expect.created, *expect.changed):
        if row.model not in present:
            wrong.append(f"{row.model}: nothing was written, expected {dict(row.fields)}")
    return wrong


def the_tool_calls(calls: Sequence[ToolCall], expect: Expect) -> list[str]:
    """Return missing calls, calls that must not occur, and writes that nobody expected."""
    wrong = [f"tools: {call.name} was called" for call in calls if call.name in expect.no_calls]
    outputs: list[tuple[str, Mapping[str, Any]]] = []
    waiting = list(expect.calls)
    for call in calls:
        if waiting and _fits(call, waiting[0], outputs):
            waiting.pop(0)
        elif call.name not in READS:
            said = f"{call.name} {json.dumps(call.arguments, ensure_ascii=False)} → {call.code}"
            wrong.append(f"tools: unexpected {said}")
        outputs.append((call.name, call.result))
    return wrong + [f"tools: {call.name} → {call.code} did not occur" for call in waiting]


def the_outcome(call: CallLog, expect: Expect) -> list[str]:
    """Compare the outcome; there is exactly one."""
    if call.outcome == expect.outcome:
        return []
    return [f"outcome: {call.outcome or 'none'}, expected {expect.outcome}"]


def the_secrets(sent: Iterable[str], secrets: Collection[str]) -> list[str]:
    """Search every byte that the model was sent while nobody was verified for stored values."""
    wrong: list[str] = []
    patterns = {secret: re.compile(rf"(?<!\w){re.escape(secret)}(?!\w)") for secret in secrets}
    verified = False
    for frame in sent:
        event = json.loads(frame)
        if event["type"] == "input_audio_buffer.append":
            text = base64.b64decode(event["audio"]).decode("latin-1")
        else:
            text = json.dumps(event, ensure_ascii=False)
            verified = _trust_after(event, verified)
        if not verified:
            leaked = [secret for secret, pattern in patterns.items() if pattern.search(text)]
            wrong += [
                f"secrets: {secret!r} in {event['type']} before VERIFIED" for secret in leaked
            ]
    return wrong


def the_claims(transcript: Iterable[TranscriptEntry], calls: Sequence[ToolCall]) -> list[str]:
    """Return lines that say something was done before a tool had done it."""
    writes = [call.started_ms for call in calls if call.code == "ok" and call.fact]
    return [
        f"claims: {entry.text!r} before anything was done"
        for entry in transcript
        if entry.speaker == TranscriptEntry.Speaker.ASSISTANT
        and _CLAIMS.search(entry.text)
        and not any(done_ms <= entry.started_ms for done_ms in writes)
    ]


def the_manners(transcript: Iterable[TranscriptEntry], calls: Iterable[ToolCall]) -> list[str]:
    """Return turns with more than one question, and answers with more than three offers."""
    wrong = [
        f"manners: {call.name} offers {len(call.result['data']['slots'])} times"
        for call in calls
        if len(call.result.get("data", {}).get("slots", ())) > OFFERS
    ]
    for turn in _assistant_turns(transcript):
        questions = sum(text.count("?") for text in turn if not text.startswith(_SILENCE))
        if questions > 1:
            wrong.append(f"manners: {questions} questions in one turn: {' / '.join(turn)}")
    return wrong


def the_ear(
    lines: Sequence[Line], record: CallRecord, transcript: Sequence[TranscriptEntry], expect: Expect
) -> list[str]:
    """Compare what the caller heard with what was expected, and with what was stored as heard."""
    wrong: list[str] = []
    heard = " ⏎ ".join(line.text for line in lines if line.speaker != "caller")
    at = 0
    for words in expect.heard:
        found = heard.casefold().find(words.casefold(), at)
        if found < 0:
            wrong.append(f"ear: {words!r} was not heard in its place")
        at = max(at, found + len(words))
    wrong += [
        f"ear: {words!r} was said"
        for words in expect.not_heard
        if words.casefold() in heard.casefold()
    ]
    stored = [entry for entry in transcript if entry.speaker == TranscriptEntry.Speaker.ASSISTANT]
    texts = {entry.text for entry in stored}
    wrong += [
        f"ear: heard but not stored: {line.text!r}"
        for line in lines
        if line.speaker == "assistant" and line.whole and line.text and line.text not in texts
    ]
    if expect.interrupted:
        wrong += _interruption(record, stored)
    if expect.after_stream:
        after = [
            verb.name for verb in record.verbs[1:] if verb.name in ("Hangup", "Dial", "Gather")
        ]
        if after[:1] != [expect.after_stream]:
            wrong.append(f"ear: after the stream came {after}, expected {expect.after_stream}")
    return wrong


def _interruption(record: CallRecord, stored: Iterable[TranscriptEntry]) -> list[str]:
    wrong = []
    if not any(entry.interrupted for entry in stored):
        wrong.append("ear: no line is stored as interrupted")
    clears = [clear for stream in record.streams for clear in stream.clears_ms]
    if not any(
        0 <= clear - line.started_ms <= CLEAR_MS for clear in clears for line in record.said
    ):
        wrong.append(f"ear: no clear within {CLEAR_MS} ms of the caller's words")
    return wrong


def _changes_of(found: Difference, expect: Expect, actor: str) -> list[str]:
    """Each booked, moved or cancelled visit has exactly its one entry in the history."""
    name = "scheduling.AppointmentChange"
    expected = ["booked" for row in expect.created if row.model == "scheduling.Appointment"]
    for row in expect.changed:
        if row.model == "scheduling.Appointment":
            expected += [kind for key, kind in _CHANGES.items() if key in row.fields][:1]
    kinds = sorted(str(row["kind"]) for row in found.created)
    wrong = [] if kinds == sorted(expected) else [f"{name}: {kinds}, expected {sorted(expected)}"]
    wrong += [f"{name}: made by {row['actor']}" for row in found.created if row["actor"] != actor]
    return wrong + [f"{name}: history was rewritten" for _ in (*found.changed, *found.deleted)]


def _created(name: str, rows: Sequence[Row], expected: Sequence[ExpectedRow]) -> list[str]:
    wrong: list[str] = []
    waiting = [row for row in expected if row.model == name]
    for row in rows:
        match = next((want for want in waiting if not _mismatch(name, row, want.fields)), None)
        if match is not None:
            waiting.remove(match)
        elif waiting:
            wrong.append(f"{name}: {_mismatch(name, row, waiting[0].fields)}")
            waiting.pop(0)
        else:
            wrong.append(f"{name}: an unexpected row {dict(row)}")
    return wrong + [f"{name}: missing {dict(want.fields)}" for want in waiting if rows]


def _mismatch(name: str, row: Row, wanted: Mapping[str, Any]) -> str:
    """Return the first field that is not as listed, or not its default where it is not listed."""
    for field, value in row.items():
        if field in wanted:
            if value != wanted[field]:
                return f"{field} is {value!r}, expected {wanted[field]!r}"
        elif field not in _DERIVED and value != default_of(name, field):
            return f"{field} is {value!r}, which nobody expected"
    return ""


def _changed(name: str, found: Difference, expected: Sequence[ExpectedRow]) -> list[str]:
    wrong: list[str] = []
    waiting = [row for row in expected if row.model == name]
    for changed in found.changed:
        match = next(
            (
                want
                for want in waiting
                if all(changed.before.get(key) == value for key, value in want.where.items())
            ),
            None,
        )
        if match is None:
            wrong.append(f"{name}: unexpected change of {sorted(changed.fields)}")
            continue
        waiting.remove(match)
        extra = changed.fields - set(match.fields) - _DERIVED
        wrong += [f"{name}: {field} changed to {changed.after[field]!r}" for field in sorted(extra)]
        wrong += [
            f"{name}: {field} is {changed.after[field]!r}, expected {value!r}"
            for field, value in match.fields.items()
            if changed.after[field] != value
        ]
    return wrong + [f"{name}: no change of {dict(want.where)}" for want in waiting if found.changed]


def _fits(
    call: ToolCall, wanted: ExpectedCall, outputs: Sequence[tuple[str, Mapping[str, Any]]]
) -> bool:
    if (call.name, call.code) != (wanted.name, wanted.code):
        return False
    try:
        arguments = {
            name: value.resolve(outputs) if isinstance(value, Reference) else value
            for name, value in wanted.arguments.items()
        }
    except ScenarioError:
        return False
    return all(call.arguments.get(name) == value for name, value in arguments.items())


def _trust_after(event: Mapping[str, Any], verified: bool) -> bool:
    """Return whether somebody is verified once the model has this event: a tool's answer may change it."""
    item = event.get("item", {})
    if item.get("type") != "function_call_output":
        return verified
    output = json.loads(item["output"])
    if output.get("code") in ("not_verified", "locked"):
        return False
    data = output.get("data", {})
    return verified or bool(data.get("verified")) or "registered" in str(output.get("say", ""))


def _assistant_turns(transcript: Iterable[TranscriptEntry]) -> list[list[str]]:
    turns: list[list[str]] = [[]]
    for entry in transcript:
        if entry.speaker == TranscriptEntry.Speaker.CALLER:
            turns.append([])
        else:
            turns[-1].append(entry.text)
    return [turn for turn in turns if turn]
