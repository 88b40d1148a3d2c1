"""What administrators may set of an account; whatever else is sent is no field and changes nothing (S27)."""

from django import forms

from accounts.models import User

ROLE_HINTS = {
    User.Role.ADMIN: "Sees everything, and runs the clinic’s accounts and settings.",
    User.Role.SCHEDULER: "Sees all patients, visits and calls, and books for all nurses.",
    User.Role.NURSE: "Sees own patients, with their visits and calls.",
}


class RoleForm(forms.Form):
    """One of the roles."""

    role = forms.ChoiceField(choices=User.Role.choices, label="Role")


class InvitationForm(RoleForm):
    """Who is invited, and as what."""

    first_name = forms.CharField(max_length=150, label="First name")
    last_name = forms.CharField(max_length=150, label="Last name")
    email = forms.EmailField(max_length=254, label="E-mail address")
    username = forms.CharField(max_length=150, label="User name")

    field_order = ("first_name", "last_name", "email", "username", "role")
