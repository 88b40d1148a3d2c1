"""
A CSV file on its way into the records (security reference, S68): checked first, then applied whole or not at all.

The data and the word that the import is done are one transaction, so that a worker killed in the middle leaves
nothing behind: after its lease another one begins anew. Two clocks are at work: `now` is the real one, for leases and
stamps; `clinic_now` is that of the rules.
"""

import hmac
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts.models import AuditEvent
from accounts.services import record_event
from scheduling.exceptions import NotFound, SchedulingError, Stale
from scheduling.exchange.csv_columns import Row, read_file
from scheduling.exchange.csv_text import (
    MOST_PROBLEMS,
    WHOLE_FILE,
    FileRefused,
    Problem,
)
from scheduling.models import DataImport, Source
from scheduling.services.import_hours import plan_availability
from scheduling.services.import_nurses import plan_nurses
from scheduling.services.import_patients import plan_patients
from scheduling.services.import_plans import Occasion, Plan, Report
from scheduling.services.import_visits import Names, plan_appointments
from scheduling.services.transactions import run_atomically

logger = logging.getLogger("scheduling.imports")

Result = TypeVar("Result")
Kind = DataImport.Kind
Status = DataImport.Status

LEASE = timedelta(minutes=15)  # files of hours of many nurses take minutes
KEPT_UNAPPLIED = timedelta(days=1)
REPORT_EVERY = 250  # rows
IN_HAND = {Status.UPLOADED: Status.CHECKING, Status.ACCEPTED: Status.APPLYING}
TOO_OLD = "Nobody applied the file within a day, so it was deleted. Upload it again."
CHANGED_MEANWHILE = "Somebody changed the same records just now. Import the file again."
PATIENT_ERASED = (
    "A patient was erased meanwhile, so the file was deleted. Upload one without that patient."
)
FAILED = "Something went wrong on our side. Nothing was stored; the log tells where."


class LeaseLost(Exception):
    """Another worker has the import now, and what this one has done does not count."""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """How many rows were or would be new, changed, or as stored already."""

    new: int
    changed: int
    unchanged: int

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return self.new + self.changed + self.unchanged


def most_bytes() -> int:
    """Return how large a file may be."""
    limit: int = settings.LIMIT_IMPORT_MEGABYTES
    return limit * 1024 * 1024


def check_file(*, kind: str, content: bytes, now: datetime) -> ImportResult:
    """
    Return what an import would do; nothing is stored. `now` is the clinic's.

    Raises:
        FileRefused: the file has problems.
    """
    occasion = Occasion(source=Source.ADMIN, actor="", now=now, for_good=False)
    return _result(_plan(kind, _read(kind, content), occasion, _silent))


def import_file(*, kind: str, content: bytes, actor: str, now: datetime) -> ImportResult:
    """
    Import a file at once, whole or not at all, and keep a record of it. `now` is the clinic's.

    Raises:
        FileRefused: the file has problems; nothing was stored.
        SlotTaken, Busy: the database refused it; nothing was stored.
    """
    rows = _read(kind, content)

    def work() -> ImportResult:
        record = DataImport(kind=kind, content=b"", digest=sha256(content).hexdigest())
        occasion = Occasion(source=Source.ADMIN, actor=actor, now=now, for_good=True)
        plan = _plan(kind, rows, occasion, _silent)
        plan.write()
        record.rows_total = len(rows)
        _mark_done(record, plan, now)
        _audit(record, plan, surface="cli")
        return _result(plan)

    return _whole_or_not(work)


def upload_import(*, kind: str, content: bytes, user_id: UUID) -> DataImport:
    """
    Take a file in; the background worker checks it.

    Raises:
        FileRefused: it is too large.
    """
    if len(content) > most_bytes():
        detail = f"The file is larger than {settings.LIMIT_IMPORT_MEGABYTES} MB."
        raise FileRefused([Problem(WHOLE_FILE, "", "too_big", detail)])
    with transaction.atomic():
        record = DataImport.objects.create(
            kind=kind,
            content=content,
            digest=sha256(content).hexdigest(),
            created_by_id=user_id,
        )
        _audit_act(record, "import.upload", user_id)
    return record


def accept_import(*, import_id: UUID, digest: str, user_id: UUID, now: datetime) -> DataImport:
    """
    Let the worker apply a file that was checked; `digest` is that of the file that was seen.

    Raises:
        NotFound: there is no such import.
        Stale: it is not the file, or not the time for it.
    """
    with transaction.atomic():
        record = DataImport.objects.select_for_update(no_key=True).filter(pk=import_id).first()
        if record is None:
            raise NotFound("There is no such import.")
        if record.status != Status.CHECKED or not hmac.compare_digest(
            record.digest.encode(), digest.encode()
        ):
            raise Stale
        record.status = Status.ACCEPTED
        record.accepted_by_id, record.accepted_at = user_id, now
        record.save(update_fields=["status", "accepted_by", "accepted_at"])
        _audit_act(record, "import.apply", user_id)
    return record


