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
    nobodys_own: bool = False
    """Whether such records belong to no nurse, so that what ends at own ones opens nothing."""
    senders_own: bool = False
    """Whether everybody sees what they made themselves, and nothing else whatever the role reaches."""


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

R = Resource


def reads(
    name: str, resource: Resource, row: str, *, patients: bool = False, **more: Any
) -> dict[str, ApiRoute]:
    """Return a list and its objects, to be read."""
    return {
        f"{name}/": ApiRoute(resource, LIST, patients=patients, **more),
        f"{name}/<uuid:pk>/": ApiRoute(resource, ONE, row=row, patients=patients, **more),
    }


def kept(
    name: str,
    resource: Resource,
    row: str,
    *,
    new: Mapping[str, Any],
    change: Mapping[str, Any],
    patients: bool = False,
    adding: Verb = Verb.CREATE,
    removing: bool = True,
    **more: Any,
) -> dict[str, ApiRoute]:
    """Return a list that takes new ones, and its objects that can be changed and mostly removed."""
    changes = CHANGE | (REMOVE if removing else {})
    listed, one = {"POST": new}, {"PATCH": change}
    return {
        f"{name}/": ApiRoute(
            resource, LIST | {"POST": adding}, bodies=listed, patients=patients, **more
        ),
        f"{name}/<uuid:pk>/": ApiRoute(
            resource, ONE | changes, row=row, bodies=one, patients=patients, **more
        ),
    }


def act(
    resource: Resource, row: str, verb: Verb = Verb.UPDATE, *, patients: bool = False, **more: Any
) -> ApiRoute:
    """Return an act on a record, with an empty body."""
    return ApiRoute(resource, {"POST": verb}, row=row, patients=patients, **more)


NURSE = {
    "first_name": "Priya",
    "last_name": "Shah",
    "license_number": "RN482913",
    "license_state": "NY",
    "license_expires_on": "2027-12-31",
}
HOURS = {"nurse": "$nurse", "weekday": 5, "start": "09:00:00", "end": "12:00:00"}
TIME_OFF = {
    "nurse": "$nurse",
    "effect": "remove",
    "starts_at": "2026-08-03T00:00:00-04:00",
    "ends_at": "2026-08-04T00:00:00-04:00",
}
PERSON = {
    "first_name": "Ana",
    "last_name": "Morales",
    "date_of_birth": "1958-04-12",
    "phone": "+12025550118",
}
HOLD = {"nurse": "$nurse", "start": BOOKING["start"], "patient": "$patient"}
WISH = {"patient": "$other_patient", "earliest": "2026-03-09", "latest": "2026-03-20"}

