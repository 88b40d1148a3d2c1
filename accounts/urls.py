"""
Where staff sign in and out, under the names that allauth looks up.

Routed one by one: allauth's own list would open sign-up, e-mail confirmation and more, which staff accounts lack
(contract, section 8, "Doors").
"""

from allauth.account import views as allauth_views
from django.urls import path, re_path

from accounts.sign_in import views

urlpatterns = [
    path("login/", views.sign_in, name="account_login"),
    path("login/enrol/", views.enrol, name="mfa_activate_totp"),
    path("login/code/", views.code, name="mfa_authenticate"),
    path("logout/", views.sign_out, name="account_logout"),
    path("reauthenticate/", views.reauthenticate, name="account_reauthenticate"),
    path("recovery-codes/", views.recovery_codes, name="mfa_view_recovery_codes"),
    path("sessions/", views.sessions, name="usersessions_list"),
    path("session/", views.session_status, name="session_status"),
    path("session/extension/", views.extend_session, name="session_extension"),
    path("password/change/", views.change_password, name="account_change_password"),
    path("password/reset/", allauth_views.password_reset, name="account_reset_password"),
    path(
        "password/reset/done/",
        allauth_views.password_reset_done,
        name="account_reset_password_done",
    ),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        views.choose_password,
        name="account_reset_password_from_key",
    ),
]
