"""
How another system's name for a visit leads to it: the id follows from the name.

So the same name always means the same visit, the primary key refuses a second one however many clients try at once,
and finding it is one look at the key. A name that is a UUID already (`urn:ietf:rfc:3986`, `urn:uuid:…`) is the id.
"""

from uuid import UUID, uuid5

from scheduling.fhir.site import URI

NAMES = UUID("5f0c2f5e-4d0a-5c53-9d0b-6a1b7e9c2d41")
"""Under which names become ids; it never changes."""
URN = "urn:uuid:"


def row_id(system: str, value: str) -> UUID:
    """Return the id of the visit that has a name."""
    if system == URI and value.startswith(URN):
        try:
            return UUID(value.removeprefix(URN))
        except ValueError:
            pass
    return uuid5(NAMES, f"{system}|{value}")
