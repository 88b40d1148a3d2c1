"""The pages on which administrators run accounts: who is there, inviting, roles, and the way back in."""

from collections.abc import Callable
from smtplib import SMTPException
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import staff
from accounts.access import NotVisible
from accounts.exceptions import NoSuchPerson, OwnAccount, UsernameTaken
from accounts.models import User
from accounts.origin import Origin, origin_of
from accounts.permissions import Reach, Resource, Role, Verb, reach
from accounts.sign_in import clock
from accounts.sign_in.decorators import recently_authenticated
from dashboard.pages import signed_in_user, staff_page
from dashboard.paging import page_of
from dashboard.users_forms import ROLE_HINTS, InvitationForm, RoleForm

ABILITIES = (
    ("See patients", Verb.READ, Resource.PATIENT),
    ("Change patients", Verb.UPDATE, Resource.PATIENT),
    ("Read conditions and notes", Verb.READ, Resource.CLINICAL),
    ("See visits", Verb.READ, Resource.APPOINTMENT),
    ("Book, move and cancel visits", Verb.CREATE, Resource.APPOINTMENT),
    ("Change hours and time off", Verb.UPDATE, Resource.CALENDAR),
    ("Read calls and transcripts", Verb.READ, Resource.TRANSCRIPT),
    ("Listen to recordings", Verb.READ, Resource.RECORDING),
    ("Have the assistant call patients", Verb.CREATE, Resource.OUTBOUND_CALL),
    ("Change settings", Verb.UPDATE, Resource.SETTINGS),
    ("Run users and API keys", Verb.UPDATE, Resource.USER),
    ("Read the audit record", Verb.READ, Resource.AUDIT),
)
REACHES = {Reach.ANY: "Yes", Reach.OWN: "Own", Reach.NONE: "No"}
CONFIRMATIONS = {
    "deactivation": {
        "question": "Deactivate the account of {name}?",
        "told": "{name} is signed out everywhere at once and cannot sign in any more. What {name} did stays on record. "
        "You can reactivate the account at any time.",
        "verb": "Deactivate",
        "keeps": "Keep the account",
    },
    "second_factor_reset": {
        "question": "Reset the two-step sign-in of {name}?",
        "told": "{name} is signed out everywhere at once, and sets up a new app at the next sign-in with the password. "
        "Make sure that it is really {name} who asks.",
        "verb": "Reset",
        "keeps": "Keep the app",
    },
}

Act = Callable[..., User]


@staff_page(Verb.LIST, Resource.USER)
@require_GET
def users(request: HttpRequest) -> HttpResponse:
    """List the accounts, and what each role may do."""
    number = request.GET.get("page", "")
    page = page_of(staff.members(), int(number) if number.isdecimal() and len(number) < 6 else 1)
    origin_of(request, surface="dashboard").record(action="users.list")
    now = clock.now()
    states = staff.sign_in_states(page.rows, now=now)
    context = {
        "section": "users",
        "page": page,
        "rows": [(user, states[user.pk]) for user in page.rows],
        "now": now,
        "own_id": signed_in_user(request).pk,
        "roles": [label for _, label in User.Role.choices],
        "abilities": _abilities(),
    }
    return render(request, "dashboard/users.html", context)


@staff_page(Verb.CREATE, Resource.USER)
@recently_authenticated
@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: HttpRequest) -> HttpResponse:
    """Invite somebody: an account without a password, and a mail with the link to choose one."""
    form = InvitationForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            origin = origin_of(request, surface="dashboard")
            person = staff.invite_person(**form.cleaned_data, origin=origin)
        except UsernameTaken as error:
            form.add_error("username", error.detail)
        except ValidationError as error:
            form.add_error(None, error)
        except (OSError, SMTPException):
            form.add_error(
                None, "The invitation could not be sent, so no account was made. Try again later."
            )
        else:
            messages.success(request, f"{_name(person)} is invited by e-mail.")
            return redirect("dashboard:user", person.pk)
    context = {"section": "users", "form": form, "roles": _role_choices(str(form["role"].value()))}
    return render(request, "dashboard/users_invitation.html", context)


