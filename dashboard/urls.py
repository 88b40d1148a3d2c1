"""The pages of staff."""

from django.urls import path

from dashboard import api_keys, audit, emergency, users, views

app_name = "dashboard"
urlpatterns = [
    path("", views.home, name="home"),
    path("dashboard/", views.home),
    path("dashboard/calls/", views.calls, name="calls"),
    path("dashboard/calls/<uuid:call_id>/", views.call, name="call"),
    path("dashboard/appointments/", views.appointments, name="appointments"),
    path("dashboard/theme/", views.theme, name="theme"),
    path("dashboard/users/", users.users, name="users"),
    path("dashboard/users/invitation/", users.invite, name="user_invitation"),
    path("dashboard/users/<uuid:user_id>/", users.user, name="user"),
    path("dashboard/users/<uuid:user_id>/role/", users.role, name="user_role"),
    path(
        "dashboard/users/<uuid:user_id>/deactivation/", users.deactivation, name="user_deactivation"
    ),
    path(
        "dashboard/users/<uuid:user_id>/reactivation/", users.reactivation, name="user_reactivation"
    ),
    path(
        "dashboard/users/<uuid:user_id>/second-factor-reset/",
        users.second_factor_reset,
        name="user_second_factor_reset",
    ),
    path("dashboard/users/<uuid:user_id>/unlocking/", users.unlocking, name="user_unlocking"),
    path("dashboard/audit/", audit.audit, name="audit"),
    path("dashboard/audit/export/", audit.audit_export, name="audit_export"),
    path("dashboard/api-keys/", api_keys.api_keys, name="api_keys"),
    path("dashboard/api-keys/creation/", api_keys.creation, name="api_key_creation"),
    path(
        "dashboard/api-keys/<uuid:key_id>/revocation/",
        api_keys.revocation,
        name="api_key_revocation",
    ),
    path("dashboard/emergency/", emergency.emergency_access, name="emergency"),
    path(
        "dashboard/emergency/<uuid:access_id>/end/",
        emergency.end_emergency_access,
        name="emergency_end",
    ),
    path("accounts/calendar/", views.calendar_link, name="calendar_link"),
]
