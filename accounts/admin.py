"""Staff accounts and the audit record in the admin site."""

from typing import TYPE_CHECKING, Any

from allauth.account.decorators import secure_admin_login
from allauth.account.views import logout
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.http import HttpRequest

from accounts.models import AuditEvent, User

if TYPE_CHECKING:  # the stubs know these classes as generic, Django itself does not
    UserAdminBase = DjangoUserAdmin[User]
    AuditEventAdminBase = admin.ModelAdmin[AuditEvent]
else:
    UserAdminBase = DjangoUserAdmin
    AuditEventAdminBase = admin.ModelAdmin

# One door for everybody: the admin site has no login page of its own, and leaving it ends at ours.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # allauth's documented way
admin.site.logout = logout  # type: ignore[method-assign]  # the same, for the way out
admin.site.site_header = "Carematix administration"
admin.site.site_title = "Carematix"
admin.site.index_title = "Records"
admin.site.site_url = "/"


@admin.register(User)
class UserAdmin(UserAdminBase):
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
                "fields": ("role", "is_active", "is_staff", "is_superuser"),
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

    @admin.display(description="Name", ordering="last_name")
    def full_name(self, user: User) -> str:
        return user.get_full_name() or "Not recorded"


@admin.register(AuditEvent)
class AuditEventAdmin(AuditEventAdminBase):
    """The audit record, to be read; nobody adds to it or changes it by hand (security reference, S48)."""

    list_display = (
        "seq",
        "at",
        "actor_type",
        "actor_id",
        "action",
        "object_type",
        "outcome",
        "surface",
    )
    list_filter = ("actor_type", "surface", "action", "outcome")
    search_fields = ("actor_id", "object_id", "request_id")
    date_hierarchy = "at"
    ordering = ("-seq",)
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
