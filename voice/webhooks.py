"""
Twilio's HTTP doors. The signature was checked before any of these runs (`voice.urls`).

Each answers fast, repeats its answer to a repeated request, and never sends the carrier off the end of its TwiML.
"""

import logging

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils import timezone
from twilio.twiml.voice_response import Connect, Dial, Gather, Reject, VoiceResponse

from scheduling.clock import clinic_now
from scheduling.selectors import staffed
from voice import live_calls, selectors, services
from voice.assistant.callers import callback_number, known_number
from voice.signatures import stream_base_url

logger = logging.getLogger(__name__)
VOICES = {"en": "Polly.Joanna-Neural", "es": "Polly.Lupe-Neural"}
LOCALES = {"en": "en-US", "es": "es-US"}
LOST = {
    "en": "I'm sorry, our assistant is not available right now. If this is an emergency, hang up and dial 9 1 1.",
    "es": "Lo siento, nuestro asistente no está disponible ahora. Si es una emergencia, cuelgue y marque el 9 1 1.",
}
CALL_AGAIN = {
    "en": "Please call again in a few minutes.",
    "es": "Por favor, llame de nuevo en unos minutos.",
}
CONNECTING = {"en": "One moment, I am connecting you.", "es": "Un momento, le comunico."}
NOBODY = {
    "en": "Nobody could pick up. Please call again in a few minutes.",
    "es": "Nadie pudo contestar. Por favor, llame de nuevo en unos minutos.",
}
CALL_BACK = {
    "en": "To be called back at the number you are calling from, press 1.",
    "es": "Para que le llamemos al número desde el que llama, pulse 1.",
}
PROMISED = {
    "en": "Thank you. A member of our staff will call you back.",
    "es": "Gracias. Una persona de nuestro equipo le devolverá la llamada.",
}
RING_SECONDS = 25
KEY_SECONDS = 8


def voice(request: HttpRequest) -> HttpResponse:
    """Answer an incoming call: connect it to the assistant, or say politely that the lines are full."""
    fields = request.POST
    ours = settings.TWILIO_PHONE_NUMBER
    if not fields.get("CallSid") or (ours and fields.get("To") != ours):
        logger.warning("voice.webhook.rejected", extra={"reason": "other_number"})
        response = VoiceResponse()
        response.append(Reject(reason="rejected"))
        return _twiml(response)
    try:
        call = _received(fields)
    except (
        DatabaseError,
        InterfaceError,
    ):  # no token without a database, but never a dead line (F15)
        logger.exception("voice.webhook.database_unavailable")
        return _twiml(_without_assistant("en", staff_known=False))
    if not call.token:
        logger.warning("voice.webhook.overflow")
        return _twiml(_without_assistant("en", caller=fields.get("From", "")))
    response = VoiceResponse()
    connect = Connect()
    stream = connect.stream(
        url=stream_base_url() + "/ws/media-stream",
        status_callback=settings.PUBLIC_BASE_URL + reverse("twilio_stream_status"),
    )
    stream.parameter(name="token", value=call.token)
    response.append(connect)
    response.redirect(settings.PUBLIC_BASE_URL + reverse("twilio_after_stream"), method="POST")
    return _twiml(response)


def _received(fields: QueryDict) -> services.IncomingCall:
    return services.receive_call(
        call_sid=fields.get("CallSid", ""),
        account_sid=fields.get("AccountSid", ""),
        from_number=fields.get("From", ""),
        to_number=fields.get("To", ""),
        attestation=fields.get("StirVerstat", ""),
        has_room=live_calls.has_room(),
        now=timezone.now(),
    )


def after_stream(request: HttpRequest) -> HttpResponse:
    """Carry out what the call stored as its intent; without one the stream broke, and that is said."""
    intent, language = selectors.intent_after_stream(call_sid=request.POST.get("CallSid", ""))
    if intent == "ended":
        response = VoiceResponse()
        response.hangup()
        return _twiml(response)
    if intent == "transfer" and settings.STAFF_TRANSFER_NUMBER:
        response = VoiceResponse()
        response.append(_dial_staff())
        return _twiml(response)
    logger.warning("voice.stream.without_intent")
    return _twiml(_without_assistant(language, caller=request.POST.get("From", "")))


