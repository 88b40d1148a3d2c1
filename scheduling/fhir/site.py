"""The names that the clinic gives its own things: systems of identifiers and codes, and references."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

URI = "urn:ietf:rfc:3986"
"""The system of identifiers that are addresses themselves, such as `urn:uuid:…`."""
LANGUAGES = "urn:ietf:bcp:47"
HL7 = "http://terminology.hl7.org/CodeSystem"


@dataclass(frozen=True, slots=True)
class Site:
    """
    Where the clinic is: `base` as the client called it, for links; `home` as it is set, for names that must stay.

    Both end in `/fhir/R4`.
    """

    base: str
    home: str

    @property
    def patient_references(self) -> str:
        return f"{self.home}/NamingSystem/patient-reference"

    @property
    def visit_types(self) -> str:
        return f"{self.home}/CodeSystem/visit-type"

    @property
    def specializations(self) -> str:
        return f"{self.home}/CodeSystem/specialization"

    @property
    def cancellation_reasons(self) -> str:
        return f"{self.home}/CodeSystem/cancellation-reason"

    def licenses(self, state: str) -> str:
        """Return the system of the license numbers of a state, two letters."""
        return f"{self.home}/NamingSystem/nursing-license-{state}"


def reference(kind: str, row_id: object, display: str = "") -> dict[str, Any]:
    """Return a reference to a resource of ours."""
    return {"reference": f"{kind}/{row_id}"} | ({"display": display} if display else {})


def concept(system: str, code: str, display: str) -> dict[str, Any]:
    """Return a code with its words."""
    coding = {"system": system, "code": code, "display": display}
    return {"coding": [coding], "text": display}


def uuid_identifier(row_id: UUID) -> dict[str, Any]:
    """Return the identifier that every row has: its own id."""
    return {"system": URI, "value": f"urn:uuid:{row_id}"}
