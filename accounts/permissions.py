"""
The policy: what each role, and each scope of an API key, may do with which resource; whatever is not written is denied.

The one table behind pages, admin site, API, FHIR and live feeds (security reference, section 3; docs/adr says how its
gaps were read). It knows no Django: what "own" means for a row is settled where rows are read
(`scheduling.selectors.sight`), and who somebody is now in `accounts.access`.
"""

from collections.abc import Iterable, Mapping
from enum import IntEnum, StrEnum
from types import MappingProxyType


class Verb(StrEnum):
    """What can be done; the letters of the reference's table."""

    LIST = "L"
    READ = "R"
    CREATE = "C"
    UPDATE = "U"
    DELETE = "D"
    EXPORT = "X"


class Reach(IntEnum):
    """How far a permission goes; the wider one is the greater."""

    NONE = 0
    OWN = 1
    ANY = 2


class Role(StrEnum):
    """Roles of people; `User.Role` says how they are called."""

    ADMIN = "admin"
    SCHEDULER = "scheduler"
    NURSE = "nurse"


class Resource(StrEnum):
    """What the policy speaks of; a resource may stand for several kinds of rows."""

    PATIENT = "patient"
    """Demographics, with consents and with who may speak for the patient."""
    CLINICAL = "clinical"
    """Conditions and notes. To add or end one is to update the patient's clinical record; none is deleted."""
    CALENDAR = "calendar"
    """Nurses, their hours, holidays, kinds of visit, free times."""
    ASSIGNMENT = "assignment"
    APPOINTMENT = "appointment"
    """Visits, series, holds and wishes on the waitlist."""
    ATTENDANCE = "attendance"
    """The status of a visit: confirmed, arrived, took place, did not come."""
    CALL = "call"
    TRANSCRIPT = "transcript"
    """What was said, and what the assistant did."""
    RECORDING = "recording"
    OUTBOUND_CALL = "outbound_call"
    MESSAGE = "message"
    STAFF_TASK = "staff_task"
    WEBHOOK = "webhook"
    API_KEY = "api_key"
    USER = "user"
    """Accounts, roles, resets of second factors, emergency access."""
    SETTINGS = "settings"
    """Rules, words, prompt, retention, legal holds. To add or drop a row of them is to update the settings."""
    AUDIT = "audit"
    PATIENT_IMPORT = "patient_import"
    APPOINTMENT_IMPORT = "appointment_import"
    LIVE_CALLS = "live_calls"
    LIVE_TRANSCRIPT = "live_transcript"
    ADMIN_SITE = "admin_site"
    ACCOUNT = "account"
    """What everybody has who is signed in: the first page, own password, own look of the pages."""
    FHIR = "fhir"


class Scope(StrEnum):
    """What an API key may be made for (contract, section 8, "Scopes")."""

    PATIENTS_READ = "patients:read"
    PATIENTS_WRITE = "patients:write"
    CLINICAL_READ = "clinical:read"
    SCHEDULE_READ = "schedule:read"
    APPOINTMENTS_READ = "appointments:read"
    APPOINTMENTS_WRITE = "appointments:write"
    CALLS_READ = "calls:read"
    CALLS_CREATE = "calls:create"
    TRANSCRIPTS_READ = "transcripts:read"
    FHIR_READ = "fhir:read"
    FHIR_WRITE = "fhir:write"


Grants = Mapping[Resource, Mapping[Verb, Reach]]


def _grants(rows: Mapping[Resource, str]) -> Grants:
    """
    Read rows such as `LR`, or `LR U:own`: letters of verbs, and after a colon how far those letters go.

    Raises:
        ValueError: a letter or a reach is none.
    """
    return MappingProxyType(
        {resource: MappingProxyType(dict(_cells(row))) for resource, row in rows.items()}
    )


def _cells(row: str) -> Iterable[tuple[Verb, Reach]]:
    for part in row.split():
        letters, _, reach = part.partition(":")
        for letter in letters:
            yield Verb(letter), Reach[(reach or "any").upper()]


