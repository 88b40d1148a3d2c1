"""
What every address of the REST API is for, written by hand from the permission matrix (security reference, section 3).

`test_matrix_api` walks the URL conf and fails on an address below `/api/` that is not here. Nothing here is read from
the views: what a view says of itself is what is tested.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.permissions import Resource, Verb

API = "api/v1/"
LIST, ONE = {"GET": Verb.LIST}, {"GET": Verb.READ}
ADD = {"POST": Verb.CREATE}
CHANGE = {"PATCH": Verb.UPDATE}
REMOVE = {"DELETE": Verb.DELETE}
Bodies = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class ApiRoute:
    """One address: what it shows, which method does what, and what a valid request has."""

    resource: Resource
    verbs: Mapping[str, Verb]
    row: str = ""
    """Of which records the address names one; `api_rows` makes them."""
    bodies: Bodies = field(default_factory=dict)
    """A valid body by method; `$patient` stands for the id of a patient of the nurse."""
    query: str = ""
    patients: bool = False
    """Whether answers tell of patients, so that each names them in an event."""
    for_keys: Resource | None = None
    """What it is for a key, if that is something else."""


def visit_act(resource: Resource, verb: Verb, **body: Any) -> ApiRoute:
    """Return an act on a visit."""
    return ApiRoute(
        resource, {"POST": verb}, row="appointment", bodies={"POST": body}, patients=True
    )


BOOKING = {
    "patient": "$patient",
    "nurse": "$nurse",
    "start": "2026-03-09T10:00:00-04:00",
    "visit_type": "routine",
}
MOVE = {"start": "2026-03-09T11:00:00-04:00"}

VISITS = {
    "appointments/": ApiRoute(
        Resource.APPOINTMENT, LIST | ADD, bodies={"POST": BOOKING}, patients=True
    ),
    "appointments/<uuid:pk>/": ApiRoute(
        Resource.APPOINTMENT,
        ONE | CHANGE | REMOVE,
        row="appointment",
        bodies={"PATCH": MOVE},
        patients=True,
    ),
    "appointments/<uuid:pk>/cancellation/": visit_act(Resource.APPOINTMENT, Verb.DELETE),
    "appointments/<uuid:pk>/rescheduling/": visit_act(Resource.APPOINTMENT, Verb.UPDATE, **MOVE),
    "appointments/<uuid:pk>/attendance-confirmation/": visit_act(Resource.ATTENDANCE, Verb.UPDATE),
    "appointments/<uuid:pk>/arrival/": visit_act(Resource.ATTENDANCE, Verb.UPDATE),
    "appointments/<uuid:pk>/fulfilment/": visit_act(Resource.ATTENDANCE, Verb.UPDATE),
    "appointments/<uuid:pk>/no-show/": visit_act(Resource.ATTENDANCE, Verb.UPDATE),
}

API_ROUTES: Mapping[str, ApiRoute] = {
    "api/schema/": ApiRoute(Resource.ACCOUNT, ONE, for_keys=Resource.API_KEY),
    "api/docs/": ApiRoute(Resource.ACCOUNT, ONE, for_keys=Resource.API_KEY),
    f"{API}me/": ApiRoute(Resource.ACCOUNT, ONE, for_keys=Resource.API_KEY),
    f"{API}live-events/": ApiRoute(Resource.LIVE_CALLS, ONE),
} | {f"{API}{path}": route for path, route in VISITS.items()}
"""Behind a login or a key; there is nothing else below `/api/`."""