CALENDARS = (
    kept("nurses", R.CALENDAR, "nurse", new=NURSE, change={"daily_cap": 6})
    | kept("availability", R.CALENDAR, "availability", new=HOURS, change={"end": "16:00:00"})
    | kept(
        "availability-overrides",
        R.CALENDAR,
        "override",
        new=TIME_OFF,
        change={"ends_at": "2026-07-08T00:00:00-04:00"},
    )
    | kept(
        "specializations",
        R.CALENDAR,
        "specialization",
        new={"code": "wound-care", "name": "Wound care"},
        change={"name": "Wounds"},
        nobodys_own=True,
    )
    | kept(
        "visit-types",
        R.CALENDAR,
        "visit_type",
        new={"code": "wound_care", "name": "Wound care", "length_minutes": 45},
        change={"length_minutes": 60},
        nobodys_own=True,
    )
    | kept(
        "holidays",
        R.CALENDAR,
        "holiday",
        new={"date": "2026-07-03", "name": "Independence Day (observed)"},
        change={"name": "Day of rest"},
        nobodys_own=True,
    )
)
PEOPLE = (
    kept(
        "patients",
        R.PATIENT,
        "patient",
        new=PERSON,
        change={"phone": "+12025550119"},
        removing=False,
        patients=True,
    )
    | {
        "patients/search/": ApiRoute(
            R.PATIENT, {"POST": Verb.LIST}, bodies={"POST": {"name": "number"}}, patients=True
        )
    }
    | kept(
        "conditions",
        R.CLINICAL,
        "condition",
        new={"patient": "$patient", "name": "Asthma"},
        change={"status": "resolved"},
        adding=Verb.UPDATE,
        removing=False,
        patients=True,
    )
    | kept(
        "care-assignments",
        R.ASSIGNMENT,
        "assignment",
        new={"patient": "$patient", "nurse": "$other_nurse"},
        change={"primary": True},
        patients=True,
    )
)
WAITING = kept(
    "waitlist",
    R.APPOINTMENT,
    "wish",
    new=WISH,
    change={"priority": 1},
    patients=True,
    nobodys_own=True,
) | {
    "waitlist/<uuid:pk>/offer/": ApiRoute(
        R.APPOINTMENT, ONE, row="wish", patients=True, nobodys_own=True
    ),
    "waitlist/<uuid:pk>/offer/acceptance/": act(
        R.APPOINTMENT, "wish", Verb.CREATE, patients=True, nobodys_own=True
    ),
    "waitlist/<uuid:pk>/offer/refusal/": act(
        R.APPOINTMENT, "wish", patients=True, nobodys_own=True
    ),
    "slots/": ApiRoute(R.CALENDAR, LIST),
    "slot-holds/": ApiRoute(
        R.APPOINTMENT, LIST | ADD, bodies={"POST": HOLD}, patients=True, nobodys_own=True
    ),
    "slot-holds/<uuid:pk>/": ApiRoute(
        R.APPOINTMENT,
        ONE | REMOVE,
        row="hold",
        patients=True,
        nobodys_own=True,
        senders_own=True,
    ),
}
TOLD = (
    reads("messages", R.MESSAGE, "message", patients=True)
    | {
        "messages/": ApiRoute(
            R.MESSAGE, LIST | ADD, bodies={"POST": {"appointment": "$told_visit"}}, patients=True
        )
    }
    | kept(
        "staff-tasks",
        R.STAFF_TASK,
        "task",
        new={"topic": "medication", "text": "Call back.", "patient": "$patient"},
        change={"urgency": "now"},
        removing=False,
        patients=True,
    )
    | {"staff-tasks/<uuid:pk>/completion/": act(R.STAFF_TASK, "task", patients=True)}
    | reads("calls", R.CALL, "call", patients=True)
    | {
        f"calls/<uuid:pk>/{part}/": ApiRoute(R.TRANSCRIPT, ONE, row="call", patients=True)
        for part in ("transcript", "tool-calls")
    }
    | {
        f"analytics/{name}/": ApiRoute(resource, LIST)
        for resource, names in {
            R.CALL: ("calls", "outcomes", "costs", "latency"),
            R.APPOINTMENT: (
                "no-shows",
                "reminders",
                "waiting-times",
                "first-openings",
                "utilisation",
            ),
        }.items()
        for name in names
    }
)
ENDPOINT = {"url": "https://records.example/hooks/carematix", "events": ["appointment.*"]}
MANAGED = (
    kept(
        "api-keys",
        R.API_KEY,
        "key",
        new={"name": "Portal", "scopes": ["schedule:read"]},
        change={"networks": ["192.0.2.7"]},
    )
    | {
        "audit-events/": ApiRoute(R.AUDIT, LIST),
        "audit-events/<int:pk>/": ApiRoute(R.AUDIT, ONE, row="event"),
    }
    | kept("webhook-endpoints", R.WEBHOOK, "endpoint", new=ENDPOINT, change={"name": "Records"})
    | {
        "webhook-endpoints/<uuid:pk>/secret-rotation/": act(R.WEBHOOK, "endpoint"),
        "webhook-endpoints/<uuid:pk>/test/": act(R.WEBHOOK, "endpoint"),
    }
    | reads("webhook-deliveries", R.WEBHOOK, "delivery")
    | {"webhook-deliveries/<uuid:pk>/replay/": act(R.WEBHOOK, "delivery")}
)
RESOURCES = VISITS | CALENDARS | PEOPLE | WAITING | TOLD | MANAGED

API_ROUTES: Mapping[str, ApiRoute] = {
    "api/schema/": ApiRoute(Resource.ACCOUNT, ONE, for_keys=Resource.API_KEY),
    **{
        f"api/docs/{page}": ApiRoute(Resource.ACCOUNT, ONE, for_keys=Resource.API_KEY)
        for page in ("", "api.md", "webhooks.md", "fhir.md", "live-feed.md")
    },
    f"{API}me/": ApiRoute(Resource.ACCOUNT, ONE, for_keys=Resource.API_KEY),
    f"{API}live-events/": ApiRoute(Resource.LIVE_CALLS, ONE),
} | {f"{API}{path}": route for path, route in RESOURCES.items()}
"""Behind a login or a key; there is nothing else below `/api/`."""
