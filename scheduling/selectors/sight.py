"""
Which rows somebody may see or touch: the policy of `accounts.permissions`, applied to querysets.

The one place that knows what "own" means, for pages, admin, API, FHIR and live feeds. A patient is a nurse's own
(contract, section 8, "Identity of rows")

- by an assignment that is not closed,
- by a visit with that nurse that is booked, going on, over or missed: cancelled ones and mistakes open nothing, and
  none does where the patient is closed to the nurse,
- for half an hour, to be read only, by emergency access (S30).

Besides, what stands in a nurse's own calendar is her or his own, cancelled visits too: they are the days' history.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar

from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from accounts.access import Viewer
from accounts.permissions import MODELS, Reach, Resource, Verb
from scheduling.models import Appointment, CareAssignment

OPENING = (
    Appointment.Status.BOOKED,
    Appointment.Status.ARRIVED,
    Appointment.Status.FULFILLED,
    Appointment.Status.NOSHOW,
)
READING = (Verb.LIST, Verb.READ)

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Path:
    """How to get from a row to its patient, and to the login of the nurse in whose calendar it stands."""

    patient: str = ""
    login: str = ""


PATHS = MappingProxyType(
    {
        "scheduling.appointment": Path("patient", "nurse__user"),
        "scheduling.availability": Path(login="nurse__user"),
        "scheduling.availabilityoverride": Path(login="nurse__user"),
        "scheduling.calendarfeed": Path(login="nurse__user"),
        "scheduling.careassignment": Path("patient", "nurse__user"),
        "scheduling.consent": Path("patient"),
        "scheduling.medicalcondition": Path("patient"),
        "scheduling.message": Path("patient", "nurse__user"),
        "scheduling.nurse": Path(login="user"),
        "scheduling.patient": Path("pk"),
        "scheduling.patientrelation": Path("patient"),
        "voice.calllog": Path("patient"),
        "voice.toolcall": Path("call__patient"),
        "voice.transcriptentry": Path("call__patient"),
    }
)
"""Rows of other models are nobody's own: whose reach ends at own rows gets none of them."""


def seen(
    rows: QuerySet[Row], *, viewer: Viewer, verb: Verb, resource: Resource | None = None
) -> QuerySet[Row]:
    """
    Return those rows with which the viewer may do something, in the order they have.

    `resource` is needed only where a model stands for two, such as a visit and its attendance.
    """
    label = rows.model._meta.label_lower
    asked = resource or MODELS.get(label)
    reach = viewer.reach(verb, asked) if asked else Reach.NONE
    if reach is Reach.ANY:
        return rows
    path = PATHS.get(label)
    if reach is Reach.NONE or path is None:
        return rows.none()
    return rows.filter(_own(viewer, path, reads=verb in READING))


def _own(viewer: Viewer, path: Path, *, reads: bool) -> Q:
    own = Q(pk__in=())
    if path.login:
        own |= Q(**{path.login: viewer.user_id})
    if path.patient:
        inside = f"{path.patient}__in"
        own |= Q(**{inside: _assigned(viewer, closed=False)}) | Q(_visited(viewer, path.patient))
        if reads and viewer.opened:
            own |= Q(**{inside: viewer.opened})
    return own


def _assigned(viewer: Viewer, *, closed: bool) -> QuerySet[CareAssignment, object]:
    mine = CareAssignment.objects.filter(nurse__user=viewer.user_id, closed=closed)
    return mine.values_list("patient_id", flat=True)


def _visited(viewer: Viewer, patient: str) -> Exists:
    visits = Appointment.objects.filter(
        nurse__user=viewer.user_id, status__in=OPENING, patient=OuterRef(patient)
    )
    return Exists(visits.exclude(patient__in=_assigned(viewer, closed=True)))
