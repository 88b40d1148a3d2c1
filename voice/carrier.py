"""What Twilio says of a call when asked; its reports may be lost, and then only this tells (security reference, R6)."""

import logging
import re

import requests
from django.conf import settings

logger = logging.getLogger(__name__)
TIMEOUT_S = 5.0
CALL_SID = re.compile(r"CA[0-9a-fA-F]{32}")


def call_state(*, call_sid: str) -> str:
    """Return the state of a call in our words; empty if the carrier does not know it, or cannot be asked."""
    account, token = settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN
    if not account or not token or not CALL_SID.fullmatch(call_sid):
        return ""
    address = f"{settings.TWILIO_API_BASE_URL}/2010-04-01/Accounts/{account}/Calls/{call_sid}.json"
    try:
        answer = requests.get(
            address, auth=(account, token), timeout=TIMEOUT_S, allow_redirects=False
        )
        status = answer.json()["status"] if answer.status_code == requests.codes.ok else ""
    except (requests.exceptions.RequestException, ValueError, KeyError, TypeError):
        logger.warning("voice.carrier.not_reached")
        return ""
    return str(status).replace("-", "_")
