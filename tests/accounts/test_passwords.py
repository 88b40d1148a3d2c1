"""Which passwords are taken (security reference, S34)."""

from typing import Any

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from accounts.models import User


class TestAPassword:
    @pytest.mark.parametrize(
        "password",
        [
            "nine loud otters run",
            "aaaabbbbcccc",
            "my nurse likes purple elephants",
            "a visit to the purple lighthouse",
            "pässwörter sind lang genug",
            "q" * 64 + "z" * 64,
        ],
    )
    def test_of_twelve_characters_needs_nothing_else_s34(self, password: str) -> None:
        validate_password(password)

    @pytest.mark.parametrize(
        ("password", "reason"),
        [
            ("eleven char", "password_too_short"),
            ("q" * 65 + "z" * 64, "password_too_long"),
            ("qwerty123456", "password_too_common"),
            ("carematix-2026-carematix", "password_product_words"),
            ("C4r3m@tix!C4r3m@tix", "password_product_words"),
            ("Welcome2Clinic!", "password_product_words"),
            ("nurse-appointment-1", "password_product_words"),
            ("Lakeside-Clinic-1357", "password_product_words"),
        ],
    )
    def test_is_refused_if_it_is_guessed_first_s34(
        self, settings: Any, password: str, reason: str
    ) -> None:
        settings.CLINIC_NAME = "Lakeside Clinic"

        with pytest.raises(ValidationError) as refused:
            validate_password(password)

        assert reason in {error.code for error in refused.value.error_list}

    def test_is_refused_if_it_is_like_the_name(self) -> None:
        user = User(username="robin.sedgemoor", last_name="Sedgemoor")

        with pytest.raises(ValidationError):
            validate_password("robin.sedgemoor1", user)
