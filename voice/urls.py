"""Twilio's addresses; every one of them, existing or not, is behind the signature check."""

from django.urls import path, re_path

from voice import texts, webhooks
from voice.signatures import twilio_signed

urlpatterns = [
    path("voice", twilio_signed(webhooks.voice), name="twilio_voice"),
    path("voice/after-stream", twilio_signed(webhooks.after_stream), name="twilio_after_stream"),
    path("voice/transfer/done", twilio_signed(webhooks.transfer_done), name="twilio_transfer_done"),
    path("voice/call-back", twilio_signed(webhooks.call_back), name="twilio_call_back"),
    path("voice/status", twilio_signed(webhooks.status), name="twilio_status"),
    path("voice/stream-status", twilio_signed(webhooks.stream_status), name="twilio_stream_status"),
    path("sms", twilio_signed(texts.sms), name="twilio_sms"),
    path("sms/status", twilio_signed(texts.sms_status), name="twilio_sms_status"),
    re_path(r"^.*$", twilio_signed(webhooks.missing)),
]
