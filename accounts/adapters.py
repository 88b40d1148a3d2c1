"""How allauth behaves here: staff are invited, nobody signs up."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class StaffAccountAdapter(DefaultAccountAdapter):
    """Close sign-up for good."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
