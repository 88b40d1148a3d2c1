"""
Where staff sign in and out, under the names that allauth looks up.

Routed one by one: allauth's own list would open sign-up, e-mail confirmation and more, which staff accounts lack
(contract, section 8, "Doors").
"""

from allauth.account import views
from django.urls import path

urlpatterns = [
    path("login/", views.login, name="account_login"),
    path("logout/", views.logout, name="account_logout"),
    path("password/change/", views.password_change, name="account_change_password"),
]
