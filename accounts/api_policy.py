"""
What every request to the API goes through: the policy, and a bound on how bodies are nested (S25, S44).

The framework loads this before its views, so it knows none of them.
"""

import json
import math
from typing import Any

from rest_framework.exceptions import MethodNotAllowed, ParseError
from rest_framework.parsers import JSONParser
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.access import viewer_of_request


class PolicyPermission(BasePermission):
    """
    Ask the policy whether the person, or the key with its scopes, may do what the method does with the resource.

    The view still has to read through the selectors of what is seen, for a role may end at own rows.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        """
        Answer for a view that says what it is; one that does not is open to nobody.

        Raises:
            MethodNotAllowed: the view has no such method.
        """
        if not request.user.is_authenticated or not hasattr(view, "verbs"):
            return False
        verb = view.verbs.get(request.method or "")
        if verb is None:
            raise MethodNotAllowed(request.method or "")
        return viewer_of_request(request).may(verb, view.resource_of(request))


class BoundedJSONParser(JSONParser):
    """
    JSON of which the database can hold every value, and which everybody reads alike (RFC 8259, sections 4 and 8).

    Names that come twice, numbers that are none, halves of characters and NUL are refused here once and for all
    addresses; so is what is nested past reading: it is no error of the server (S44).
    """

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        """
        Return the body's value.

        Raises:
            ParseError: it is not JSON, nested too deeply, or holds what cannot be stored.
        """
        try:
            value = json.loads(
                stream.read().decode(),
                object_pairs_hook=_object,
                parse_float=_finite,
                parse_constant=_finite,
            )
            _check_texts(value)
        except (ValueError, RecursionError) as error:
            raise ParseError from error
        return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object; of two values under one name readers would choose different ones."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name comes twice")
    return found


def _finite(text: str) -> float:
    """Return the number; `NaN` and what is beyond all bounds are none in JSON."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("not a number")
    return number


def _check_texts(value: Any) -> None:
    """Refuse texts that no database holds: with NUL, or with halves of characters (`UnicodeError` is a ValueError)."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            waiting += [*part.keys(), *part.values()]
        elif isinstance(part, list):
            waiting += part
        elif isinstance(part, str) and b"\0" in part.encode():
            raise ValueError("a text with NUL")
