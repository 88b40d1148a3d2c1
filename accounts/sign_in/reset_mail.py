"""Mails with a link to choose a password: for who forgot theirs, and for who is new (security reference, S15, S33)."""

import logging
from concurrent.futures import Future, ThreadPoolExecutor

from allauth.account.forms import default_token_generator
from allauth.account.internal.userkit import filter_users_by_email
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connections
from django.template.loader import render_to_string
from django.urls import reverse

from accounts.models import User

logger = logging.getLogger("accounts.sign_in")

# One thread: a flood of requests waits here and cannot open a connection to the mail server for each.
_postman = ThreadPoolExecutor(max_workers=1, thread_name_prefix="account-mail")


def link_for(user: User) -> str:
    """Return the address where the person chooses a password, once."""
    key = {"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)}
    path = reverse("account_reset_password_from_key", kwargs=key)
    return f"{settings.PUBLIC_BASE_URL.rstrip('/')}{path}"


def send_reset_later(*, email: str) -> "Future[None]":
    """Send the link to whoever has this address, if anybody; nothing about the caller waits for it."""
    return _postman.submit(_send_reset, email)


def send_invitation(user: User) -> None:
    """Send a new member of staff the link to choose a password."""
    _send(user, "account/email/invitation")


def wait() -> None:
    """Return when all mails asked for so far are on their way."""
    _postman.submit(lambda: None).result()


def _send_reset(email: str) -> None:
    try:
        for user in filter_users_by_email(
            email, is_active=True, prefer_verified=True, for_login=True
        ):
            _send(user, "account/email/password_reset")
    except Exception:
        logger.exception("accounts.reset_mail.failed")  # nobody waits for this thread
    finally:
        connections.close_all()


def _send(user: User, template: str) -> None:
    context = {
        "name": user.get_full_name() or user.get_username(),
        "username": user.get_username(),
        "clinic": settings.CLINIC_NAME,
        "link": link_for(user),
        "hours": settings.PASSWORD_RESET_TIMEOUT // 3600,
        "minutes": settings.LIMIT_PASSWORD_RESET_MINUTES,
    }
    subject = render_to_string(f"{template}_subject.txt", context).strip()
    body = render_to_string(f"{template}_message.txt", context)
    EmailMessage(subject, body, settings.DEFAULT_FROM_EMAIL, [user.email]).send()
