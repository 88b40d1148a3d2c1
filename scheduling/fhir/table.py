"""
What this server knows: resources, what can be done with them, how they are searched.

The one table behind the addresses, the reading of searches and the CapabilityStatement.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

READING = ("read", "search-type")
WRITING = ("create", "update")


@dataclass(frozen=True, slots=True)
class Parameter:
    """
    One search parameter; `type` is FHIR's.

    `targets` are the resources that a reference may lead to. A chained one is found by its dotted name.
    """

    name: str
    type: str
    documentation: str
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ResourceType:
    """One kind of resource."""

    name: str
    parameters: tuple[Parameter, ...]
    interactions: tuple[str, ...] = READING
    includes: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    stored: bool = True
    """Whether it is a row; a slot is computed whenever somebody asks."""

    def parameter(self, name: str) -> Parameter | None:
        """Return a parameter by its name, those of every resource included."""
        everything = (*self.parameters, LAST_UPDATED)
        return next((one for one in everything if one.name == name), None)


ID = Parameter("_id", "token", "The id of the resource")
LAST_UPDATED = Parameter("_lastUpdated", "date", "When the resource changed last")
PRACTITIONER = ("Practitioner",)
ACTORS = ("Practitioner", "PractitionerRole")

RESOURCES: Mapping[str, ResourceType] = MappingProxyType(
    {
        one.name: one
        for one in (
            ResourceType(
                "Patient",
                (
                    ID,
                    Parameter("identifier", "token", "The clinic's reference number, or the id"),
                    Parameter("name", "string", "The beginning of any part of the name"),
                    Parameter("family", "string", "The beginning of the family name"),
                    Parameter("given", "string", "The beginning of the given name"),
                    Parameter("birthdate", "date", "The date of birth"),
                    Parameter("phone", "token", "A whole phone number"),
                ),
            ),
            ResourceType(
                "Practitioner",
                (
                    ID,
                    Parameter("identifier", "token", "The number of the license, or the id"),
                    Parameter("name", "string", "The beginning of any part of the name"),
                    Parameter("active", "token", "Whether the nurse works here"),
                ),
            ),
            ResourceType(
                "PractitionerRole",
                (
                    Parameter("practitioner", "reference", "The nurse", PRACTITIONER),
                    Parameter("specialty", "token", "What the nurse is trained for"),
                    Parameter("active", "token", "Whether the nurse works here"),
                ),
            ),
            ResourceType(
                "Schedule",
                (
                    ID,
                    Parameter("actor", "reference", "The nurse, or the nurse in a role", ACTORS),
                    Parameter("date", "date", "When the calendar can be booked"),
                    Parameter("active", "token", "Whether the calendar is in use"),
                    Parameter("service-type", "token", "A kind of visit that the nurse makes"),
                    Parameter("specialty", "token", "What the nurse is trained for"),
                ),
            ),
            ResourceType(
                "Slot",
                (
                    Parameter("schedule", "reference", "The calendar", ("Schedule",)),
                    Parameter("schedule.actor", "reference", "The calendar's nurse", ACTORS),
                    Parameter(
                        "start",
                        "date",
                        "Needed, with both bounds, at most 31 days apart (such as ge… and lt…)",
                    ),
                    Parameter("status", "token", "Whether the time is free"),
                    Parameter(
                        "service-type", "token", "The kind of visit; without it free times are "
                        "those of a routine visit",
                    ),
                ),
                includes=("Slot:schedule",),
                stored=False,
            ),
            ResourceType(
                "Appointment",
                (
                    ID,
                    Parameter("patient", "reference", "The patient", ("Patient",)),
                    Parameter("practitioner", "reference", "The nurse", PRACTITIONER),
                    Parameter(
                        "actor", "reference", "The patient or the nurse", ("Patient", *ACTORS)
                    ),
                    Parameter("date", "date", "When the visit begins"),
                    Parameter("status", "token", "What became of the visit"),
                    Parameter("service-type", "token", "The kind of visit"),
                    Parameter(
                        "identifier", "token", "The name that was given at creation, with its "
                        "system if it has one, or the id",
                    ),
                ),
                interactions=(*READING, *WRITING),
                includes=("Appointment:patient", "Appointment:practitioner"),
                operations=("find", "hold", "book"),
            ),
        )
    }
)  # fmt: skip
