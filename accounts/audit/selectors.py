"""Reads of the audit record: for its page and its exports, and for whoever watches it."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from accounts.audit.chain import Seal
from accounts.models import AuditEvent, AuditSeal

VIEWED = ("read", "list", "history", "week")
WRITTEN = ("added", "created", "changed", "deleted", "closed", "exported")
LOCKED = ("locked",)
REFUSED = ("forbidden", "foreign", "not_found", "refused", "denied")


def audit_events(
    *,
    actor: str = "",
    patient_ids: Collection[str] | None = None,
    action: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[Any]:
    """
    Return events, newest first, narrowed by what is given; times are [since, until).

    `actor` is the id of a person, a key or a call, or else a kind of actor. With `patient_ids` an event is about one
    of those patients. `action` is one of `ACTIONS`.
    """
    events = AuditEvent.objects.order_by("-seq")
    if actor in AuditEvent.ActorType.values:
        events = events.filter(actor_type=actor)
    elif actor:
        events = events.filter(actor_id=actor)
    if patient_ids is not None:
        events = events.filter(_about(patient_ids))
    if action:
        events = events.filter(ACTIONS[action])
    if since:
        events = events.filter(at__gte=since)
    if until:
        events = events.filter(at__lt=until)
    return events


def patients_read_by_staff(*, since: datetime) -> Mapping[str, set[str]]:
    """Return the ids of the patients in each person's events since then, by the person's id."""
    events = AuditEvent.objects.filter(at__gte=since, actor_type=AuditEvent.ActorType.USER)
    found: dict[str, set[str]] = defaultdict(set)
    for actor_id, patient_ids in events.values_list("actor_id", "patient_ids"):
        if actor_id and patient_ids:
            found[actor_id].update(patient_ids)
    return found


def count_lockouts(*, since: datetime) -> int:
    """Return how many calls and accounts were locked since then."""
    return AuditEvent.objects.filter(at__gte=since, outcome__in=LOCKED).count()


def seals_of(seqs: Collection[int]) -> dict[int, Seal]:
    """Return the seals of some events, by the number of the event."""
    rows = AuditSeal.objects.filter(seq__in=seqs)
    return {row[1]: Seal(*row) for row in rows.values_list("number", "seq", "key_id", "hash")}


def _about(patient_ids: Collection[str]) -> Q:
    """Find patients in the lists of events; SQLite searches the list's text, ids being unmistakable."""
    contains = connection.features.supports_json_field_contains
    found = Q(pk__in=())
    for patient_id in patient_ids:
        found |= (
            Q(patient_ids__contains=[patient_id])
            if contains
            else Q(patient_ids__icontains=patient_id)
        )
    return found


def _ends(words: tuple[str, ...]) -> Q:
    found = Q()
    for word in words:
        found |= Q(action__endswith=f".{word}")
    return found


ACTIONS: Mapping[str, Q] = {
    "viewed": _ends(VIEWED),
    "changed": _ends(WRITTEN),
    "refused": Q(outcome__in=REFUSED),
    "locked": Q(outcome__in=LOCKED),
    "assistant": Q(surface="call"),
    "login": Q(surface="login"),
    "exported": Q(action="audit.exported"),
}
"""What can be asked for, by name."""
