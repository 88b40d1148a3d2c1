"""Staff accounts and the audit record in the admin site."""

from typing import TYPE_CHECKING, Any

from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest

from accounts.admin_site import TitledAdmin
from accounts.models import AuditEvent, User

if TYPE_CHECKING:  # the stubs know these classes as generic, Django itself does not
    UserAdminBase = DjangoUserAdmin[User]
else:
    UserAdminBase = DjangoUserAdmin

RIGHTS = ("role", "is_active", "is_staff", "is_superuser")

# The role decides what people may do, and their addresses stand on their own page.
admin.site.unregister([Group, EmailAddress])


@admin.register(User)
class UserAdmin(TitledAdmin, UserAdminBase):
    """Members of staff: who they are, and what they do at the clinic."""

    list_display = ("username", "full_name", "email", "role", "is_active", "last_login")
    list_filter = ("role", "is_active", "is_staff")
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
                "description": "The role decides which pages and patients they see. “Staff status” opens this "
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

    def title(self, row: User) -> str:
        return row.get_full_name() or row.get_username()

    @admin.display(description="Name", ordering="last_name")
    def full_name(self, user: User) -> str:
        return user.get_full_name() or "Not recorded"


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
