"""The pages of the sign-in: translate the request, one call, one template; allauth serves what is not here."""

from base64 import b64encode
from io import BytesIO
from typing import Any

import qrcode
from allauth.account.internal.decorators import login_stage_required
from allauth.account.internal.stagekit import clear_login
from allauth.account.stages import LoginStage
from allauth.account.views import (
    LoginView,
    LogoutView,
    PasswordChangeView,
    PasswordResetFromKeyView,
)
from allauth.mfa.adapter import get_adapter as get_mfa_adapter
from allauth.mfa.base.views import AuthenticateView
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST
from qrcode.image.svg import SvgPathFillImage

from accounts.models import User
from accounts.sign_in import ages, clock, second_factor
from accounts.sign_in.decorators import background, recently_authenticated
from accounts.sign_in.events import record
from accounts.sign_in.forms import EnrolmentForm, ReauthenticationForm
from accounts.sign_in.sessions import end_sessions, lifetimes, listed_sessions, renew
from accounts.sign_in.stages import EnrolmentStage

SECRET = "sign_in.enrolment_secret"
TOO_MANY = 429
# Not the cookies: the answer ends the session's own, and how the pages look may stay as it was chosen.
CLEAR = '"cache", "storage"'


class SignInView(LoginView):
    """Name and password; when no tries are left the same page says so with 429."""

    def _redirect_to_pending_stage(self, request: HttpRequest, stage: LoginStage) -> None:
        """Begin anew: whoever comes back here from the second step wants another name, or another try."""
        clear_login(request)

    def form_invalid(self, form: Any) -> HttpResponse:
        response = super().form_invalid(form)
        return _counted(self.request, response)


class CodeView(AuthenticateView):
    """The second step: a code of the app or a recovery code."""

    def form_invalid(self, form: Any) -> HttpResponse:
        return _counted(self.request, super().form_invalid(form))


class SignOutView(LogoutView):
    """End the session here and in the browser (security reference, S35)."""

    def post(self, *args: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post(*args, **kwargs)
        response["Clear-Site-Data"] = CLEAR
        return response


class ChoosePasswordView(PasswordResetFromKeyView):
    """Where the link of a mail leads: a new password, then the second factor as at any login."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found = super().get_context_data(**kwargs)
        user = getattr(self, "reset_user", None)
        return {**found, "invited": user is not None and not user.has_usable_password()}


def _counted(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    if getattr(request, "is_locked_out", False):
        response.status_code = TOO_MANY
    return response


@login_stage_required(  # type: ignore[untyped-decorator]  # allauth ships no types
    stage=EnrolmentStage.key, redirect_urlname="account_login"
)
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def enrol(request: HttpRequest) -> HttpResponse:
    """Show the secret, take the first code, sign the person in, and show the recovery codes once."""
    stage = request._login_stage  # type: ignore[attr-defined]  # allauth's decorator sets it
    user: User = stage.login.user
    if not user.is_active or second_factor.is_enrolled(user):
        return stage.abort()  # type: ignore[no-any-return]  # allauth ships no types
    secret = request.session.get(SECRET) or second_factor.new_secret()
    request.session[SECRET] = secret
    form = EnrolmentForm(request.POST or None, request=request, user=user, secret=secret)
    if request.method == "POST" and form.is_valid():
        del request.session[SECRET]
        request.second_factor = "totp"  # type: ignore[attr-defined]  # ours, for the adapter
        onward = stage.exit()
        return _recovery_codes_page(request, form.recovery_codes, onward=onward["Location"])
    address = get_mfa_adapter().build_totp_url(user, secret)
    context = {
        "form": form,
        "secret": " ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
        "otpauth": address,
        "picture": _picture(address),
    }
    return _counted(request, render(request, "mfa/enrol.html", context))


def _picture(address: str) -> str:
    """Return a QR code as the address of an image; it brings its own white ground, for dark pages too."""
    drawn = BytesIO()
    qrcode.make(address, image_factory=SvgPathFillImage, border=2).save(drawn)
    return f"data:image/svg+xml;base64,{b64encode(drawn.getvalue()).decode()}"


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@recently_authenticated
@never_cache
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """Say how many recovery codes are left, and make new ones in their place."""
    user = _user(request)
    if request.method == "POST":
        with transaction.atomic():
            codes = second_factor.new_recovery_codes(user=user)
            record(request, "mfa.recovery_codes_made", user=user)
        return _recovery_codes_page(request, codes, onward=str(settings.LOGIN_REDIRECT_URL))
    left = second_factor.recovery_codes_left(user)
    return render(request, "mfa/recovery_codes.html", {"left": left})


def _recovery_codes_page(request: HttpRequest, codes: list[str], *, onward: str) -> HttpResponse:
    response = render(request, "mfa/recovery_codes_made.html", {"codes": codes, "onward": onward})
    response["Cache-Control"] = "no-store"
    return response


@sensitive_post_parameters("password", "code")
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def reauthenticate(request: HttpRequest) -> HttpResponse:
    """Ask for password and code once more, then go back to what needed it (security reference, S36)."""
    user = _user(request)
    onward = request.POST.get("next") or request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(onward, {request.get_host()}, request.is_secure()):
        onward = str(settings.LOGIN_REDIRECT_URL)
    form = ReauthenticationForm(request.POST or None, request=request, user=user)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            record(request, "login.reauthenticated", user=user)  # first: sessions do not roll back
            request.session[ages.VERIFIED] = clock.now().timestamp()
            renew(request)
        return redirect(onward)
    context = {"form": form, "onward": onward}
    return _counted(request, render(request, "account/reauthenticate.html", context))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def sessions(request: HttpRequest) -> HttpResponse:
    """Show somebody where they are signed in, and end one of these sessions or all others."""
    user, key = _user(request), request.session.session_key or ""
    if request.method == "POST":
        _end_chosen(request, user, key)
        return redirect("usersessions_list")
    listed = listed_sessions(user=user, current_key=key, now=clock.now())
    context = {"sessions": listed, "others": sum(not one.is_current for one in listed)}
    return render(request, "usersessions/sessions.html", context)


def _end_chosen(request: HttpRequest, user: User, key: str) -> None:
    chosen = request.POST.get("session", "")
    if chosen and not chosen.isdecimal():
        raise Http404
    with transaction.atomic():
        ended = end_sessions(user=user, keep_key=key, only_id=int(chosen) if chosen else None)
        record(request, "session.ended", user=user, outcome="ok" if ended else "none")
    if not ended:
        messages.warning(request, "That session had ended already.")
    else:
        messages.success(request, "Signed out there." if chosen else "Signed out everywhere else.")


@background
@login_required
@never_cache
def session_status(request: HttpRequest) -> HttpResponse:
    """Tell a script when the session ends if nobody does anything; asking does not extend it."""
    left = ages.seconds_left(request.session, lifetimes(), now=clock.now())
    return JsonResponse({"seconds_left": left})


@login_required
@require_POST
@never_cache
def extend_session(request: HttpRequest) -> HttpResponse:
    """Stay signed in; the middleware has noted that a person did something."""
    left = ages.seconds_left(request.session, lifetimes(), now=clock.now())
    return JsonResponse({"seconds_left": left})


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


sign_in = SignInView.as_view()
code = CodeView.as_view()
sign_out = SignOutView.as_view()
choose_password = ChoosePasswordView.as_view()
change_password = never_cache(login_required(PasswordChangeView.as_view()))
