"""
What the background worker does for the audit record (seals, alarms, heads: S49, S52), for logins and for the API.

A step is given the real time. It stands here and not in `accounts`, which keeps the record but has never heard of
tasks for staff.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from accounts.access import viewer_of
from accounts.audit import record
from accounts.audit.alone import WATCH, alone
from accounts.audit.chain import Fault
from accounts.audit.checking import check_newest, check_record, in_words
from accounts.audit.heads import path_of_day, store_head
from accounts.audit.sealing import seal_events
from accounts.audit.selectors import count_lockouts, patients_read_by_staff
from accounts.models import User
from accounts.permissions import Reach, Resource, Verb
from accounts.repeats import forget_answers
from accounts.sign_in.lockout import forget_old
from accounts.sign_in.sessions import forget_ended
from accounts.throttle import forget_old_buckets
from scheduling.clock import clinic_now
from scheduling.models import Patient, Source, StaffTask
from scheduling.selectors.sight import seen
from scheduling.services.sweeps import Step
from scheduling.services.tasks import raise_alarm
from voice.live_feed import publish_events
from voice.models import LiveEvent

WINDOW = timedelta(minutes=10)
MOST_PATIENTS = 50
MANY_LOCKOUTS = 5
CHECKED_EVENTS = 2_000
ACTOR = "audit"
TASKS_TOLD = timedelta(hours=1)


def seal(*, now: datetime) -> int:
    """Seal the events that wait for it."""
    return seal_events()


def watch(*, now: datetime) -> int:
    """Raise alarms for what the events of the last ten minutes say: many patients, foreign ones, many lockouts."""
    since = now - WINDOW
    with transaction.atomic():
        if not alone(WATCH):
            return 0
        raised = 0
        for user_id, patients in patients_read_by_staff(since=since).items():
            user = User.objects.filter(pk=user_id).first()
            if user is not None:
                raised += _watch_person(user, patients, now)
        lockouts = count_lockouts(since=since)
        if lockouts >= MANY_LOCKOUTS:
            text = f"{lockouts} calls or accounts were locked within ten minutes."
            raised += _alarm("lockouts", text, ACTOR, now)
    return raised


def check(*, now: datetime) -> int:
    """Check the newest sealed events."""
    found = check_newest(count=CHECKED_EVENTS)
    return _tell_of(found.fault, now) if found.fault else 0


def keep_head(*, now: datetime) -> int:
    """Once a day check the whole record and store its head outside the database."""
    head = record.current_head()
    if head is None or path_of_day(head, now=now).exists():
        return 0
    found = check_record()
    if found.fault:
        return _tell_of(found.fault, now)
    return int(store_head(head, now=now))


def forget_logins(*, now: datetime) -> int:
    """Drop sessions that are over, and counters of failed logins that nobody looks at any more."""
    return forget_ended(now=now) + forget_old(now=now)


def _watch_person(user: User, patients: set[str], now: datetime) -> int:
    name = user.get_full_name() or user.get_username()
    actor = f"{ACTOR}:{user.pk}"
    raised = 0
    if len(patients) > MOST_PATIENTS:
        text = f"{name} looked at {len(patients)} patients within ten minutes."
        raised += _alarm("many_patients", text, actor, now)
    if foreign := _foreign(user, patients, now):
        text = f"{name} looked at patients of others: {foreign} within ten minutes."
        raised += _alarm("foreign_patients", text, actor, now)
    return raised


def _foreign(user: User, patients: set[str], now: datetime) -> int:
    """Return how many of the patients are not the person's own, where the role ends at own ones."""
    viewer = viewer_of(user, now=now)
    if viewer.reach(Verb.READ, Resource.PATIENT) is not Reach.OWN:
        return 0
    read = Patient.objects.filter(pk__in=list(_ids(patients)))
    return read.count() - seen(read, viewer=viewer, verb=Verb.READ).count()


def _ids(patients: set[str]) -> Iterator[UUID]:
    """Yield ids; what is none must not silence the watch."""
    for patient in patients:
        with suppress(ValueError):
            yield UUID(patient)


def _tell_of(fault: Fault, now: datetime) -> int:
    with transaction.atomic():
        return _alarm("audit_chain", in_words(fault), ACTOR, now) if alone(WATCH) else 0


def _alarm(topic: str, text: str, actor: str, now: datetime) -> int:
    """Raise an alarm unless one of the kind is open, or was raised just now; return how many were raised."""
    known = StaffTask.objects.filter(kind=StaffTask.Kind.ALARM, topic=topic, actor=actor)
    if known.filter(Q(status=StaffTask.Status.OPEN) | Q(created_at__gt=now - WINDOW)).exists():
        return 0
    raise_alarm(
        kind=topic,
        text=text,
        callback_number="",
        patient_id=None,
        source=Source.DASHBOARD,
        actor=actor,
        now=clinic_now(),
    )
    return 1


def tell_of_tasks(*, now: datetime) -> int:
    """
    Tell those who watch of tasks that are new or done; scheduling, which stores them, has never heard of watchers.

    Two workers may tell of the same one; a watcher replaces what it has.
    """
    since = now - TASKS_TOLD
    kinds = LiveEvent.Kind
    changed = StaffTask.objects.filter(Q(created_at__gt=since) | Q(done_at__gt=since))
    due = {(kinds.TASK_CREATED, str(task.pk)) for task in changed if task.created_at > since}
    due |= {(kinds.TASK_CHANGED, str(task.pk)) for task in changed if task.done_at}
    told = LiveEvent.objects.filter(
        kind__in=[kinds.TASK_CREATED, kinds.TASK_CHANGED],
        reference__in=[reference for _, reference in due],
    )
    missing = due - {(kinds(kind), key) for kind, key in told.values_list("kind", "reference")}
    events = [LiveEvent(kind=kind, reference=key) for kind, key in sorted(missing)]
    return len(events) if events and publish_events(events) else 0


STEPS: tuple[Step, ...] = (
    Step("audit_seals", seal),
    Step("audit_watch", watch, period_s=60),
    Step("live_tasks", tell_of_tasks),
    Step("audit_check", check, period_s=60),
    Step("audit_head", keep_head, period_s=300),
    Step("logins", forget_logins, period_s=3600),
    Step("request_buckets", forget_old_buckets, period_s=3600),
    Step("old_answers", forget_answers, period_s=3600),
)
