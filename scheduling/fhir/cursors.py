"""
Where a page of a search begins, as an opaque text that only this server can make.

It is signed together with the search, so that it cannot be read, changed, or used for another search.
"""

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.core.signing import BadSignature, Signer

from scheduling.fhir.outcomes import FhirFault
from scheduling.fhir.search import Search

SALT = "scheduling.fhir.cursor"


@dataclass(frozen=True, slots=True)
class Cursor:
    """After which key a page begins, or before which one it ends; the first page has none."""

    search: str
    key: str = ""
    backward: bool = False

    def to(self, key: Any, *, backward: bool) -> str:
        """Return the text of a cursor of the same search at another row."""
        return Signer(salt=SALT).sign_object([self.search, str(key), backward])


def read_cursor(kind: str, search: Search) -> Cursor:
    """
    Return where the page begins.

    Raises:
        FhirFault: 400, the text is none of ours, or it belongs to another search.
    """
    name = _name_of(kind, search)
    if not search.cursor:
        return Cursor(name)
    try:
        owner, key, backward = Signer(salt=SALT).unsign_object(search.cursor)
    except (BadSignature, ValueError) as error:
        raise _unknown() from error
    if owner != name:
        raise _unknown()
    return Cursor(owner, key, backward)


def _name_of(kind: str, search: Search) -> str:
    """Return a short name of a search without its place."""
    kept = sorted(search.kept)
    return sha256(json.dumps([kind, kept]).encode()).hexdigest()[:16]


def _unknown() -> FhirFault:
    return FhirFault(400, "That page is unknown. Begin the search anew.", code="value")