def run_next_import(*, now: datetime, clinic_now: datetime) -> bool:
    """Check or apply the file that waits longest, or one whose worker died; tell whether there was one."""
    record = _claim(now)
    if record is None:
        return False
    extra = {"status": record.status, "code": record.kind}
    try:
        if record.status == Status.CHECKING:
            _check(record, clinic_now, now)
        else:
            _apply(record, clinic_now, now)
    except LeaseLost:
        logger.warning("scheduling.import.lease_lost", extra=extra)
    except FileRefused as error:
        _give_up(record, _refused_as(record), error.problems, now)
    except SchedulingError as error:  # the database was too busy, or somebody was faster
        problem = Problem(WHOLE_FILE, "", error.code, f"{error.detail} Upload the file again.")
        _give_up(record, Status.FAILED, [problem], now)
    except Exception:
        _give_up(record, Status.FAILED, [Problem(WHOLE_FILE, "", "failed", FAILED)], now)
        raise
    return True


def forget_old_imports(*, now: datetime) -> int:
    """Delete the content of checked files that nobody has applied; return how many there were."""
    old = DataImport.objects.filter(status=Status.CHECKED, created_at__lt=now - KEPT_UNAPPLIED)
    problem = asdict(Problem(WHOLE_FILE, "", "too_old", TOO_OLD))
    return old.update(
        status=Status.REFUSED, content=b"", problems=[problem], finished_at=now, summary={}
    )


def drop_waiting_files(*, now: datetime) -> int:
    """
    Let go of files that name patients and are not stored yet, since one of these is being erased; return how many.

    A worker that has one in hand finds its lease gone, and stores nothing.
    """
    problem = asdict(Problem(WHOLE_FILE, "", "patient_erased", PATIENT_ERASED))
    dropped = {"content": b"", "problems": [problem], "lease_until": None, "finished_at": now}
    naming = DataImport.objects.filter(kind__in=[Kind.PATIENTS, Kind.APPOINTMENTS])
    unseen = naming.filter(status__in=[Status.UPLOADED, Status.CHECKING, Status.CHECKED])
    accepted = naming.filter(status__in=[Status.ACCEPTED, Status.APPLYING])
    return unseen.update(status=Status.REFUSED, summary={}, **dropped) + accepted.update(
        status=Status.FAILED, **dropped
    )


def _claim(now: datetime) -> DataImport | None:
    """Take an import in hand until its lease ends; nobody else can have it before."""
    abandoned = Q(status__in=IN_HAND.values(), lease_until__lt=now)
    waiting = DataImport.objects.filter(Q(status__in=IN_HAND) | abandoned)
    if not waiting.exists():  # an idle look takes no lock
        return None
    with transaction.atomic():
        locked = waiting.select_for_update(skip_locked=True, no_key=True)
        record = locked.order_by("created_at", "id").first()
        if record is None:
            return None
        record.status = IN_HAND.get(Status(record.status), Status(record.status))
        record.lease_until = now + LEASE
        record.save(update_fields=["status", "lease_until"])
    return record


def _check(record: DataImport, clinic_now: datetime, now: datetime) -> None:
    rows = _read(record.kind, bytes(record.content))
    record.rows_total = len(rows)
    _update(record, rows_total=len(rows), rows_done=0)
    plan = _plan(
        record.kind,
        rows,
        _occasion(record, clinic_now, for_good=False),
        lambda seen: _counted(record, seen),
    )
    _update(
        record,
        status=Status.CHECKED,
        rows_done=len(rows),
        summary=asdict(_result(plan)),
        lease_until=None,
    )


def _apply(record: DataImport, clinic_now: datetime, now: datetime) -> None:
    rows = _read(record.kind, bytes(record.content))

    def work() -> None:
        in_hand = DataImport.objects.select_for_update(no_key=True).filter(
            pk=record.pk, status=record.status, lease_until=record.lease_until
        )
        current = in_hand.first()
        if current is None:
            raise LeaseLost
        occasion = _occasion(record, clinic_now, for_good=True)
        plan = _plan(record.kind, rows, occasion, _silent)
        plan.write()
        current.rows_total = len(rows)
        _mark_done(current, plan, now)
        _audit(current, plan, surface="worker")

    _whole_or_not(work)


