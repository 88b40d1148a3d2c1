"""Coming in as a person does: name and password, then a code of the app."""

from datetime import datetime, timedelta
from typing import Any

from django.test import Client

from accounts.models import User
from accounts.sign_in import clock, second_factor, totp

LOGIN = "/accounts/login/"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def enrol(user: User) -> User:
    """Give somebody an app with `SECRET`."""
    second_factor.set_secret(user=user, secret=SECRET)
    return user


def code(now: datetime | None = None, *, steps: int = 0, secret: str = SECRET) -> str:
    """Return what the app shows, `steps` times thirty seconds from now."""
    at = (now or clock.now()) + timedelta(seconds=steps * totp.STEP_SECONDS)
    return totp.code_at(secret, totp.step_at(at.timestamp()))


def give_password(client: Client, username: str, password: str, **more: str) -> Any:
    """Take the first step and return where it leads."""
    return client.post(LOGIN, {"login": username, "password": password, **more})


def sign_in(client: Client, username: str, password: str) -> Any:
    """Take both steps of somebody who is enrolled, and return the last answer."""
    give_password(client, username, password)
    return client.post(f"{LOGIN}code/", {"code": code()})