def transfer_done(request: HttpRequest) -> HttpResponse:
    """
    End the call after a transfer, and say so when nobody talked.

    Only `DialBridged` tells whether two people were connected: a voicemail that picked up counts as completed too.
    """
    fields = request.POST
    response = VoiceResponse()
    bridged = fields.get("DialBridged", "").lower()
    talked = bridged == "true" or (not bridged and fields.get("DialCallStatus") == "completed")
    if not talked:
        logger.warning("voice.transfer.unanswered")
        _, language = selectors.intent_after_stream(call_sid=fields.get("CallSid", ""))
        _say(response, NOBODY, language)
    response.hangup()
    return _twiml(response)


def call_back(request: HttpRequest) -> HttpResponse:
    """Promise to call back whoever pressed 1 when the assistant could not help; others may call again."""
    fields = request.POST
    response = VoiceResponse()
    promised, language = False, "en"
    if fields.get("Digits") == "1":
        promised, language = services.promise_call_back(
            call_sid=fields.get("CallSid", ""), now=clinic_now()
        )
    _say(response, PROMISED if promised else CALL_AGAIN, language)
    response.hangup()
    return _twiml(response)


def status(request: HttpRequest) -> HttpResponse:
    """Take over a state of the call; repeats and steps back have no effect."""
    fields = request.POST
    word = fields.get("CallStatus", "").replace("-", "_")
    if word in services.RANK and fields.get("CallSid"):
        services.advance_status(
            call_sid=fields["CallSid"],
            account_sid=fields.get("AccountSid", ""),
            status=word,
            sequence_number=_number(fields.get("SequenceNumber")) or 0,
            duration_s=_number(fields.get("CallDuration")),
            now=timezone.now(),
        )
    else:
        logger.warning("voice.webhook.odd_status")
    return HttpResponse(status=204)


def stream_status(request: HttpRequest) -> HttpResponse:
    """Log what Twilio says of the stream: a failed handshake is visible nowhere else."""
    event = request.POST.get("StreamEvent", "")
    if event == "stream-error":
        logger.warning("voice.stream.error_reported")
    return HttpResponse(status=204)


def missing(request: HttpRequest) -> HttpResponse:
    """Answer a signed request to an address that does not exist."""
    return HttpResponse(status=404)


def _without_assistant(
    language: str, *, caller: str = "", staff_known: bool = True
) -> VoiceResponse:
    """
    Say that the assistant cannot help now, and hand the caller to staff where somebody is there.

    Otherwise a `caller` whose number we may call is offered a call-back. `staff_known=False` asks no database whether
    the clinic is staffed, and lets the phone there ring.
    """
    response = VoiceResponse()
    _say(response, LOST, language)
    if settings.STAFF_TRANSFER_NUMBER and (not staff_known or staffed(now=clinic_now()).open):
        _say(response, CONNECTING, language)
        response.append(_dial_staff())
        return response
    if callback_number(known_number(caller)):
        _offer_call_back(response, language)
    _say(response, CALL_AGAIN, language)
    response.hangup()
    return response


def _offer_call_back(response: VoiceResponse, language: str) -> None:
    gather = response.gather(
        num_digits=1,
        timeout=KEY_SECONDS,
        action=settings.PUBLIC_BASE_URL + reverse("twilio_call_back"),
        method="POST",
    )
    _say(gather, CALL_BACK, language)


def _dial_staff() -> Dial:
    dial = Dial(
        answer_on_bridge=True,
        timeout=RING_SECONDS,
        caller_id=settings.TWILIO_PHONE_NUMBER or None,
        action=settings.PUBLIC_BASE_URL + reverse("twilio_transfer_done"),
        method="POST",
    )
    dial.number(settings.STAFF_TRANSFER_NUMBER)
    return dial


def _say(response: VoiceResponse | Gather, words: dict[str, str], language: str) -> None:
    known = language if language in words else "en"
    response.say(words[known], voice=VOICES[known], language=LOCALES[known])


def _twiml(response: VoiceResponse) -> HttpResponse:
    return HttpResponse(str(response), content_type="text/xml; charset=utf-8")


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None
