"""What a password must not be (security reference, S34): no rules of composition, no forced change."""

import re

from django.conf import settings
from django.core.exceptions import ValidationError

from accounts.models import User

OWN_LETTERS = 8
PRODUCT_WORDS = (
    "carematix",
    "appointment",
    "assistant",
    "calendar",
    "clinic",
    "doctor",
    "health",
    "hospital",
    "medical",
    "nurse",
    "password",
    "patient",
    "scheduler",
    "visit",
    "welcome",
)
LOOK_ALIKES = str.maketrans("013457@$", "oleastas")


class MaximumLengthValidator:
    """Refuse what is so long that hashing it is a way to keep the server busy."""

    def __init__(self, max_length: int = 128) -> None:
        self.max_length = max_length

    def validate(self, password: str, user: User | None = None) -> None:
        if len(password) > self.max_length:
            words = f"This password is too long. It must have at most {self.max_length} characters."
            raise ValidationError(words, code="password_too_long")

    def get_help_text(self) -> str:
        return f"Your password must have at most {self.max_length} characters."


class ProductWordsValidator:
    """Refuse what anybody who tries to get in here would try first."""

    def validate(self, password: str, user: User | None = None) -> None:
        if _is_made_of_product_words(password):
            raise ValidationError(
                "This password is made of words that are guessed first here. Choose others.",
                code="password_product_words",
            )

    def get_help_text(self) -> str:
        return "Your password cannot be made of words like the product’s or the clinic’s name."


def _words() -> list[str]:
    """Return what is guessed first, longest first."""
    clinic = re.findall(r"[^\W\d_]{4,}", settings.CLINIC_NAME.casefold())
    return sorted({*PRODUCT_WORDS, *clinic}, key=len, reverse=True)


def _is_made_of_product_words(password: str) -> bool:
    """Look at the letters alone, and once more with digits and signs read as the letters they stand for."""
    plain = password.casefold()
    readings = [_letters(plain), _letters(plain.translate(LOOK_ALIKES))]
    mentions = any(word in reading for word in _words() for reading in readings)
    return mentions and min(_own_letters(reading) for reading in readings) < OWN_LETTERS


def _letters(text: str) -> str:
    return "".join(character for character in text if character.isalpha())


def _own_letters(letters: str) -> int:
    """Return how many letters remain without the words that are guessed first."""
    for word in _words():
        letters = letters.replace(word, "")
    return len(letters)
