"""How allauth behaves here: staff are invited, both factors are asked for, and what happens is recorded."""

from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.models import User
from accounts.sign_in import ages, clock, lockout
from accounts.sign_in.events import address_of, record
from accounts.sign_in.sessions import end_sessions, rights_of


class StaffAccountAdapter(DefaultAccountAdapter):
    """Close sign-up for good, count and record logins, and say what is wrong as the rest of the product does."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": "The username or the password is wrong.",
        "too_many_login_attempts": "Too many attempts. Wait a few minutes, then try again.",
        "incorrect_code": "That code is wrong or was used before. Wait for the next one and try again.",
        "enter_current_password": "That is not your current password.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return address_of(request) or super().get_client_ip(request)

    def get_login_stages(self) -> list[str]:
        """Ask for the second factor, or have the person enrol one, before anybody counts as signed in."""
        return [
            "allauth.mfa.stages.AuthenticateStage",
            "accounts.sign_in.stages.EnrolmentStage",  # second: its own code was just given
        ]

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Leave the counting to `accounts.sign_in.handler`, which all processes share."""

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """
        Return whose name and password these are.

        Raises:
            ValidationError: the account or the address has no tries left; the password was not looked at.
        """
        user = super().authenticate(request, **credentials)
        attempt: lockout.Attempt | None = getattr(request, "login_attempt", None)
        if attempt is None:
            request.is_locked_out = True  # type: ignore[attr-defined]  # ours, for the view
            raise self.validation_error("too_many_login_attempts")
        if isinstance(user, User):
            lockout.take_back(attempt)
            return user
        return None

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Record the failure with the account it was aimed at, and whether it locked something."""
        attempt: lockout.Attempt | None = getattr(request, "login_attempt", None)
        aimed_at = User.objects.filter(username=credentials.get("username", "")).first()
        outcome = "locked" if attempt is None else "wrong"
        record(request, "login.failed", user=aimed_at, outcome=outcome)
        if attempt is not None and attempt.is_last:
            record(request, "login.locked_out", user=aimed_at, outcome="locked")

    def pre_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse | None:
        """Give the session a new id once the password was right (security reference, S35)."""
        request.session.cycle_key()
        return super().pre_login(request, user, **kwargs)  # type: ignore[no-any-return]  # allauth ships no types

    def login(self, request: HttpRequest, user: Any) -> None:
        """Sign the person in, who has given both factors by now, unless the account was closed meanwhile."""
        if not user.is_active:
            raise ImmediateHttpResponse(redirect("account_login"))
        now = clock.now()
        factor = getattr(request, "second_factor", "")
        with transaction.atomic():
            # First, since a session in memory does not roll back: no event, nobody signed in (S50).
            record(request, "login", user=user, reason=factor)
            super().login(request, user)
            lockout.forget(lockout.account_limit(user.get_username()), lockout.code_limit(user.pk))
        ages.begin(request.session, rights=rights_of(user), verified=factor == "totp", now=now)

    def logout(self, request: HttpRequest) -> None:
        """Record it, and end the session on the server."""
        assert isinstance(request.user, User)
        record(request, "logout", user=request.user)
        end_sessions(user=request.user, only_key=request.session.session_key)
        super().logout(request)

    def respond_user_inactive(self, request: HttpRequest, user: Any) -> HttpResponse:
        return redirect("account_login")

    @transaction.atomic
    def set_password(self, user: Any, password: str) -> None:
        """Store a new password; every other session of its person ends (security reference, S34)."""
        user.set_password(password)
        user.save(update_fields=["password"])  # the role may have changed since `user` was read
        request = self.request
        is_own = request.user.is_authenticated and request.user.pk == user.pk
        keep = request.session.session_key if is_own else ""
        end_sessions(user=user, keep_key=keep or "")
        record(request, "password.changed", user=user)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return str(settings.LOGIN_REDIRECT_URL)
