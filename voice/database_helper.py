"""
The assistant's only door to the database (contract, section 5).

Whatever the model asks passes one dispatch point: is it a known tool, was it asked already, is the caller trusted
enough, is the budget left, are the arguments sound, do the handles belong to the call; only then it runs. The answer,
the audit event and the gate's new state are stored in the transaction of the fact, so a reconnect goes on from there
and nothing is said that was not stored (security reference, S12–S24, S50, R2).
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from scheduling import services
from scheduling.clock import clinic_now, clinic_zone
from scheduling.exceptions import SchedulingError
from voice.assistant import confirmations, identity, line, proposals, stored_calls, visits
from voice.assistant.answers import NEXT, Answer, render
from voice.assistant.arguments import Arguments, BadArguments, parse
from voice.assistant.claims import NO_CLAIM, Claim, examine
from voice.assistant.desk import Desk, UnknownHandle
from voice.assistant.gate import Limits, Trust
from voice.assistant.phrases import Phrases
from voice.assistant.requests import Request
from voice.assistant.stored_calls import Outcome, rendered, store
from voice.assistant.tools import TOOLS, Tool
from voice.live_feed import publish
from voice.models import CallLog, LiveEvent, ToolCall
from voice.protocol.commands import Evidence, ToolAnswer
from voice.threads import in_thread

logger = logging.getLogger(__name__)

SECRET_ARGUMENTS: Final = frozenset({"second_factor"})

Handler = Callable[[Desk, Mapping[str, Any]], Answer]
HANDLERS: Final[Mapping[str, Handler]] = {
    "clinic_info": line.clinic_info,
    "verify_identity": identity.verify_identity,
    "propose_registration": proposals.propose_registration,
    "find_slots": visits.find_slots,
    "list_appointments": visits.list_appointments,
    "propose_booking": proposals.propose_booking,
    "propose_reschedule": proposals.propose_reschedule,
    "propose_cancellation": proposals.propose_cancellation,
    "confirm_proposal": confirmations.confirm_proposal,
    "confirm_attendance": visits.confirm_attendance,
    "join_waitlist": visits.join_waitlist,
    "leave_message": line.leave_message,
    "transfer_to_staff": line.transfer_to_staff,
    "report_emergency": line.report_emergency,
    "set_language": line.set_language,
    "record_choice": line.record_choice,
    "wait_for_caller": line.wait_for_caller,
    "end_call": line.end_call,
}


class VoiceAgentDatabaseHelper:
    """The tools of one call; an instance serves one connection and may be made anew at any time."""

    def __init__(self, call_id: UUID) -> None:
        self.call_pk = call_id
        self._turn = asyncio.Lock()
        self._work: set[asyncio.Task[ToolAnswer]] = set()
        self._ended = False
        self._language = "en"

    # ---- from the event loop -------------------------------------------------------------------

    async def run(
        self, *, call_id: str, name: str, arguments: str, evidence: Evidence, started_ms: int
    ) -> ToolAnswer:
        """
        Answer one function call; nothing but a cancellation is ever raised.

        The tools of a call run one after another. One that takes longer than the limit is answered for, and goes on:
        a write is never cut off, and asking again reports what it came to.
        """
        loop = asyncio.get_running_loop()
        begun = loop.time()
        request = Request(call_id, name, arguments, evidence, started_ms)
        work = loop.create_task(self._in_turn(request))
        self._work.add(work)
        work.add_done_callback(self._work.discard)
        done, _ = await asyncio.wait({work}, timeout=settings.LIMIT_TOOL_SECONDS)
        if done and (failure := work.exception()) is None:
            answer = work.result()
        elif done:
            logger.error("voice.tool.crashed", exc_info=failure, extra={"tool": request.shown_name})
            answer = self._unavailable(request, "temporarily_unavailable")
        else:
            logger.warning("voice.tool.slow", extra={"tool": request.shown_name})
            answer = self._unavailable(request, "temporarily_unavailable")
        if name == "verify_identity" and '"code":"bad_arguments"' not in answer.output:
            await asyncio.sleep(identity.answer_in(loop.time() - begun))
        return answer

    async def hang_up(self) -> None:
        """Give back the times that are held for the caller; what is under way finishes first."""
        for _ in range(3):
            await asyncio.sleep(
                0
            )  # a confirmation that was just asked for gets its turn before us (LN10)
        async with self._turn:
            self._ended = True
            try:
                await in_thread(self.release_holds)
            except (SchedulingError, DatabaseError, InterfaceError):
                logger.exception(
                    "voice.holds.not_released"
                )  # they end by themselves in two minutes

    async def _in_turn(self, request: Request) -> ToolAnswer:
        async with self._turn:
            return await in_thread(self.answer, request)

    # ---- in a thread ---------------------------------------------------------------------------

    def release_holds(self) -> None:
        """Release every hold of this call."""
        services.release_holds(owner=f"call:{self.call_pk}", now=clinic_now())

    def answer(self, request: Request) -> ToolAnswer:
        """Answer one function call in one transaction; a database that fails is asked again what it stored (R2)."""
        try:
            claim = self._claim(request)
            with transaction.atomic():
                return self._answered(request, claim)
        except (OperationalError, InterfaceError):
            logger.exception("voice.tool.database_failed", extra={"tool": request.shown_name})
            return self._settled(request)
        except DatabaseError:
            # The same function call was answered on another connection at the same moment.
            logger.exception("voice.tool.not_stored", extra={"tool": request.shown_name})
            return self._settled(request)
        except Exception:  # no exception leaves the gate, the call must go on (S20)
            logger.exception("voice.tool.crashed", extra={"tool": request.shown_name})
            return self._unavailable(request, "temporarily_unavailable")

    def _claim(self, request: Request) -> Claim:
        """Return what `verify_identity` decides on; it is compared before the transaction, for hashing takes long."""
        if request.name != "verify_identity":
            return NO_CLAIM
        try:
            arguments = self._parsed(request, TOOLS[request.name])
        except BadArguments:
            return NO_CLAIM  # the dispatch point refuses them
        return examine(CallLog.objects.get(pk=self.call_pk), arguments.values)

    def _answered(self, request: Request, claim: Claim) -> ToolAnswer:
        begun = time.perf_counter()
        # The lock makes the tools of a call follow one another even across two connections of it.
        call = CallLog.objects.select_for_update(no_key=True, of=("self",)).get(pk=self.call_pk)
        self._language = call.language
        stored = ToolCall.objects.filter(call=call, function_call_id=request.key).first()
        if stored is not None:
            return self._stored_answer(request, stored, call)
        desk = self._desk(request, call)
        desk.claim = claim
        before = desk.gate.patient_id
        known = (call.patient_id, call.language, call.recording, call.locked)
        if desk.gate.trust is Trust.ANON and desk.gate.tool_calls == 0:
            self._lock_from_the_start(desk)
        outcome = self._decided(request, desk)
        desk.gate.tool_calls += 1
        if known[0] is not None:  # whose call it was is said once; after that by staff only (S64)
            call.patient_id = known[0]
        changed = (call.patient_id, call.language, call.recording, call.locked) != known
        if (
            changed or request.name == "verify_identity"
        ):  # whatever came of that, it is stored (S15)
            call.save(update_fields=["patient", "language", "recording", "locked"])
        if changed:
            publish(LiveEvent.Kind.CALL_UPDATED, call_id=call.pk)
        self._language = call.language
        desk.patients |= {before, desk.gate.patient_id} - {""}
        store(request, desk, outcome, duration_ms=round((time.perf_counter() - begun) * 1000))
        answer = outcome.answer
        language = call.language if answer.session is not None else ""
        return ToolAnswer(rendered(outcome), answer.effect, answer.session, language)

    def _desk(self, request: Request, call: CallLog) -> Desk:
        gate = stored_calls.gate_of(call)
        gate.ended = self._ended
        return Desk(
            call=call,
            gate=gate,
            now=clinic_now(),
            at=timezone.now(),
            call_id=request.call_id if request.key == request.call_id else request.key,
            started_ms=request.started_ms,
            evidence=request.evidence,
            limits=Limits(
                tool_calls=settings.LIMIT_TOOL_CALLS,
                writes=settings.LIMIT_TOOL_WRITES,
                bookings=settings.LIMIT_BOOKINGS_PER_CALL,
                proposal_ms=settings.LIMIT_PROPOSAL_SECONDS * 1000,
            ),
        )

    def _lock_from_the_start(self, desk: Desk) -> None:
        if identity.number_is_spent(desk.call, at=desk.at):
            identity.lock_call(desk)

    # ---- the dispatch point --------------------------------------------------------------------

    def _decided(self, request: Request, desk: Desk) -> Outcome:
        """Check in S12's order, then run the tool."""
        tool = TOOLS.get(request.name)
        if tool is None:
            return Outcome(desk.refuse("unknown_tool"), {})
        if code := desk.gate.refusal(tool, limits=desk.limits):
            return Outcome(self._refused(desk, code), {})
        try:
            arguments = self._parsed(request, tool)
        except BadArguments as error:
            return Outcome(_ask(desk, error.field), {}, error.anomalies)
        values = {
            name: "given" if name in SECRET_ARGUMENTS else value
            for name, value in arguments.values.items()
        }
        if tool.writes and (first := stored_calls.first_result(desk, tool, values)):
            return Outcome(first, values, arguments.anomalies, repeated=True)
        if not desk.gate.may_write(tool, limits=desk.limits):
            return Outcome(self._refused(desk, "limit_reached"), values, arguments.anomalies)
        answer = self._ran(desk, tool, arguments.values)
        if tool.writes and answer.written:
            desk.gate.writes += 1
        return Outcome(answer, values, arguments.anomalies)

    def _parsed(self, request: Request, tool: Tool) -> Arguments:
        return parse(request.arguments, tool.arguments, longest_text=settings.LIMIT_TEXT_CHARACTERS)

    def _ran(self, desk: Desk, tool: Tool, values: Mapping[str, Any]) -> Answer:
        """Run a tool; what it half did when it failed is undone, in the database and in the gate."""
        before = deepcopy(desk.gate)
        try:
            with transaction.atomic():
                return HANDLERS[tool.name](desk, values)
        except UnknownHandle:
            return desk.refuse("not_found")
        except SchedulingError as error:
            desk.gate = before
            return self._refused(
                desk, error.code if error.code in NEXT else "temporarily_unavailable"
            )
        except (OperationalError, InterfaceError):
            raise
        except Exception:  # the call must go on, and the failure must be stored (S20)
            logger.exception("voice.tool.failed", extra={"tool": tool.name})
            desk.gate = before
            return desk.refuse("temporarily_unavailable")

    def _refused(self, desk: Desk, code: str) -> Answer:
        """Return a refusal; of a spent budget the model is warned once, then it gets the bare code (A22)."""
        gate = desk.gate
        if code == "identity_required" and gate.trust is Trust.LOCKED:
            return Answer(desk.phrases.say("locked"), code=code, next=NEXT["locked"])
        if code == "limit_reached" and gate.tool_calls >= desk.limits.tool_calls:
            if gate.warned:
                return Answer("", code=code)
            gate.warned = True
        if code not in ("identity_required", "limit_reached", "not_found", "too_late"):
            return desk.refuse("temporarily_unavailable")
        return desk.refuse(code)

    # ---- what was stored -----------------------------------------------------------------------

    def _stored_answer(self, request: Request, stored: ToolCall, call: CallLog) -> ToolAnswer:
        """Return the answer that was given to this function-call id; other arguments under it are an error (S22)."""
        if stored.arguments_digest != request.digest:
            stored_calls.audit_other_arguments(request, call)
            answer = Answer(self._phrases().say("bad_arguments"), code="bad_arguments")
            return ToolAnswer(render(answer.output()))
        memory = stored.memory
        changed = None
        if stored.name == "set_language" and stored.code == "ok":
            changed = line.language_session(self._desk(request, call))
        language = call.language if changed is not None else ""
        return ToolAnswer(memory["output"], memory["effect"], changed, language)

    def _settled(self, request: Request) -> ToolAnswer:
        """
        Say what the database holds after a failure, for a write may have been stored although its answer was lost.

        The row of the call stays locked until a transaction that is in doubt has ended, so the answer is final.
        """
        if not connection.in_atomic_block:
            connection.close()  # the next use opens a new one, which a restarted server accepts
        writes = request.name in TOOLS and TOOLS[request.name].writes
        try:
            with transaction.atomic():
                call = CallLog.objects.select_for_update(no_key=True).get(pk=self.call_pk)
                stored = ToolCall.objects.filter(call=call, function_call_id=request.key).first()
                if stored is not None:
                    return self._stored_answer(request, stored, call)
        except DatabaseError:
            logger.exception("voice.tool.result_unknown", extra={"tool": request.shown_name})
            return self._unavailable(
                request, "checking_result" if writes else "temporarily_unavailable"
            )
        return self._unavailable(request, "unknown_result" if writes else "temporarily_unavailable")

    def _unavailable(self, request: Request, say: str) -> ToolAnswer:
        answer = Answer(self._phrases().say(say), code="temporarily_unavailable")
        return ToolAnswer(render(answer.output()))

    def _phrases(self) -> Phrases:
        zone = clinic_zone()
        return Phrases(self._language, today=clinic_now().astimezone(zone).date(), zone=zone)


def _ask(desk: Desk, field: str) -> Answer:
    """Ask for the argument that was missing or odd, in words the caller can answer."""
    asked = f"ask_{field}"
    known = field in ("full_name", "date_of_birth", "phone", "text", "visit_type")
    answer = desk.refuse("bad_arguments", asked if known else "bad_arguments")
    return replace(answer, data={"argument": field}) if field else answer
