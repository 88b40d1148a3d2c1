"""The forms of the sign-in: what is typed, and the words for what is wrong with it."""

from datetime import datetime
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import ChangePasswordForm
from allauth.account.internal.flows.login import record_authentication
from allauth.core import context
from allauth.mfa.models import Authenticator
from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest

from accounts.models import User
from accounts.sign_in import clock, lockout, reset_mail, second_factor
from accounts.sign_in.events import record

MOST_CODE_CHARACTERS = 40
MOST_PASSWORD_CHARACTERS = 128


class CodeField(forms.CharField):
    """Six digits of an app, or a recovery code."""

    def __init__(self, **options: Any) -> None:
        super().__init__(label="Code", max_length=MOST_CODE_CHARACTERS, **options)


class CountedCode:
    """Lets somebody try a second factor only as often as S32 allows."""

    def __init__(self, request: HttpRequest, user: User) -> None:
        self._request = request
        self._user = user

    def begin(self, *, now: datetime) -> lockout.Attempt:
        """
        Count a try.

        Raises:
            ValidationError: none is left; the code must not be looked at.
        """
        attempt = lockout.begin_attempt(lockout.code_limit(self._user.pk), now=now)
        if attempt is None:
            self._request.is_locked_out = True  # type: ignore[attr-defined]  # ours, for the view
            record(self._request, "mfa.failed", user=self._user, outcome="locked")
            raise get_adapter().validation_error("too_many_login_attempts")
        return attempt

    def was_wrong(self, attempt: lockout.Attempt) -> ValidationError:
        """Record the failure and return the words for it."""
        record(self._request, "mfa.failed", user=self._user, outcome="wrong")
        if attempt.is_last:
            record(self._request, "mfa.locked_out", user=self._user, outcome="locked")
        error: ValidationError = get_adapter().validation_error("incorrect_code")
        return error


class EnrolmentForm(forms.Form):
    """Shows that the app has the secret."""

    code = CodeField()

    def __init__(self, *args: Any, request: HttpRequest, user: User, secret: str, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._request, self._user, self._secret = request, user, secret
        self.recovery_codes: list[str] = []

    def clean_code(self) -> str:
        """Enrol the app if the code is right."""
        code = "".join(self.cleaned_data["code"].split())
        now = clock.now()
        counted = CountedCode(self._request, self._user)
        attempt = counted.begin(now=now)
        with transaction.atomic():
            codes = second_factor.enrol(user=self._user, secret=self._secret, code=code, now=now)
            if codes is not None:
                lockout.take_back(attempt)
                record(self._request, "mfa.enrolled", user=self._user)
        if codes is None:
            raise counted.was_wrong(attempt)
        self.recovery_codes = codes
        return code


class CodeForm(forms.Form):
    """The second step of a login; allauth's view makes it, so it has allauth's shape."""

    code = CodeField()

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user
        self.used: Authenticator | None = None

    def clean_code(self) -> str:
        """Use the code up."""
        self.used = used_code(context.request, self._user, self.cleaned_data["code"])
        return str(self.cleaned_data["code"])

    def save(self) -> None:
        """Say by which factor the person comes in."""
        assert self.used is not None
        context.request.second_factor = self.used.type
        record_authentication(context.request, self._user, "mfa", type=self.used.type)


def used_code(request: HttpRequest, user: User, code: str) -> Authenticator:
    """
    Use up a code and return what it belongs to.

    Raises:
        ValidationError: it is wrong or used, or no try is left.
    """
    now = clock.now()
    counted = CountedCode(request, user)
    attempt = counted.begin(now=now)
    used = second_factor.use_code(user=user, code=code, now=now)
    if used is None:
        raise counted.was_wrong(attempt)
    lockout.take_back(attempt)
    return used


class ReauthenticationForm(forms.Form):
    """Password and code of the app, once more (security reference, S36)."""

    password = forms.CharField(
        label="Password",
        strip=False,
        max_length=MOST_PASSWORD_CHARACTERS,
        widget=forms.PasswordInput,
    )
    code = CodeField()

    def __init__(self, *args: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._request, self._user = request, user

    def clean(self) -> dict[str, Any]:
        """Check the password first, and only then use the code up."""
        data = super().clean() or {}
        if self.errors:
            return data
        adapter, username = get_adapter(), self._user.get_username()
        found = adapter.authenticate(self._request, username=username, password=data["password"])
        if found is None or found.pk != self._user.pk:
            raise adapter.validation_error("enter_current_password")
        used = used_code(self._request, self._user, data["code"])
        if used.type != Authenticator.Type.TOTP:
            raise ValidationError("Use a code of your app here. That recovery code is now used up.")
        return data


class PasswordForm(ChangePasswordForm):
    """Asks for the old password, and counts it as any other try."""

    def clean_oldpassword(self) -> str:
        """Check the old password."""
        adapter, old = get_adapter(), self.cleaned_data.get("oldpassword", "")
        username = self.user.get_username()
        if adapter.authenticate(context.request, username=username, password=old) is None:
            raise adapter.validation_error("enter_current_password")
        return str(old)


class ResetForm(forms.Form):
    """Where to send a link for a new password; whether there is such an account is found out later."""

    email = forms.EmailField(label="Email", max_length=254)

    def save(self, request: HttpRequest) -> str:
        """Have the mail sent in the background: known and unknown addresses get the same answer in the same time."""
        email = str(self.cleaned_data["email"])
        record(request, "password.reset_asked")
        reset_mail.send_reset_later(email=email)
        return email