@staff_page(Verb.READ, Resource.USER)
@require_GET
def user(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Show one account and what can be done with it."""
    person = _person(user_id)
    origin_of(request, surface="dashboard").record(
        action="user.read", object_type="user", object_id=person.pk
    )
    now = clock.now()
    context = {
        "section": "users",
        "person": person,
        "name": _name(person),
        "state": staff.sign_in_states([person], now=now)[person.pk],
        "now": now,
        "is_self": person.pk == signed_in_user(request).pk,
        "roles": _role_choices(person.role),
    }
    return render(request, "dashboard/users_person.html", context)


@staff_page(Verb.UPDATE, Resource.USER)
@recently_authenticated
@require_POST
def role(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Give somebody another role."""
    person, form = _person(user_id), RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose one of the roles.")
        return redirect("dashboard:user", person.pk)

    def act(*, user_id: UUID, origin: Origin) -> User:
        return staff.change_role(user_id=user_id, role=form.cleaned_data["role"], origin=origin)

    label = dict(User.Role.choices)[form.cleaned_data["role"]].lower()
    return _carry_out(request, person, act, f"{_name(person)} has the role of {label} now.")


@staff_page(Verb.UPDATE, Resource.USER)
@recently_authenticated
@require_http_methods(["GET", "HEAD", "POST"])
def deactivation(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Ask, then close an account."""
    person = _person(user_id)
    if request.method != "POST":
        return _ask(request, person, "deactivation")
    told = f"The account of {_name(person)} is deactivated."
    return _carry_out(request, person, staff.deactivate, told)


@staff_page(Verb.UPDATE, Resource.USER)
@recently_authenticated
@require_POST
def reactivation(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Open a closed account again."""
    person = _person(user_id)
    told = f"{_name(person)} can sign in again."
    return _carry_out(request, person, staff.reactivate, told)


@staff_page(Verb.UPDATE, Resource.USER)
@recently_authenticated
@require_http_methods(["GET", "HEAD", "POST"])
def second_factor_reset(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Ask, then take away somebody's second factor."""
    person = _person(user_id)
    if request.method != "POST":
        return _ask(request, person, "second_factor_reset")
    told = f"{_name(person)} sets up a new app at the next sign-in."
    return _carry_out(request, person, staff.reset_second_factor, told)


@staff_page(Verb.UPDATE, Resource.USER)
@recently_authenticated
@require_POST
def unlocking(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Let somebody try to sign in again at once."""
    person = _person(user_id)
    return _carry_out(request, person, staff.unlock, f"{_name(person)} can try again at once.")


def _carry_out(request: HttpRequest, person: User, act: Act, told: str) -> HttpResponse:
    """Do one thing to somebody's account and say so on their page."""
    try:
        act(user_id=person.pk, origin=origin_of(request, surface="dashboard"))
    except OwnAccount as error:
        raise PermissionDenied(error.detail) from error
    except NoSuchPerson as error:
        raise _missing(person.pk) from error
    messages.success(request, told)
    return redirect("dashboard:user", person.pk)


def _ask(request: HttpRequest, person: User, act: str) -> HttpResponse:
    """Show what an act would do; the page's form then does it."""
    if person.pk == signed_in_user(request).pk:
        raise PermissionDenied(OwnAccount.detail)
    words = {key: text.format(name=_name(person)) for key, text in CONFIRMATIONS[act].items()}
    context = {"section": "users", "person": person, "name": _name(person), "words": words}
    return render(request, "dashboard/users_confirmation.html", context)


def _person(user_id: UUID) -> User:
    person = User.objects.filter(pk=user_id).first()
    if person is None:
        raise _missing(user_id)
    return person


def _missing(user_id: UUID) -> NotVisible:
    return NotVisible(resource=Resource.USER, object_id=user_id, foreign=False)


def _name(person: User) -> str:
    return person.get_full_name() or person.get_username()


def _role_choices(chosen: str) -> list[dict[str, Any]]:
    return [
        {
            "value": value,
            "words": words,
            "hint": ROLE_HINTS[User.Role(value)],
            "on": value == chosen,
        }
        for value, words in User.Role.choices
    ]


def _abilities() -> list[tuple[str, list[str]]]:
    """Return what each role may do, in the order of the roles, read from the policy itself."""
    order = [Role(value) for value in User.Role.values]
    return [
        (words, [REACHES[reach(role, verb, resource)] for role in order])
        for words, verb, resource in ABILITIES
    ]
