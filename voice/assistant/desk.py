"""What a tool has at hand while it works on one function call: the call, the gate, the clinic, both clocks."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings

from scheduling import selectors, services
from scheduling.clock import clinic_zone
from scheduling.exceptions import SchedulingError
from scheduling.selectors import Opening
from voice.assistant.answers import Answer
from voice.assistant.claims import NO_CLAIM, Claim
from voice.assistant.dates import Days
from voice.assistant.gate import Gate, Limits, SlotHandle
from voice.assistant.phrases import Phrases, compact, quoted, short_name
from voice.models import CallLog
from voice.protocol.commands import Evidence

OFFERS = 3
PROVISIONAL_BOOKINGS = 1
SOURCE = "voice"
WIDENING_DAYS = (14, 60)


@dataclass(slots=True)
class Desk:
    """
    The surroundings of one tool call.

    `now` is the clinic's clock and decides dates; `at` is the real one and decides limits of identity. `patients` are
    those whose records were touched, for the audit event. `claim` is what `verify_identity` decides on.
    """

    call: CallLog
    gate: Gate
    now: datetime
    at: datetime
    call_id: str
    started_ms: int
    evidence: Evidence
    limits: Limits
    claim: Claim = NO_CLAIM
    patients: set[str] = field(default_factory=set)
    profile: selectors.ClinicProfile = field(init=False)

    def __post_init__(self) -> None:
        self.profile = selectors.clinic_profile()

    @property
    def zone(self) -> ZoneInfo:
        return clinic_zone()

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    @property
    def phrases(self) -> Phrases:
        return Phrases(self.call.language, today=self.today, zone=self.zone)

    @property
    def owner(self) -> str:
        """The owner of this call's holds."""
        return f"call:{self.call.pk}"

    @property
    def actor(self) -> str:
        """Who acted, for the history of a visit: the call, and for whom the caller spoke."""
        return self.owner

    @property
    def patient_id(self) -> UUID:
        """The verified patient, the only one that any tool works for (S16)."""
        return UUID(self.gate.patient_id)

    def refuse(self, code: str, line: str = "", **values: str) -> Answer:
        return Answer(self.phrases.say(line or code, **values), code=code)

    # ---- free times ----------------------------------------------------------------------------

    def openings(
        self,
        days: Days,
        *,
        visit_type: str,
        nurse_ids: Collection[UUID] | None = None,
        care_first: bool = False,
        exclude: Collection[tuple[UUID, datetime]] = (),
        ignore_appointment_id: UUID | None = None,
    ) -> list[Opening]:
        """Return up to three free times on `days`, spread as spoken offers should be."""
        found = selectors.find_openings(
            now=self.now,
            visit_type=visit_type,
            since=max(self.midnight(days.first), self.now),
            until=self.midnight(days.last + timedelta(days=1)),
            patient_id=self.patient_id,
            nurse_ids=nurse_ids,
            part_of_day=days.part_of_day,
            earliest=days.after,
            latest=days.before,
            limit=OFFERS,
            order="care" if care_first else "start",
            spread=True,
            ignore_appointment_id=ignore_appointment_id,
            hold_owner=self.owner,
            exclude=exclude,
        )
        return list(found.slots)

    def nearest(
        self,
        days: Days,
        *,
        visit_type: str,
        exclude: Collection[tuple[UUID, datetime]] = (),
        ignore_appointment_id: UUID | None = None,
    ) -> list[Opening]:
        """Return free times with any nurse, on those days first, then at any hour of the days after them."""
        last = self.last_day
        first = max(days.first, self.today)
        spans = [Days(first, days.last, days.part_of_day, days.after, days.before)]
        spans += [Days(first, min(first + timedelta(days=more), last)) for more in WIDENING_DAYS]
        spans.append(Days(self.today, last))
        for span in spans:
            if span.first <= span.last and (
                found := self.openings(
                    span,
                    visit_type=visit_type,
                    exclude=exclude,
                    ignore_appointment_id=ignore_appointment_id,
                )
            ):
                return found
        return []

    def offered(
        self, openings: Sequence[Opening], *, visit_type: str
    ) -> tuple[list[Opening], Answer]:
        """
        Hold the first free time for the caller, give all of them handles, and say them.

        The first one that can be held is held for two minutes; one that somebody just took is left out. Without an
        open proposal nothing else stays held.
        """
        open_proposal = self.gate.proposal is not None
        kept = list(openings)
        while kept:
            try:
                services.hold_slot(
                    owner=self.owner,
                    nurse_id=kept[0].nurse_id,
                    start=kept[0].start,
                    visit_type=visit_type,
                    patient_id=self.patient_id,
                    now=self.now,
                    seconds=settings.LIMIT_PROPOSAL_SECONDS,
                    purpose="offer",
                    keep_proposal=open_proposal,
                )
            except SchedulingError:
                kept.pop(0)
            else:
                break
        if not kept and not open_proposal:
            services.release_holds(owner=self.owner, now=self.now)
        slots = [self._slot(opening, visit_type) for opening in kept]
        say = self.phrases.offers(kept) if kept else ""
        return kept, Answer(say, data={"slots": slots})

    def refuse_with_offer(
        self,
        code: str,
        openings: Sequence[Opening],
        *,
        visit_type: str,
        line: str = "",
        **values: str,
    ) -> Answer:
        """Return a refusal that offers other times, or says that there are none."""
        kept, offer = self.offered(openings, visit_type=visit_type)
        line = line or code
        if not kept:
            say = self.phrases.say(f"{line}_nothing", **values)
        else:
            say = self.phrases.say(line, offer=offer.say, **values)
        return Answer(say, code=code, data=offer.data)

    def _slot(self, opening: Opening, visit_type: str) -> dict[str, str]:
        name = self.gate.offer(
            SlotHandle(
                str(opening.nurse_id), opening.nurse_name, visit_type, opening.start, opening.end
            )
        )
        return {"slot": name, **self.visit(opening.start, opening.nurse_name)}

    # ---- shapes --------------------------------------------------------------------------------

    def visit(self, start: datetime, nurse: str) -> dict[str, str]:
        """Return the fields by which the model knows a time: nothing else of a visit leaves the server (S23)."""
        return {
            "when": compact(start, self.zone),
            "start": start.astimezone(self.zone).isoformat(),
            "nurse": short_name(nurse),
        }

    def own_appointment(self, handle: str) -> Any:
        """
        Return the verified patient's coming visit behind a handle of this call.

        Raises:
            UnknownHandle: not given out in this call, of another person, or no longer to come; all look the same.
        """
        appointment_id = self.gate.appointments.get(handle)
        if appointment_id is not None:
            for appointment in self.upcoming(limit=50):
                if str(appointment.pk) == appointment_id:
                    return appointment
        raise UnknownHandle

    def own_slot(self, handle: str) -> SlotHandle:
        """
        Return the free time behind a handle of this call.

        Raises:
            UnknownHandle: not given out in this call, or to another person.
        """
        slot = self.gate.slots.get(handle)
        if slot is None:
            raise UnknownHandle
        return slot

    def upcoming(self, *, limit: int = OFFERS) -> list[Any]:
        return list(
            selectors.upcoming_appointments(patient_id=self.patient_id, now=self.now, limit=limit)
        )

    def has_enough_visits(self) -> bool:
        """Say whether the patient may have no further coming visit: three, or one for a record nobody has checked."""
        most = PROVISIONAL_BOOKINGS if self.gate.provisional else settings.LIMIT_FUTURE_BOOKINGS
        return selectors.count_upcoming(patient_id=self.patient_id, now=self.now) >= int(most)

    @property
    def last_day(self) -> date:
        """The last date that may be booked."""
        return self.today + timedelta(days=self.horizon_days)

    @property
    def horizon_days(self) -> int:
        return min(self.profile.horizon_days, int(settings.LIMIT_BOOKING_HORIZON_DAYS))

    def midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), tzinfo=self.zone)

    def text(self, stored: str) -> str:
        return quoted(stored)

    def link(self, appointment: Any) -> None:
        """Note on the call which visit it was about."""
        self.call.patient_id = self.patient_id
        self.call.appointments.add(appointment)


class UnknownHandle(Exception):
    """A handle that this call did not give out for this patient (S17)."""
