"""Staff accounts and the audit record in the admin site."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.shortcuts import redirect

from accounts import staff
from accounts.admin_site import TitledAdmin
from accounts.models import AuditEvent, User
from accounts.origin import origin_of
from accounts.permissions import Resource, Verb
from accounts.rights import lock_people
from accounts.sign_in.admin import SignInActions
from accounts.sign_in.decorators import is_recently_authenticated, reauthentication_answer

if TYPE_CHECKING:  # the stubs know these classes as generic, Django itself does not
    UserAdminBase = DjangoUserAdmin[User]
else:
    UserAdminBase = DjangoUserAdmin

RIGHTS = ("role", "is_active")

# The role decides what people may do, their addresses stand on their own page, and secrets stand on none.
admin.site.unregister([Group, EmailAddress, Authenticator, UserSession])


@admin.register(User)
class UserAdmin(SignInActions, TitledAdmin, UserAdminBase):
    """Members of staff: who they are, and what they do at the clinic."""

    list_display = ("username", "full_name", "email", "role", "is_active", "last_login")
    list_filter = ("role", "is_active")
    search_fields = ("username", "first_name", "last_name", "email")
    ordering = ("username",)
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        (
            "What they may do",
            {
                "fields": RIGHTS,
                "description": "The role decides which pages and patients they see; administrators see this "
                "administration as well.",
            },
        ),
        ("History", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", "usable_password", "password1", "password2")}),
        ("Person", {"fields": ("first_name", "last_name", "email", "role")}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Let nobody change what they themselves may do (security reference, section 3)."""
        if obj is not None and obj.pk == request.user.pk:
            return (*self.readonly_fields, *RIGHTS)
        return self.readonly_fields

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Let nobody delete themselves."""
        is_self = obj is not None and obj.pk == request.user.pk
        return not is_self and super().has_delete_permission(request, obj)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Let an account be changed only within minutes of giving password and code (security reference, S36)."""
        ids = [unquote(str(kwargs.get("object_id") or next(iter(args), "")))]
        return _not_yet(request, ids) or super().changeform_view(request, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Ask the same of what is done to several accounts at once: deletion, unlocking, invitations."""
        ids = request.POST.getlist(ACTION_CHECKBOX_NAME)
        return _not_yet(request, ids) or super().changelist_view(request, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Ask the same of a deletion."""
        ids = [unquote(str(kwargs.get("object_id") or next(iter(args), "")))]
        return _not_yet(request, ids) or super().delete_view(request, *args, **kwargs)

    def user_change_password(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Ask the same of a password for somebody else; one's own needs the old one (security reference, S34)."""
        person = self.get_object(request, unquote(kwargs["id"]))
        if person is not None and person.pk == request.user.pk:
            return redirect("account_change_password")
        answer = _not_yet(request, [unquote(kwargs["id"])])
        return answer or super().user_change_password(request, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Change role and activity as the pages do: recorded, and with an end to sessions."""
        if not change:
            super().save_model(request, obj, form, change)
            return
        change_rights(request, obj, form.changed_data)
        # Never the whole row: another administrator may have changed these rights since it was read.
        obj.save(update_fields=[name for name in form.changed_data if name not in RIGHTS])

    def title(self, row: User) -> str:
        return row.get_full_name() or row.get_username()

    @admin.display(description="Name", ordering="last_name")
    def full_name(self, user: User) -> str:
        return user.get_full_name() or "Not recorded"


def _not_yet(request: HttpRequest, ids: Iterable[str]) -> Any:
    """
    Return the answer that asks for password and code, or nothing where they were just given or nothing is sent.

    Whoever sends something must still be an administrator when it is their turn; the accounts concerned are locked.
    """
    if request.method != "POST":
        return None
    if not is_recently_authenticated(request):
        return reauthentication_answer(request)
    origin = origin_of(request, surface="admin")
    known = [found for found in map(_uuid, ids) if found]
    lock_people(known, origin=origin, verb=Verb.UPDATE, resource=Resource.USER)
    return None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def change_rights(request: HttpRequest, user: User, changed: list[str]) -> None:
    """Carry out what a form changed of somebody's rights."""
    origin = origin_of(request, surface="admin")
    if "role" in changed:
        staff.change_role(user_id=user.pk, role=user.role, origin=origin)
    if "is_active" in changed:
        act = staff.reactivate if user.is_active else staff.deactivate
        act(user_id=user.pk, origin=origin)


class NamedActors(ChangeList):
    """A page of audit events, each with `actor_name`: one query finds the names of all members of staff on it."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        events = list(self.result_list)
        staff = [event for event in events if event.actor_type == AuditEvent.ActorType.USER]
        ids = {event.actor_id for event in staff if event.actor_id}
        names = {
            str(user.pk): user.get_full_name() or user.get_username()
            for user in User.objects.filter(pk__in=ids)
        }
        for event in events:
            event.actor_name = names.get(event.actor_id, event.actor_id)
        self.result_list = events


@admin.register(AuditEvent)
class AuditEventAdmin(TitledAdmin):
    """The audit record, to be read; nobody adds to it or changes it by hand (security reference, S48)."""

    list_display = ("seq", "at", "actor", "action", "about", "outcome", "surface")
    list_filter = ("actor_type", "surface", "action", "outcome")
    search_fields = ("actor_id", "object_id", "request_id")
    search_help_text = "The id of an actor, a record or a request"
    date_hierarchy = "at"
    ordering = ("-seq",)
    show_full_result_count = False

    @admin.display(description="Who", ordering="actor_id")
    def actor(self, event: Any) -> str:
        """Return the name of a member of staff, or what else acted."""
        return str(event.actor_name or event.get_actor_type_display())

    @admin.display(description="Record", ordering="object_type", empty_value="A list")
    def about(self, event: AuditEvent) -> str | None:
        """Return the kind of record; its id stands on the event's own page."""
        return event.object_type or None

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return NamedActors

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
