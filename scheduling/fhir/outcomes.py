"""What went wrong, as FHIR says it: an OperationOutcome (FHIR R4, section 3.1.0.1.8 and `issue-type`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

ISSUE_OF_STATUS: Mapping[int, str] = MappingProxyType(
    {
        400: "invalid",
        401: "login",
        403: "forbidden",
        404: "not-found",
        405: "not-supported",
        406: "not-supported",
        408: "timeout",
        409: "conflict",
        412: "conflict",
        413: "too-long",
        415: "not-supported",
        422: "business-rule",
        429: "throttled",
        500: "exception",
        503: "transient",
    }
)
"""The usual code of an issue, by the status of the answer."""


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong; `expression` is where in the resource, or which parameter."""

    code: str
    text: str
    expression: str = ""
    severity: str = "error"


class FhirFault(Exception):
    """A request that is answered with an OperationOutcome; words are ours and repeat nothing that was sent."""

    def __init__(self, status: int, text: str, *, code: str = "", expression: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.issue = Issue(code or ISSUE_OF_STATUS[status], text, expression)


def operation_outcome(issues: Sequence[Issue]) -> dict[str, Any]:
    """Return the resource that tells of issues; there is at least one."""
    return {"resourceType": "OperationOutcome", "issue": [_issue(one) for one in issues]}


def outcome_of_status(status: int, text: str) -> dict[str, Any]:
    """Return the resource for a fault of which only the status of the answer is known."""
    return operation_outcome([Issue(ISSUE_OF_STATUS.get(status, "processing"), text)])


def _issue(issue: Issue) -> dict[str, Any]:
    drawn: dict[str, Any] = {
        "severity": issue.severity,
        "code": issue.code,
        "details": {"text": issue.text},
    }
    if issue.expression:
        drawn["expression"] = [issue.expression]
    return drawn