def _whole_or_not(work: Callable[[], Result]) -> Result:
    """
    Run the transaction that stores a file.

    Raises:
        FileRefused: somebody else stored one of its records meanwhile; the database's own words would quote it.
        SlotTaken, Busy: as in `run_atomically`.
    """
    try:
        return run_atomically(work)
    except IntegrityError:
        raise FileRefused([Problem(WHOLE_FILE, "", "stale", CHANGED_MEANWHILE)]) from None


def _plan(kind: str, rows: Sequence[Row], occasion: Occasion, report: Report) -> Plan:
    """
    Judge the rows by what is stored now.

    Raises:
        FileRefused: some of them have problems.
    """
    match kind:
        case Kind.PATIENTS:
            references = {str(row.values["reference_number"]) for row in rows}
            plan = plan_patients(report(rows), references, occasion)
        case Kind.NURSES:
            plan = plan_nurses(report(rows), _licenses(rows), occasion)
        case Kind.AVAILABILITY:
            plan = plan_availability(report(rows), _licenses(rows), occasion)
        case _:
            names = Names(
                references={str(row.values["patient_reference_number"]) for row in rows},
                licenses=_licenses(rows, prefix="nurse_"),
            )
            plan = plan_appointments(rows, names, occasion, report)
    if plan.problems:
        raise FileRefused(sorted(plan.problems, key=lambda problem: problem.row))
    return plan


def _licenses(rows: Sequence[Row], *, prefix: str = "") -> set[tuple[str, str]]:
    state, number = f"{prefix}license_state", f"{prefix}license_number"
    return {(str(row.values[state]), str(row.values[number])) for row in rows}


def _read(kind: str, content: bytes) -> list[Row]:
    return read_file(kind, content, most_bytes=most_bytes(), most_rows=settings.LIMIT_IMPORT_ROWS)


def _silent(rows: Iterable[Row]) -> Iterator[Row]:
    return iter(rows)


def _counted(record: DataImport, rows: Iterable[Row]) -> Iterator[Row]:
    """Pass rows on and show how many have been checked; nothing else is being written meanwhile."""
    for done, row in enumerate(rows):
        if done and done % REPORT_EVERY == 0:
            _update(record, rows_done=done)
        yield row


def _update(record: DataImport, **values: Any) -> None:
    """
    Write to an import in hand.

    Raises:
        LeaseLost: it is in other hands.
    """
    in_hand = DataImport.objects.filter(
        pk=record.pk, status=record.status, lease_until=record.lease_until
    )
    if not in_hand.update(**values):
        raise LeaseLost


def _refused_as(record: DataImport) -> str:
    return Status.REFUSED if record.status == Status.CHECKING else Status.FAILED


def _give_up(record: DataImport, status: str, problems: Sequence[Problem], now: datetime) -> None:
    shown = [asdict(problem) for problem in problems[:MOST_PROBLEMS]]
    if len(problems) > MOST_PROBLEMS:
        detail = f"There are {len(problems) - MOST_PROBLEMS:,} more problems."
        shown.append(asdict(Problem(WHOLE_FILE, "", "more", detail)))
    try:
        _update(
            record,
            status=status,
            problems=shown,
            content=b"",
            lease_until=None,
            finished_at=now,
        )
    except LeaseLost:
        return
    logger.info("scheduling.import.refused", extra={"code": record.kind, "count": len(problems)})


def _mark_done(record: DataImport, plan: Plan, now: datetime) -> None:
    record.status = Status.DONE
    record.content = b""
    record.rows_done = record.rows_total
    record.summary = asdict(_result(plan))
    record.lease_until, record.finished_at = None, now
    record.save()


def _occasion(record: DataImport, clinic_now: datetime, *, for_good: bool) -> Occasion:
    actor = f"user:{record.accepted_by_id}" if record.accepted_by_id else f"import:{record.pk}"
    return Occasion(source=Source.ADMIN, actor=actor, now=clinic_now, for_good=for_good)


def _result(plan: Plan) -> ImportResult:
    return ImportResult(plan.new, plan.changed, plan.unchanged)


def _audit(record: DataImport, plan: Plan, *, surface: str) -> None:
    user_id = record.accepted_by_id
    record_event(
        action="import",
        outcome="ok",
        surface=surface,
        actor_type=AuditEvent.ActorType.USER if user_id else AuditEvent.ActorType.SYSTEM,
        actor_id=user_id or "",
        patient_ids=sorted(plan.patient_ids),
        object_type=record.kind,
        object_id=record.pk,
    )


def _audit_act(record: DataImport, action: str, user_id: UUID) -> None:
    record_event(
        action=action,
        outcome="ok",
        surface="admin",
        actor_type=AuditEvent.ActorType.USER,
        actor_id=user_id,
        object_type=record.kind,
        object_id=record.pk,
    )
