"""Writes of the accounts app."""

from collections.abc import Iterable, Mapping

from django.contrib.auth.password_validation import validate_password
from django.db import DatabaseError, InterfaceError, transaction
from django.utils import timezone

from accounts.exceptions import NotRecorded, UsernameTaken
from accounts.models import AuditEvent, User
from carematix import logs


def record_event(
    *,
    action: str,
    outcome: str,
    surface: str,
    actor_type: str = AuditEvent.ActorType.SYSTEM,
    actor_id: object = "",
    patient_ids: Iterable[object] = (),
    object_type: str = "",
    object_id: object = "",
    address: str = "",
    request_id: str = "",
    reason: str = "",
    changes: Mapping[str, object] | None = None,
) -> AuditEvent:
    """
    Write one audit event in the caller's transaction; `changes` is what `accounts.audit.changes` returns.

    Without `request_id` it is the number of the request, or of the worker's run, that is answered just now. The stamp
    is the real clock's, never the clinic's pinned one. What the event describes must not happen without it
    (security reference, S50): let the exception pass.

    Raises:
        NotRecorded: the event cannot be written.
    """
    try:
        return AuditEvent.objects.create(
            at=timezone.now(),
            actor_type=actor_type,
            actor_id=str(actor_id),
            patient_ids=[str(patient_id) for patient_id in patient_ids],
            action=action,
            object_type=object_type,
            object_id=str(object_id),
            surface=surface,
            address=address,
            request_id=request_id or logs.request_id.get(),
            outcome=outcome,
            reason=reason,
            changes=dict(changes or {}),
        )
    except (DatabaseError, InterfaceError) as error:
        raise NotRecorded(*error.args) from error.__cause__


@transaction.atomic
def create_administrator(*, username: str, email: str, password: str) -> User:
    """
    Create an account that may do everything, the admin site included.

    Raises:
        UsernameTaken: somebody has that user name.
        ValidationError: the user name, the e-mail address or the password does not meet the rules.
    """
    user = User(
        username=username,
        email=email,
        role=User.Role.ADMIN,
        is_staff=True,
        is_superuser=True,
    )
    if User.objects.filter(username__iexact=username).exists():
        raise UsernameTaken
    validate_password(password, user)
    user.set_password(password)
    user.full_clean()
    user.save()
    record_event(
        action="user.created",
        outcome="ok",
        surface="cli",
        object_type="user",
        object_id=user.pk,
    )
    return user


@transaction.atomic
def ensure_sample_login(
    *, username: str, first_name: str, last_name: str, role: str, password: str
) -> User:
    """Return a sample login, made or brought back to its known password and role; for development only."""
    user, _ = User.objects.get_or_create(username=username)
    user.first_name = first_name
    user.last_name = last_name
    user.role = role
    user.is_active = True
    user.is_staff = user.is_superuser = role == User.Role.ADMIN
    user.set_password(password)
    user.save()
    return user
