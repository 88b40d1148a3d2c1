"""
What every request to the API goes through: the policy, and a bound on how bodies are nested (S25, S44).

The framework loads this before its views, so it knows none of them.
"""

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
    """JSON; a body that is nested past reading is no JSON of ours, not an error of the server (S44)."""

    def parse(self, *args: Any, **kwargs: Any) -> Any:
        """
        Return the body's value.

        Raises:
            ParseError: it is not JSON, or nested too deeply.
        """
        try:
            return super().parse(*args, **kwargs)
        except RecursionError as error:
            raise ParseError from error