R = Resource
ROLES: Mapping[Role, Grants] = MappingProxyType(
    {
        Role.ADMIN: _grants(
            {
                R.PATIENT: "LRCUX",
                R.CLINICAL: "LRU",
                R.CALENDAR: "LRCUD",
                R.ASSIGNMENT: "LRCUD",
                R.APPOINTMENT: "LRCUDX",
                R.ATTENDANCE: "U",
                R.CALL: "LRX",
                R.TRANSCRIPT: "LRX",
                R.RECORDING: "RX",
                R.OUTBOUND_CALL: "C",
                R.MESSAGE: "LRC",
                R.STAFF_TASK: "LRCU",
                R.WEBHOOK: "LRCUD",
                R.API_KEY: "LRCUD",
                R.USER: "LRCUD",
                R.SETTINGS: "LRU",
                R.AUDIT: "LRX",
                R.PATIENT_IMPORT: "LRC",
                R.APPOINTMENT_IMPORT: "LRC",
                R.LIVE_CALLS: "R",
                R.LIVE_TRANSCRIPT: "R",
                R.ADMIN_SITE: "R",
                R.ACCOUNT: "RU",
            }
        ),
        Role.SCHEDULER: _grants(
            {
                R.PATIENT: "LRCU",
                R.CLINICAL: "R",
                R.CALENDAR: "LRCUD",
                R.ASSIGNMENT: "LRCU",
                R.APPOINTMENT: "LRCUD",
                R.ATTENDANCE: "U",
                R.CALL: "LR",
                R.TRANSCRIPT: "R",
                R.OUTBOUND_CALL: "C",
                R.MESSAGE: "LRC",
                R.STAFF_TASK: "LRCU",
                R.APPOINTMENT_IMPORT: "LRC",
                R.LIVE_CALLS: "R",
                R.LIVE_TRANSCRIPT: "R",
                R.ACCOUNT: "RU",
            }
        ),
        Role.NURSE: _grants(
            {
                R.PATIENT: "LR:own",
                R.CLINICAL: "LRU:own",
                R.CALENDAR: "LR U:own",
                R.ASSIGNMENT: "R:own",
                R.APPOINTMENT: "LR:own",
                R.ATTENDANCE: "U:own",
                R.CALL: "LR:own",
                R.TRANSCRIPT: "R:own",
                R.MESSAGE: "LR:own",
                R.LIVE_CALLS: "R:own",
                R.LIVE_TRANSCRIPT: "R:own",
                R.ACCOUNT: "RU",
            }
        ),
    }
)
EVERY_KEY = _grants({R.API_KEY: "R:own"})
SCOPES: Mapping[Scope, Grants] = MappingProxyType(
    {
        Scope.PATIENTS_READ: _grants({R.PATIENT: "LR"}),
        Scope.PATIENTS_WRITE: _grants({R.PATIENT: "CU"}),
        Scope.CLINICAL_READ: _grants({R.CLINICAL: "LR"}),
        Scope.SCHEDULE_READ: _grants({R.CALENDAR: "LR", R.ASSIGNMENT: "LR"}),
        Scope.APPOINTMENTS_READ: _grants({R.APPOINTMENT: "LR"}),
        Scope.APPOINTMENTS_WRITE: _grants({R.APPOINTMENT: "CUD", R.ATTENDANCE: "U"}),
        Scope.CALLS_READ: _grants({R.CALL: "LR", R.LIVE_CALLS: "R"}),
        Scope.CALLS_CREATE: _grants({R.OUTBOUND_CALL: "C"}),
        Scope.TRANSCRIPTS_READ: _grants({R.TRANSCRIPT: "R", R.LIVE_TRANSCRIPT: "R"}),
        Scope.FHIR_READ: _grants({R.FHIR: "LR"}),
        Scope.FHIR_WRITE: _grants({R.FHIR: "CUD"}),
    }
)
MODELS: Mapping[str, Resource] = MappingProxyType(
    {
        "accounts.auditevent": R.AUDIT,
        "accounts.emergencyaccess": R.USER,
        "accounts.legalhold": R.SETTINGS,
        "accounts.user": R.USER,
        "scheduling.appointment": R.APPOINTMENT,
        "scheduling.appointmentchange": R.APPOINTMENT,
        "scheduling.appointmentseries": R.APPOINTMENT,
        "scheduling.availability": R.CALENDAR,
        "scheduling.availabilityoverride": R.CALENDAR,
        "scheduling.calendarfeed": R.CALENDAR,
        "scheduling.careassignment": R.ASSIGNMENT,
        "scheduling.clinic": R.SETTINGS,
        "scheduling.consent": R.PATIENT,
        "scheduling.dataimport": R.PATIENT_IMPORT,
        "scheduling.freedtime": R.APPOINTMENT,
        "scheduling.holiday": R.CALENDAR,
        "scheduling.medicalcondition": R.CLINICAL,
        "scheduling.message": R.MESSAGE,
        "scheduling.messagetemplate": R.SETTINGS,
        "scheduling.nurse": R.CALENDAR,
        "scheduling.openinghours": R.SETTINGS,
        "scheduling.patient": R.PATIENT,
        "scheduling.patientrelation": R.PATIENT,
        "scheduling.purgerun": R.SETTINGS,
        "scheduling.slothold": R.APPOINTMENT,
        "scheduling.specialization": R.CALENDAR,
        "scheduling.stafftask": R.STAFF_TASK,
        "scheduling.visittype": R.CALENDAR,
        "scheduling.waitlistentry": R.APPOINTMENT,
        "scheduling.waitlistoffer": R.APPOINTMENT,
        "scheduling.webhookdelivery": R.WEBHOOK,
        "scheduling.webhookendpoint": R.WEBHOOK,
        "voice.calllog": R.CALL,
        "voice.liveevent": R.LIVE_CALLS,
        "voice.promptversion": R.SETTINGS,
        "voice.toolcall": R.TRANSCRIPT,
        "voice.transcriptentry": R.TRANSCRIPT,
    }
)
"""Which resource the rows of a model are; rows of a model that is not listed are open to nobody."""

