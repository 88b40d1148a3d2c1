"""
What makes the links by which people choose a password die in time.

allauth's forms import this while they are imported themselves (`ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR`), so nothing
else may import it: take `default_token_generator` from `allauth.account.forms`.
"""

from datetime import timedelta

from allauth.account.forms import EmailAwarePasswordResetTokenGenerator
from django.conf import settings
from django.utils.http import base36_to_int

from accounts.models import User


class LinkTokens(EmailAwarePasswordResetTokenGenerator):
    """
    Tokens that die with the password they were made for, so each works once.

    An invitation lives as long as `PASSWORD_RESET_TIMEOUT`; once somebody has a password, a link lives for an hour.
    """

    def check_token(self, user: User | None, token: str | None) -> bool:
        """Return whether the token is right and young enough."""
        if not super().check_token(user, token) or user is None or token is None:
            return False
        if not user.is_active:
            return False
        made = base36_to_int(token.split("-")[0])
        age = timedelta(seconds=self._num_seconds(self._now()) - made)
        allowed = timedelta(minutes=settings.LIMIT_PASSWORD_RESET_MINUTES)
        return not user.has_usable_password() or age <= allowed
