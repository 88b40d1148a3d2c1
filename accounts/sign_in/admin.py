"""What administrators do for somebody's sign-in: invite, unlock, reset the second factor, end sessions."""

from smtplib import SMTPException
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase

from accounts.exceptions import EmailMissing, HasPassword, OwnSecondFactor
from accounts.models import User
from accounts.sign_in import second_factor
from accounts.sign_in.decorators import is_recently_authenticated, reauthentication_answer
from accounts.sign_in.events import address_of
from accounts.sign_in.invitations import invite


class SignInActions(admin.ModelAdmin):  # type: ignore[type-arg]  # the stubs know this class as generic
    """The actions of the list of staff, and the invitation of whoever is added without a password."""

    actions = ("send_invitations", "unlock", "reset_second_factor")

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Invite whoever was added without a password, once they are stored."""
        super().save_model(request, obj, form, change)
        if not change and not obj.has_usable_password():
            transaction.on_commit(lambda: self._invite(request, obj))

    @admin.action(description="Invite again those without a password", permissions=["change"])
    def send_invitations(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            self._invite(request, user)

    @admin.action(description="Unlock after failed logins", permissions=["change"])
    def unlock(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            was_locked = second_factor.unlock(
                user_id=user.pk, admin_id=_admin_id(request), address=address_of(request)
            )
            words = "can log in again" if was_locked else "was not locked out"
            self.message_user(request, f"{user.get_username()} {words}.")

    @admin.action(description="Reset two-step sign-in", permissions=["change"])
    def reset_second_factor(
        self, request: HttpRequest, queryset: QuerySet[User]
    ) -> HttpResponseBase | None:
        if not is_recently_authenticated(request):
            return reauthentication_answer(request)
        for user in queryset:
            try:
                second_factor.reset(
                    user_id=user.pk, admin_id=_admin_id(request), address=address_of(request)
                )
            except OwnSecondFactor as error:
                self.message_user(request, error.detail, messages.ERROR)
            else:
                words = f"{user.get_username()} sets up a new app at the next login."
                self.message_user(request, words)
        return None

    def _invite(self, request: HttpRequest, user: User) -> None:
        try:
            invite(user_id=user.pk, admin_id=_admin_id(request), address=address_of(request))
        except (EmailMissing, HasPassword) as error:
            self.message_user(request, f"{user.get_username()}: {error.detail}", messages.WARNING)
        except (OSError, SMTPException):
            words = f"The invitation of {user.get_username()} could not be sent. Try again later."
            self.message_user(request, words, messages.ERROR)
        else:
            self.message_user(request, f"Invited {user.get_username()} by e-mail.")


def _admin_id(request: HttpRequest) -> Any:
    return request.user.pk
