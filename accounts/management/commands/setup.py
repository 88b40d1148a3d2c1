"""`manage.py setup`: bring the database up to date and make the first administrator."""

import getpass
import os
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import services
from accounts.exceptions import UsernameTaken
from accounts.models import User

PASSWORD_VARIABLE = "SETUP_PASSWORD"


class Command(BaseCommand):
    help = (
        "Migrate the database and create the first administrator. Asks for what is missing; without a terminal the "
        f"name and address come from the options and the password from {PASSWORD_VARIABLE} in the environment. "
        "Repeatable: an administrator who is there already is left alone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--username", default="", help="user name of the first administrator")
        parser.add_argument("--email", default="", help="e-mail address of the first administrator")
        parser.add_argument(
            "--no-input", action="store_true", help="ask nothing; fail when something is missing"
        )

    def handle(
        self, *args: Any, username: str, email: str, no_input: bool, verbosity: int, **options: Any
    ) -> None:
        call_command("migrate", interactive=False, verbosity=max(0, verbosity - 1))
        self.stdout.write("The database is up to date; the roles are part of it.")
        present = User.objects.filter(role=User.Role.ADMIN, is_active=True)
        if username:
            present = present.filter(username__iexact=username)
        if found := present.first():
            self.stdout.write(f"The administrator {found.username} is there already.")
            return
        self.create(username, email, asks=not no_input and self.stdin_is_a_terminal())

    def create(self, username: str, email: str, *, asks: bool) -> None:
        if asks:
            username = username or input("User name of the first administrator: ").strip()
            email = email or input("E-mail address: ").strip()
        if not username or not email:
            raise CommandError("Give --username and --email.")
        password = os.environ.get(PASSWORD_VARIABLE, "") or (self.ask_password() if asks else "")
        if not password:
            raise CommandError(f"Set {PASSWORD_VARIABLE} in the environment.")
        try:
            user = services.create_administrator(username=username, email=email, password=password)
        except UsernameTaken as error:
            raise CommandError(error.detail) from error
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(f"Created the administrator {user.username}.")

    def ask_password(self) -> str:
        password = getpass.getpass("Password (12 characters or more): ")
        if getpass.getpass("Password again: ") != password:
            raise CommandError("The two passwords differ. Nothing was created; run setup again.")
        return password

    def stdin_is_a_terminal(self) -> bool:
        return os.isatty(0)
