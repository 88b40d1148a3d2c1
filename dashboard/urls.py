"""The pages of staff."""

from django.urls import path

from dashboard import api_keys, audit, emergency, privacy, users, views

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
    path("dashboard/privacy/", privacy.privacy, name="privacy"),
    path("dashboard/privacy/patients/<uuid:patient_id>/", privacy.patient, name="privacy_patient"),
    path(
        "dashboard/privacy/patients/<uuid:patient_id>/holds/",
        privacy.patient_hold,
        name="privacy_patient_hold",
    ),
    path(
        "dashboard/privacy/patients/<uuid:patient_id>/holds/<uuid:hold_id>/lifting/",
        privacy.patient_hold_lifting,
        name="privacy_patient_hold_lifting",
    ),
    path(
        "dashboard/privacy/patients/<uuid:patient_id>/calls/",
        privacy.call_permission_answer,
        name="privacy_call_permission",
    ),
    path(
        "dashboard/privacy/patients/<uuid:patient_id>/export/",
        privacy.export,
        name="privacy_export",
    ),
    path(
        "dashboard/privacy/patients/<uuid:patient_id>/erasure/",
        privacy.erasure,
        name="privacy_erasure",
    ),
    path("dashboard/privacy/calls/<uuid:call_id>/", privacy.call, name="privacy_call"),
    path(
        "dashboard/privacy/calls/<uuid:call_id>/holds/",
        privacy.call_hold,
        name="privacy_call_hold",
    ),
    path(
        "dashboard/privacy/calls/<uuid:call_id>/holds/<uuid:hold_id>/lifting/",
        privacy.call_hold_lifting,
        name="privacy_call_hold_lifting",
    ),
    path(
        "dashboard/privacy/calls/<uuid:call_id>/patient/",
        privacy.relinking,
        name="privacy_relinking",
    ),
    path("accounts/calendar/", views.calendar_link, name="calendar_link"),
]
