"""Make the sample logins of a development server: one for each role."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from accounts.services import ensure_sample_login
from accounts.sign_in.second_factor import set_secret
from scheduling.exceptions import NurseUnknown
from scheduling.selectors import nurse_named
from scheduling.services import link_login

PASSWORD = "sample-clinic-2026"  # nosec B105 - printed by the demo, for made-up people only
TOTP_SECRET = "CAREMATIXSAMPLECLINIC234567ABCDE"  # nosec B105 - as the password
LOGINS = (
    ("robin", "Robin", "Sedgemoor", User.Role.ADMIN),
    ("sam", "Sam", "Ashgrove", User.Role.SCHEDULER),
    ("ana", "Ana", "Reyes", User.Role.NURSE),
)


class Command(BaseCommand):
    help = (
        "Make sample logins with one known password and one known key for codes; only with DEBUG=1."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Make them, link the nurse's login to the nurse, and print them."""
        if not settings.DEBUG:
            raise CommandError("Sample logins are made only with DEBUG=1.")
        self.stdout.write(f"Sample logins, all with the password {PASSWORD}:")
        for username, first_name, last_name, role in LOGINS:
            user = ensure_sample_login(
                username=username,
                first_name=first_name,
                last_name=last_name,
                role=role,
                password=PASSWORD,
            )
            set_secret(user=user, secret=TOTP_SECRET)
            if role == User.Role.NURSE:
                self.link(user, f"{first_name} {last_name}")
            self.stdout.write(f"  {username:<8} {user.get_role_display()}")
        self.stdout.write(
            f"They are asked for a code as well: add the key {TOTP_SECRET} to an authenticator app,\n"
            "or run `DEBUG=1 .venv/bin/python manage.py sample_login_code`. Each code works once."
        )

    def link(self, user: User, name: str) -> None:
        try:
            link_login(nurse_id=nurse_named(name=name).nurse_id, user_id=user.pk)
        except NurseUnknown as error:
            raise CommandError("Load the sample clinic first: load_sample_data.") from error
