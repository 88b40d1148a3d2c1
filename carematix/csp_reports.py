"""`/csp-report/`: where browsers report what the content policy refused (S38)."""

import json
import logging

from csp.utils import DEFAULT_DIRECTIVES
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

logger = logging.getLogger("carematix.csp")

SHOWN_BYTES = 8_192


@csrf_exempt  # browsers send reports without a token; nothing is changed by one
@require_POST
def csp_report(request: HttpRequest) -> HttpResponse:
    """Log which directive was broken, from people who are signed in; addresses and samples may quote patients."""
    if not request.user.is_authenticated:
        return HttpResponse(status=403)
    logger.warning("carematix.csp.violation", extra={"reason": _directive(request.body)})
    return HttpResponse(status=204)


def _directive(body: bytes) -> str:
    """Return the broken directive's name if it is one that exists."""
    try:
        report = json.loads(body[:SHOWN_BYTES])["csp-report"]
        name = str(report.get("effective-directive") or report.get("violated-directive"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "unreadable"
    first = name.partition(" ")[0]
    return first if first in DEFAULT_DIRECTIVES else "unknown"
