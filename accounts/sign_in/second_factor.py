"""
The second factor: codes of an app, and recovery codes for when the app is lost (security reference, S32).

allauth's tables hold it. The checks are ours: a code counts once in all processes and within its whole window, and of
the recovery codes only hashes are kept.
"""

import secrets
from base64 import b32encode
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.db import transaction

from accounts.exceptions import OwnSecondFactor
from accounts.models import AuditEvent, User
from accounts.services import record_event
from accounts.sign_in import lockout, totp
from accounts.sign_in.sessions import end_sessions

RECOVERY_CODES = 10
RECOVERY_BYTES = 10
"""80 random bits: nobody guesses one, so a plain hash is enough."""
SECRET_BYTES = 20

TOTP = Authenticator.Type.TOTP
RECOVERY = Authenticator.Type.RECOVERY_CODES


def new_secret() -> str:
    """Return a fresh secret in base32, as people type it into an app."""
    return b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def is_enrolled(user: User) -> bool:
    """Return whether the person has an app that makes codes."""
    return bool(Authenticator.objects.filter(user=user, type=TOTP).exists())


@transaction.atomic
def enrol(*, user: User, secret: str, code: str, now: datetime) -> list[str] | None:
    """
    Take the secret if the code shows that the app has it; return the recovery codes, which nobody sees again.

    Returns nothing if the code is wrong, or if the person has an app already. The code counts as used.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    step = totp.matching_step(secret, code, seconds=now.timestamp())
    if step is None or is_enrolled(user):
        return None
    set_secret(user=user, secret=secret, last_step=step)
    return new_recovery_codes(user=user)


def set_secret(*, user: User, secret: str, last_step: int = 0) -> None:
    """Give the person an app with this secret in place of any other; codes up to `last_step` are used."""
    data = {"secret": secret, "last_step": last_step}
    Authenticator.objects.update_or_create(user=user, type=TOTP, defaults={"data": data})


@transaction.atomic
def new_recovery_codes(*, user: User) -> list[str]:
    """Return ten fresh recovery codes in place of the earlier ones; only their hashes are stored."""
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    data = {"hashes": [_hash(code) for code in codes]}
    Authenticator.objects.update_or_create(user=user, type=RECOVERY, defaults={"data": data})
    return codes


def recovery_codes_left(user: User) -> int:
    """Return how many recovery codes were not used yet."""
    kept = Authenticator.objects.filter(user=user, type=RECOVERY).first()
    return len(kept.data["hashes"]) if kept else 0


@transaction.atomic
def use_code(*, user: User, code: str, now: datetime) -> Authenticator | None:
    """Use up a code of the app or a recovery code; return what it belongs to, or nothing if it is not right."""
    mine = Authenticator.objects.select_for_update(no_key=True).filter(user=user).order_by("pk")
    held = {one.type: one for one in mine}
    used = _use_totp(held.get(TOTP), code, now=now) or _use_recovery(held.get(RECOVERY), code)
    if used is not None:
        used.last_used_at = now
        used.save()
    return used


def _use_totp(app: Authenticator | None, code: str, *, now: datetime) -> Authenticator | None:
    """A code is right once: a step that was used, and every earlier one, is gone."""
    digits = "".join(code.split())
    if app is None or not digits.isascii():
        return None
    step = totp.matching_step(app.data["secret"], digits, seconds=now.timestamp())
    if step is None or step <= app.data.get("last_step", 0):
        return None
    app.data["last_step"] = step
    return app


def _use_recovery(kept: Authenticator | None, code: str) -> Authenticator | None:
    if kept is None:
        return None
    hashes: list[str] = kept.data["hashes"]
    given = _hash(code)
    found = [one for one in hashes if compare_digest(one, given)]
    if not found:
        return None
    hashes.remove(found[0])
    return kept


def _recovery_code() -> str:
    letters = b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower()
    return "-".join(letters[start : start + 4] for start in range(0, len(letters), 4))


def _hash(code: str) -> str:
    """Return the hash of a recovery code, however it was typed."""
    plain = "".join(character for character in code.lower() if character.isalnum())
    return sha256(plain.encode()).hexdigest()


@transaction.atomic
def reset(*, user_id: UUID, admin_id: UUID, address: str = "") -> None:
    """
    Take away somebody's second factor and end their sessions; at the next login they enrol again.

    Raises:
        OwnSecondFactor: an administrator cannot reset their own; another one must.
    """
    if user_id == admin_id:
        raise OwnSecondFactor
    user = User.objects.select_for_update(no_key=True).get(pk=user_id)
    Authenticator.objects.filter(user=user).delete()
    lockout.forget(lockout.code_limit(user_id))
    end_sessions(user=user)
    record_event(
        action="mfa.reset",
        outcome="ok",
        surface="admin",
        actor_type=AuditEvent.ActorType.USER,
        actor_id=admin_id,
        object_type="user",
        object_id=user_id,
        address=address,
    )


@transaction.atomic
def unlock(*, user_id: UUID, admin_id: UUID, address: str = "") -> bool:
    """Forget the failed logins and codes of somebody; return whether they were locked out."""
    user = User.objects.get(pk=user_id)
    limits = (lockout.account_limit(user.get_username()), lockout.code_limit(user.pk))
    was_locked = lockout.forget(*limits)
    record_event(
        action="login.unlocked",
        outcome="ok" if was_locked else "not_locked",
        surface="admin",
        actor_type=AuditEvent.ActorType.USER,
        actor_id=admin_id,
        object_type="user",
        object_id=user_id,
        address=address,
    )
    return was_locked
