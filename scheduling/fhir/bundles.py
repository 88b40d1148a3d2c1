"""The answer to a search: a Bundle of matches and what was to be included, with links to its neighbours."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from scheduling.fhir.search import CURSOR, Search
from scheduling.fhir.site import Site


@dataclass(frozen=True, slots=True)
class Page:
    """One page of what was found: `before` and `after` are the cursors of its neighbours, empty if there are none."""

    matches: Sequence[dict[str, Any]]
    total: int
    included: Sequence[dict[str, Any]] = ()
    before: str = ""
    after: str = ""


def searchset(page: Page, search: Search, *, kind: str, site: Site) -> dict[str, Any]:
    """Return the Bundle of a page."""
    links = [{"relation": "self", "url": _address(search, kind, site, search.cursor)}]
    for relation, cursor in (("next", page.after), ("previous", page.before)):
        if cursor:
            links.append({"relation": relation, "url": _address(search, kind, site, cursor)})
    entries = [*_entries(page.matches, "match", site), *_entries(page.included, "include", site)]
    drawn: dict[str, Any] = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": page.total,
        "link": links,
    }
    return drawn | ({"entry": entries} if entries else {})


def full_url(resource: dict[str, Any], site: Site) -> str:
    """Return the address of a resource."""
    return f"{site.base}/{resource['resourceType']}/{resource['id']}"


def _entries(
    resources: Iterable[dict[str, Any]], mode: str, site: Site
) -> Iterable[dict[str, Any]]:
    for resource in resources:
        yield {
            "fullUrl": full_url(resource, site),
            "resource": resource,
            "search": {"mode": mode},
        }


def _address(search: Search, kind: str, site: Site, cursor: str) -> str:
    query = urlencode([*search.kept, *([(CURSOR, cursor)] if cursor else [])])
    return f"{site.base}/{kind}" + (f"?{query}" if query else "")
