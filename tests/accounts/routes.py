"""
What every address of the product is for: the resource, and the verb of each method that it takes.

`test_matrix` walks the URL conf and fails on an address that is not here, so a new page cannot be forgotten: decide
what it is before it can be opened. Addresses of the admin site follow from their models (`admin_route`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from django.contrib import admin
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.permissions import MODELS, Resource, Verb
from scheduling.fhir.table import RESOURCES


@dataclass(frozen=True)
class Route:
    """One address: what it shows, which method does what, and whose it is."""

    resource: Resource
    verbs: Mapping[str, Verb]
    data: Mapping[str, str] = field(default_factory=dict)
    """What a valid form sends."""
    patients: bool = False
    """Whether it shows patients, so that every answer is an event."""
    own_only: bool = False
    """Whether it acts on what is one's own, and on nothing else whatever the role reaches."""


def reads(resource: Resource, verb: Verb = Verb.READ, *, patients: bool = False) -> Route:
    """Return a page that is only looked at."""
    return Route(resource, {"GET": verb}, patients=patients)


def searched(resource: Resource) -> Route:
    """Return a list of patients, searched by a form."""
    return Route(
        resource, {"GET": Verb.LIST, "POST": Verb.LIST}, data={"search": "a"}, patients=True
    )


def account() -> Route:
    """Return a page of one's own account: the own password, app and sessions."""
    return Route(Resource.ACCOUNT, {"GET": Verb.READ, "POST": Verb.UPDATE})


def acts(verb: Verb, resource: Resource, *, asks: bool = False, **data: str) -> Route:
    """Return an address that does something; one that asks first can be looked at."""
    verbs = {"GET": verb, "POST": verb} if asks else {"POST": verb}
    return Route(resource, verbs, data=data)


def _fhir_routes() -> dict[str, Route]:
    """Return the doors of FHIR, which are for keys: people get their data from pages and from the API."""
    root, found = "fhir/R4/", {}
    for name, kind in RESOURCES.items():
        writes = {"POST": Verb.CREATE} if "create" in kind.interactions else {}
        changes = {"PUT": Verb.UPDATE} if "update" in kind.interactions else {}
        form = "str" if name in {"PractitionerRole", "Slot"} else "uuid"
        found[f"{root}{name}"] = Route(Resource.FHIR, {"GET": Verb.LIST} | writes)
        found[f"{root}{name}/_search"] = acts(Verb.LIST, Resource.FHIR)
        found[f"{root}{name}/<{form}:row_id>"] = Route(Resource.FHIR, {"GET": Verb.READ} | changes)
    version = f"{root}Appointment/<uuid:row_id>/_history/<str:version>"
    return found | {
        version: reads(Resource.FHIR),
        f"{root}Appointment/$find": Route(Resource.FHIR, {"GET": Verb.LIST, "POST": Verb.LIST}),
        f"{root}Appointment/$hold": acts(Verb.CREATE, Resource.FHIR),
        f"{root}Appointment/$book": acts(Verb.CREATE, Resource.FHIR),
        f"{root}metadata": reads(Resource.ACCOUNT),
        f"{root}^.*$": reads(Resource.ACCOUNT),  # nothing is there, for everybody who is known
    }


