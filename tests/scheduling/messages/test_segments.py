"""In how many parts a text is sent."""

import pytest

from scheduling.messages.segments import GSM7, in_gsm7, is_gsm7, segments


class TestSegments:
    @pytest.mark.parametrize(
        ("text", "parts"),
        [
            ("", 1),
            ("a" * 160, 1),
            ("a" * 161, 2),
            ("a" * 306, 2),
            ("a" * 307, 3),
            ("€" * 80, 1),  # counts double
            ("€" * 81, 2),
            ("á" * 70, 1),  # not in GSM-7
            ("á" * 71, 2),
            ("á" * 134, 2),
            ("á" * 135, 3),
            ("😀" * 35, 1),  # two units each
            ("😀" * 36, 2),
        ],
    )
    def test_are_counted_as_the_carrier_does(self, text: str, parts: int) -> None:
        assert segments(text) == parts

    def test_know_all_of_the_alphabet(self) -> None:
        assert len(GSM7) == 127  # 128 places, one of them the escape


class TestGsm7:
    def test_has_some_accents_only(self) -> None:
        assert is_gsm7("mié señor ü à ¿ ¡")
        assert [char for char in "áíóú" if is_gsm7(char)] == []

    def test_replaces_what_it_lacks_by_what_looks_alike(self) -> None:
        text = in_gsm7("“Sábado” – Ann’s…\u00a0número Ñandú")

        assert text == '"Sabado" - Ann\'s... numero Ñandu'
        assert is_gsm7(text)

    def test_leaves_what_has_no_look_alike(self) -> None:
        assert in_gsm7("Ждём 😀") == "Ждём 😀"
