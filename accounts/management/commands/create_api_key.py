"""`manage.py create_api_key`: a key to the API, shown once."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.exceptions import InvalidLifetime
from accounts.issued_keys import USUAL_DAYS, create_key
from accounts.keys import InvalidNetwork, InvalidScopes
from accounts.permissions import Scope
from accounts.sign_in import clock


class Command(BaseCommand):
    help = "Make an API key and print it, once: only its hash is stored."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="whose key it is, as the list of keys shows it")
        parser.add_argument(
            "--scopes", required=True, help=f"with commas, some of {', '.join(Scope)}"
        )
        parser.add_argument("--days", type=int, default=USUAL_DAYS, help="how long it is valid")
        parser.add_argument(
            "--addresses",
            default="",
            help="with commas, addresses or networks (CIDR) that it may come from; without, any",
        )

    def handle(
        self, *args: Any, name: str, scopes: str, days: int, addresses: str, **options: Any
    ) -> None:
        try:
            _, text = create_key(
                name=name,
                scopes=_words(scopes),
                networks=_words(addresses),
                days=days,
                now=clock.now(),
            )
        except (InvalidScopes, InvalidNetwork, InvalidLifetime) as error:
            raise CommandError(error.detail) from error
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(text)


def _words(text: str) -> list[str]:
    return [word for part in text.split(",") if (word := part.strip())]