_DJANGO_VERBS = {
    "view": Verb.READ,
    "add": Verb.CREATE,
    "change": Verb.UPDATE,
    "delete": Verb.DELETE,
}
_PARTS_OF_A_WHOLE = {R.CLINICAL: {"add"}, R.SETTINGS: {"add", "delete"}}
"""Whose rows are parts of one record: these acts on a row are updates of the record."""


def reach(role: str, verb: Verb, resource: Resource) -> Reach:
    """Return how far a role may do something; an unknown role reaches nothing."""
    try:
        grants = ROLES[Role(role)]
    except ValueError:
        return Reach.NONE
    return _reach(grants, verb, resource)


def may(role: str, verb: Verb, resource: Resource) -> bool:
    """Tell whether a role may do something with a resource at all: with any row of it, or with own ones."""
    return reach(role, verb, resource) is not Reach.NONE


def key_reach(scopes: Iterable[str], verb: Verb, resource: Resource) -> Reach:
    """Return how far an API key with these scopes may do something; unknown scopes add nothing."""
    known = [SCOPES[Scope(scope)] for scope in scopes if scope in _SCOPE_NAMES]
    return max(_reach(grants, verb, resource) for grants in (EVERY_KEY, *known))


def django_permission(role: str, permission: str) -> bool:
    """
    Answer Django's question, such as `scheduling.change_patient`, from the table.

    The admin site asks it for every page, inline and action; it has no rows that belong to one nurse, so only a
    permission for any row counts.
    """
    app, _, codename = permission.partition(".")
    act, _, model = codename.partition("_")
    resource = MODELS.get(f"{app}.{model}")
    verb = _DJANGO_VERBS.get(act)
    if resource is None or verb is None:
        return False
    if act in _PARTS_OF_A_WHOLE.get(resource, ()):
        verb = Verb.UPDATE
    return reach(role, verb, resource) is Reach.ANY


def _reach(grants: Grants, verb: Verb, resource: Resource) -> Reach:
    return grants.get(resource, {}).get(verb, Reach.NONE)


_SCOPE_NAMES = frozenset(scope.value for scope in Scope)
