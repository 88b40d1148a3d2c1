"""New members of staff choose their own password: a mail brings the link, and nobody else ever knows it."""

from uuid import UUID

from django.db import transaction

from accounts.exceptions import EmailMissing, HasPassword
from accounts.models import AuditEvent, User
from accounts.services import record_event
from accounts.sign_in import reset_mail


@transaction.atomic
def invite(*, user_id: UUID, admin_id: UUID, address: str = "") -> None:
    """
    Send the link by which somebody without a password chooses one; an earlier link ends.

    Raises:
        HasPassword: there is a password already; a forgotten one is reset by its person.
        EmailMissing: there is no address to send it to.
        OSError, SMTPException: the mail could not be sent; nothing is changed or recorded.
    """
    user = User.objects.select_for_update(no_key=True).get(pk=user_id)
    if user.has_usable_password():
        raise HasPassword
    if not user.email:
        raise EmailMissing
    user.set_unusable_password()
    user.save(update_fields=["password"])
    record_event(
        action="user.invited",
        outcome="ok",
        surface="admin",
        actor_type=AuditEvent.ActorType.USER,
        actor_id=admin_id,
        object_type="user",
        object_id=user_id,
        address=address,
    )
    reset_mail.send_invitation(user)
