"""Answers in place of a page, in the form that the asker understands."""

from django.http import HttpRequest, JsonResponse

from carematix.logs import request_id

PROGRAM_PREFIXES = ("/api/", "/fhir/")


def answers_json(request: HttpRequest) -> bool:
    """Return whether a program asks: by the address, or because it takes JSON and no page."""
    if request.path.startswith(PROGRAM_PREFIXES):
        return True
    accept = request.headers.get("Accept", "")
    return "application/json" in accept and "text/html" not in accept


def refusal(code: str, detail: str, *, status: int) -> JsonResponse:
    """Return an error in the shape of the API (contract, section 6)."""
    answer = {"code": code, "detail": detail, "request_id": request_id.get()}
    return JsonResponse(answer, status=status)
