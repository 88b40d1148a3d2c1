"""Twilio's doors for texts: one that came, and what became of one that we sent. The signature was checked before."""

import logging
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from twilio.twiml.messaging_response import MessagingResponse

from scheduling.clock import clinic_now
from scheduling.services.delivery import record_delivery_status
from scheduling.services.texts import receive_text
from voice.models import WebhookReceipt

logger = logging.getLogger(__name__)
LONGEST_SID = 64


def sms(request: HttpRequest) -> HttpResponse:
    """
    Take a text, once; the answer is always the same empty document (S15).

    What we say in return is a message of the outbox, so that it is sent once, seen and reported on like any other.
    """
    fields = request.POST
    sid = fields.get("MessageSid", "")
    if not 0 < len(sid) <= LONGEST_SID or not _for_us(fields):
        logger.warning("voice.text.rejected", extra={"reason": "other_number" if sid else "no_sid"})
        return _nothing_to_say()
    with transaction.atomic():
        _, new = WebhookReceipt.objects.get_or_create(call_sid=sid, kind="sms", key="received")
        if new:
            receive_text(
                sender=fields.get("From", ""),
                body=fields.get("Body", ""),
                opt_out_type=fields.get("OptOutType", ""),
                now=clinic_now(),
            )
    return _nothing_to_say()


def sms_status(request: HttpRequest) -> HttpResponse:
    """Take over what became of a text; repeats, steps back and texts of others have no effect."""
    fields = request.POST
    sid, status = fields.get("MessageSid", ""), fields.get("MessageStatus", "")
    if not 0 < len(sid) <= LONGEST_SID or not 0 < len(status) <= LONGEST_SID:
        logger.warning("voice.text.odd_status")
        return HttpResponse(status=204)
    with transaction.atomic():
        _, new = WebhookReceipt.objects.get_or_create(call_sid=sid, kind="sms_status", key=status)
        if new:
            record_delivery_status(
                provider_id=sid,
                status=status,
                error_code=fields.get("ErrorCode", "")[:40],
                message_id=_uuid(request.GET.get("message", "")),
                now=clinic_now(),
            )
    return HttpResponse(status=204)


def _for_us(fields: QueryDict) -> bool:
    """Tell whether a text went to our number, or to our messaging service, which may have many (S9)."""
    service, number = settings.TWILIO_MESSAGING_SERVICE_SID, settings.TWILIO_PHONE_NUMBER
    if service and fields.get("MessagingServiceSid") == service:
        return True
    return not number or fields.get("To") == number


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _nothing_to_say() -> HttpResponse:
    return HttpResponse(str(MessagingResponse()), content_type="text/xml; charset=utf-8")
