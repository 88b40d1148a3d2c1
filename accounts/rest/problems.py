"""What errors look like, and which of them operations may be answered with (contract, section 6)."""

from dataclasses import dataclass
from typing import Any

from rest_framework import serializers

NUMBER = "5f0c6a2e9b7d4c1f8e3a"


class Problem(serializers.Serializer[Any]):
    """What every error looks like; `code` is stable, `detail` is for people. Some bring more: `alternatives`."""

    code = serializers.CharField(help_text="Stable: programs may rely on it.")
    detail = serializers.CharField(help_text="What is wrong, in words for people.")
    request_id = serializers.CharField(help_text="Name it when you ask for help.")


class InvalidProblem(Problem):
    """An error of what was sent, with what is wrong with each field or parameter."""

    def get_fields(self) -> dict[str, Any]:
        """Return the fields; the one more has the name of a property of the framework (contract, section 6)."""
        what = "By field or parameter, what is wrong with it."
        return super().get_fields() | {
            "fields": serializers.DictField(required=False, help_text=what)
        }


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of error: how the schema calls it, when it comes, and an example."""

    name: str
    when: str
    code: str
    detail: str
    more: dict[str, Any] | None = None

    def example(self) -> dict[str, Any]:
        """Return a body."""
        said = {"code": self.code, "detail": self.detail, "request_id": NUMBER}
        return said | (self.more or {})


FAULTS = {
    400: Fault(
        "InvalidRequest",
        "What was sent is not right; `fields` says what of it.",
        "invalid",
        "Some of what was sent is not right.",
        {"fields": {"start": ["This field is required."]}},
    ),
    401: Fault(
        "NotAuthenticated",
        "Nobody is signed in, or the key opens nothing.",
        "not_authenticated",
        "Sign in, or send an API key.",
    ),
    403: Fault(
        "NotAllowed",
        "The role, or the scopes of the key, do not include this.",
        "permission_denied",
        "You may not do this.",
    ),
    404: Fault(
        "NotFound",
        "There is no such record for you.",
        "not_found",
        "There is nothing here that you may see.",
    ),
    406: Fault(
        "NotAcceptable",
        "Answers are JSON; those of analytics are CSV too.",
        "not_acceptable",
        "Answers are JSON; those of analytics are CSV too.",
    ),
    409: Fault(
        "AgainstTheRules",
        "The clinic's rules or another record stand against it; `code` says which.",
        "slot_taken",
        "That time is taken.",
        {
            "alternatives": [
                {
                    "start": "2026-03-06T09:30:00-05:00",
                    "end": "2026-03-06T10:00:00-05:00",
                    "nurse": "9c3b1f6a-2d4e-4f5a-9b8c-7d6e5f4a3b2c",
                    "visit_type": "routine",
                }
            ]
        },
    ),
    412: Fault(
        "Changed",
        "The object has changed since the state that `If-Match` names.",
        "precondition_failed",
        "The object has changed since. Read it again, then decide.",
    ),
    413: Fault(
        "TooLarge", "The body is too large.", "request_too_large", "The request is too long."
    ),
    415: Fault("NotJson", "Send JSON.", "unsupported_media_type", "Send JSON."),
    422: Fault(
        "NotPossible",
        "The time is none on which anything can be, or the `Idempotency-Key` was used for another request.",
        "not_available",
        "The nurse is not available for this visit.",
    ),
    429: Fault(
        "TooMany",
        "Too many requests; wait as many seconds as `Retry-After` says.",
        "throttled",
        "Too many requests. Wait as many seconds as Retry-After says.",
    ),
    503: Fault(
        "Unavailable",
        "Not available just now; nothing was done. Try again.",
        "temporarily_unavailable",
        "This is not available just now. Nothing was shown or changed.",
    ),
}
EVERYWHERE = (400, 401, 403, 406, 429, 503)
WRITING = (409, 413, 415, 422)
