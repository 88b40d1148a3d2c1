"""What this server can do, as a CapabilityStatement (FHIR R4, section 5.1), drawn from the table of resources."""

from typing import Any

from scheduling.fhir.site import Site
from scheduling.fhir.table import LAST_UPDATED, RESOURCES, ResourceType

CHANGED_ON = "2026-11-25"
"""When what the server can do changed last."""
MEDIA_TYPES = ("application/fhir+json", "application/json")
FHIR_VERSION = "4.0.1"
OPERATIONS = "https://profiles.ihe.net/ITI/Scheduling/OperationDefinition"
SECURITY = "Send an API key with the scope fhir:read or fhir:write in the header Authorization, as a bearer token."


def capability_statement(site: Site, *, name: str) -> dict[str, Any]:
    """Return the statement of the clinic with that name."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": CHANGED_ON,
        "kind": "instance",
        "fhirVersion": FHIR_VERSION,
        "format": list(MEDIA_TYPES),
        "software": {"name": "Carematix"},
        "implementation": {"description": f"Appointments of {name}", "url": site.base},
        "rest": [
            {
                "mode": "server",
                "security": {
                    "service": [{"text": "API key as bearer token"}],
                    "description": SECURITY,
                },
                "resource": [_resource(kind) for kind in RESOURCES.values()],
            }
        ],
    }


def _resource(kind: ResourceType) -> dict[str, Any]:
    drawn: dict[str, Any] = {
        "type": kind.name,
        "interaction": [{"code": code} for code in kind.interactions],
        "searchParam": [
            {"name": one.name, "type": one.type, "documentation": one.documentation}
            for one in (*kind.parameters, LAST_UPDATED)
            if "." not in one.name
        ],
    }
    if "update" in kind.interactions:
        drawn |= {"versioning": "versioned", "conditionalCreate": True, "updateCreate": False}
    else:
        drawn["versioning"] = "no-version"
    if kind.operations:
        drawn["operation"] = [
            {"name": name, "definition": f"{OPERATIONS}/appointment-{name}"}
            for name in kind.operations
        ]
    if kind.includes:
        drawn["searchInclude"] = list(kind.includes)
    return drawn