ROUTES: Mapping[str, Route] = {
    "": reads(Resource.ACCOUNT),
    "dashboard/": reads(Resource.ACCOUNT),
    "dashboard/calls/": searched(Resource.CALL),
    "dashboard/calls/<uuid:call_id>/": reads(Resource.CALL, patients=True),
    "dashboard/appointments/": searched(Resource.APPOINTMENT),
    "dashboard/theme/": acts(Verb.UPDATE, Resource.ACCOUNT, theme="dark"),
    "dashboard/users/": reads(Resource.USER, Verb.LIST),
    "dashboard/users/invitation/": acts(Verb.CREATE, Resource.USER, asks=True),
    "dashboard/users/<uuid:user_id>/": reads(Resource.USER),
    "dashboard/users/<uuid:user_id>/role/": acts(Verb.UPDATE, Resource.USER, role="nurse"),
    "dashboard/users/<uuid:user_id>/deactivation/": acts(Verb.UPDATE, Resource.USER, asks=True),
    "dashboard/users/<uuid:user_id>/reactivation/": acts(Verb.UPDATE, Resource.USER),
    "dashboard/users/<uuid:user_id>/second-factor-reset/": acts(
        Verb.UPDATE, Resource.USER, asks=True
    ),
    "dashboard/users/<uuid:user_id>/unlocking/": acts(Verb.UPDATE, Resource.USER),
    "dashboard/api-keys/": reads(Resource.API_KEY, Verb.LIST),
    "dashboard/api-keys/creation/": acts(
        Verb.CREATE, Resource.API_KEY, asks=True, name="Portal", scopes="patients:read", days="90"
    ),
    "dashboard/api-keys/<uuid:key_id>/revocation/": acts(Verb.DELETE, Resource.API_KEY, asks=True),
    "dashboard/emergency/": acts(Verb.CREATE, Resource.USER, asks=True),
    "dashboard/emergency/<uuid:access_id>/end/": acts(Verb.CREATE, Resource.USER),
    "dashboard/audit/": searched(Resource.AUDIT),
    "dashboard/audit/export/": acts(Verb.EXPORT, Resource.AUDIT, format="csv"),
    **_fhir_routes(),
    "dashboard/privacy/": Route(
        Resource.SETTINGS, {"GET": Verb.READ, "POST": Verb.READ}, data={"search": "a"}
    ),
    "dashboard/privacy/patients/<uuid:patient_id>/": reads(Resource.SETTINGS, patients=True),
    "dashboard/privacy/patients/<uuid:patient_id>/holds/": acts(
        Verb.UPDATE, Resource.SETTINGS, reason="A test of the matrix"
    ),
    "dashboard/privacy/patients/<uuid:patient_id>/holds/<uuid:hold_id>/lifting/": acts(
        Verb.UPDATE, Resource.SETTINGS, reason="A test of the matrix"
    ),
    "dashboard/privacy/patients/<uuid:patient_id>/calls/": acts(
        Verb.UPDATE, Resource.PATIENT, granted="no", wording="Do not call me"
    ),
    "dashboard/privacy/patients/<uuid:patient_id>/export/": acts(Verb.EXPORT, Resource.PATIENT),
    "dashboard/privacy/patients/<uuid:patient_id>/erasure/": acts(
        Verb.UPDATE, Resource.SETTINGS, reason="A test of the matrix"
    ),
    "dashboard/privacy/calls/<uuid:call_id>/": reads(Resource.SETTINGS, patients=True),
    "dashboard/privacy/calls/<uuid:call_id>/holds/": acts(
        Verb.UPDATE, Resource.SETTINGS, reason="A test of the matrix"
    ),
    "dashboard/privacy/calls/<uuid:call_id>/holds/<uuid:hold_id>/lifting/": acts(
        Verb.UPDATE, Resource.SETTINGS, reason="A test of the matrix"
    ),
    "dashboard/privacy/calls/<uuid:call_id>/patient/": acts(
        Verb.UPDATE, Resource.SETTINGS, reason="A test of the matrix"
    ),
    "accounts/calendar/": Route(
        Resource.CALENDAR, {"GET": Verb.READ, "POST": Verb.UPDATE}, own_only=True
    ),
    "accounts/logout/": account(),
    "accounts/reauthenticate/": account(),
    "accounts/recovery-codes/": account(),
    "accounts/sessions/": account(),
    "accounts/session/": account(),
    "accounts/session/extension/": account(),
    "accounts/password/change/": account(),
}
"""Behind the login."""

OPEN = {
    "accounts/login/",
    "accounts/login/enrol/",
    "accounts/login/code/",
    "accounts/password/reset/",
    "accounts/password/reset/done/",
    "accounts/^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
    "health/live",
}
"""For anybody: the way in, and the sign of life (S25)."""

OWN_GUARD = {
    "calendars/<str:token>.ics",  # a secret in the address
    "csp-report/",  # a browser reports by itself and gets nothing back
    "health/ready",  # operators' addresses
}
"""Not for people who sign in; each has tests of its own."""

CARRIER = "twilio/"
ADMIN = "admin/"
API = "api/"  # for programs as well: `api_routes`
ADMIN_VERBS = {
    "changelist": Verb.READ,
    "add": Verb.CREATE,
    "history": Verb.READ,
    "delete": Verb.DELETE,
    "change": Verb.READ,
}

SOCKETS = {
    r"^ws/media-stream/?$": None,  # the carrier's, behind its signature
    r"^ws/live/?$": Resource.LIVE_CALLS,
}
"""Every socket with what it shows to people who are signed in."""


def all_routes() -> Iterator[tuple[str, URLPattern]]:
    """Yield every address of the URL conf as it is written there."""
    yield from _walk(get_resolver().url_patterns, "")


def _walk(
    patterns: list[URLPattern | URLResolver], before: str
) -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        here = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, here)
        else:
            yield here, pattern


def admin_resources() -> dict[str, tuple[Resource, Verb]]:
    """Return, by the name of the address, what the usual pages of every model in the admin site are."""
    found = {}
    for model in admin.site._registry:
        meta = model._meta
        resource = MODELS[meta.label_lower]
        for page, verb in ADMIN_VERBS.items():
            found[f"{meta.app_label}_{meta.model_name}_{page}"] = (resource, verb)
    return found
