"""Print the code that the sample logins are asked for now, in place of an authenticator app."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.sign_in import clock, totp
from dashboard.management.commands.create_sample_logins import TOTP_SECRET


class Command(BaseCommand):
    help = "Print the sign-in code of the sample logins; only with DEBUG=1."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the code alone, so that it can be copied or piped."""
        if not settings.DEBUG:
            raise CommandError("Sample logins exist only with DEBUG=1.")
        step = totp.step_at(clock.now().timestamp())
        self.stdout.write(totp.code_at(TOTP_SECRET, step))
