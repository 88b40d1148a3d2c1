"""Accounts as administrators see and change them: roles, deactivation, the way back in (security reference, S28)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import QuerySet

from accounts.exceptions import NoSuchPerson, OwnAccount, UsernameTaken
from accounts.models import SignInCounter, User
from accounts.origin import Origin
from accounts.permissions import Resource, Verb
from accounts.rights import lock_people
from accounts.sign_in import lockout, second_factor
from accounts.sign_in.invitations import invite
from accounts.sign_in.sessions import end_sessions


@dataclass(frozen=True, slots=True)
class SignInState:
    """How far somebody is with signing in: has an app for codes, and is locked out until a moment."""

    enrolled: bool
    locked_until: datetime | None


def members() -> QuerySet[User]:
    """Return all accounts, the active ones first, by name."""
    return User.objects.order_by("-is_active", "last_name", "first_name", "username")


def sign_in_states(users: Sequence[User], *, now: datetime) -> dict[UUID, SignInState]:
    """Return the state of each of these accounts: two queries, however many they are."""
    apps = Authenticator.objects.filter(user__in=users, type=Authenticator.Type.TOTP)
    enrolled = set(apps.values_list("user_id", flat=True))
    keys = {
        limit.key: user.pk
        for user in users
        for limit in (lockout.account_limit(user.get_username()), lockout.code_limit(user.pk))
    }
    locked: dict[UUID, datetime] = {}
    counters = SignInCounter.objects.filter(key__in=keys, locked_until__gt=now)
    for counter in counters.order_by("locked_until"):
        if counter.locked_until is not None:
            locked[keys[counter.key]] = counter.locked_until
    return {user.pk: SignInState(user.pk in enrolled, locked.get(user.pk)) for user in users}


@transaction.atomic
def invite_person(
    *, username: str, first_name: str, last_name: str, email: str, role: str, origin: Origin
) -> User:
    """
    Make an account without a password, and send the link by which its person chooses one.

    Raises:
        NotAllowed: whoever asks was no administrator any more by the time it was their turn.
        UsernameTaken: somebody has that user name.
        ValidationError: a name, the address or the role does not meet the rules.
        OSError, SMTPException: the mail could not be sent; no account is made.
    """
    lock_people([], origin=origin, verb=Verb.CREATE, resource=Resource.USER)
    if User.objects.filter(username__iexact=username).exists():
        raise UsernameTaken
    user = User(
        username=username, first_name=first_name, last_name=last_name, email=email, role=role
    )
    user.set_unusable_password()
    user.full_clean()
    user.save()
    _record(user, "user.created", origin, reason=role)
    invite(user_id=user.pk, admin_id=origin.user_id, address=origin.address)
    return user


@transaction.atomic
def change_role(*, user_id: UUID, role: str, origin: Origin) -> User:
    """
    Give somebody another role; it counts from their next request on, and their session gets a new id then.

    Raises:
        OwnAccount: nobody changes their own role.
        NoSuchPerson: there is no such account, or no such role.
        NotAllowed: whoever asks was no administrator any more by the time it was their turn.
    """
    user = _locked(user_id, origin)
    if role not in User.Role.values:
        raise NoSuchPerson
    before, user.role = user.role, role
    if before != role:
        user.save(update_fields=["role"])
        _record(user, "user.role_changed", origin, reason=f"{before} to {role}")
    return user


@transaction.atomic
def deactivate(*, user_id: UUID, origin: Origin) -> User:
    """
    Close somebody's account and end their sessions; what they did stays on record.

    Raises:
        OwnAccount, NoSuchPerson, NotAllowed: as for a change of role.
    """
    user = _locked(user_id, origin)
    if user.is_active:
        user.is_active = False
        user.save(update_fields=["is_active"])
        end_sessions(user=user)
        _record(user, "user.deactivated", origin)
    return user


@transaction.atomic
def reactivate(*, user_id: UUID, origin: Origin) -> User:
    """
    Open a closed account again.

    Raises:
        OwnAccount, NoSuchPerson, NotAllowed: as for a change of role.
    """
    user = _locked(user_id, origin)
    if not user.is_active:
        user.is_active = True
        user.save(update_fields=["is_active"])
        _record(user, "user.reactivated", origin)
    return user


@transaction.atomic
def reset_second_factor(*, user_id: UUID, origin: Origin) -> User:
    """
    Take away somebody's second factor and end their sessions; at the next login they enrol again.

    Raises:
        OwnAccount, NoSuchPerson, NotAllowed: as for a change of role.
    """
    user = _locked(user_id, origin)
    second_factor.reset(user_id=user.pk, admin_id=origin.user_id, address=origin.address)
    return user


@transaction.atomic
def unlock(*, user_id: UUID, origin: Origin) -> User:
    """
    Let somebody try to sign in again before their lockout ends.

    Raises:
        OwnAccount, NoSuchPerson, NotAllowed: as for a change of role.
    """
    user = _locked(user_id, origin)
    second_factor.unlock(user_id=user.pk, admin_id=origin.user_id, address=origin.address)
    return user


def _locked(user_id: UUID, origin: Origin) -> User:
    """Return the account to change, locked together with the asker's own."""
    if user_id == origin.user_id:
        raise OwnAccount
    found = lock_people([user_id], origin=origin, verb=Verb.UPDATE, resource=Resource.USER)
    if user_id not in found:
        raise NoSuchPerson
    return found[user_id]


def _record(user: User, action: str, origin: Origin, *, reason: str = "") -> None:
    origin.record(action=action, object_type="user", object_id=user.pk, reason=reason)
