"""Phone numbers and spoken proofs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.assistant.callers import callback_number, known_number, matches_proof, same_number


class TestCallbackNumber:
    @pytest.mark.parametrize(
        "spoken",
        ["+12025550177", "202-555-0177", "(202) 555 0177", "two oh two 555 0177", "1 202 555 0177"],
    )
    def test_takes_a_number_of_this_country_however_it_is_said(self, spoken: str) -> None:
        assert callback_number(spoken) == "+12025550177"

    @pytest.mark.parametrize(
        "spoken",
        [
            "1-900-555-0177",  # premium
            "900 555 0177",
            "202 976 0177",  # premium exchange
            "+44 20 7946 0000",
            "+1 876 555 0177",  # Jamaica
            "011 44 20 7946 0000",
            "911",
            "",
            "call me",
            "202 155 0177",
            "2025550177" * 3,
        ],
    )
    def test_a24_refuses_premium_foreign_and_no_numbers(self, spoken: str) -> None:
        assert callback_number(spoken) == ""

    @given(st.text(max_size=40))
    def test_a24_gives_a_number_of_this_country_or_none(self, spoken: str) -> None:
        number = callback_number(spoken)

        assert number == "" or (
            number.startswith("+1") and len(number) == 12 and number[2:5] != "900"
        )


class TestKnownNumber:
    @pytest.mark.parametrize(
        "raw", ["", "anonymous", "+266696687", "Restricted", "client:bob", "+0123456789"]
    )
    def test_a_withheld_number_is_none(self, raw: str) -> None:
        assert known_number(raw) == ""

    def test_a_withheld_number_equals_no_other(self) -> None:
        assert not same_number("", "")
        assert same_number("+12025550177", "2025550177")


class TestProof:
    @pytest.mark.parametrize(
        "given",
        ["20001", "two zero zero zero one", "2 0 0 0 1", "20001-1234", "dos cero cero cero uno"],
    )
    def test_is_compared_as_it_is_meant(self, given: str) -> None:
        assert matches_proof(given, ("20001", "CMX-7Q"))

    def test_of_a_reference_number_ignores_case_and_dashes(self) -> None:
        assert matches_proof("cmx 7q", ("20001", "CMX-7Q"))

    @pytest.mark.parametrize("given", ["", "20002", "2000", "200011", "  -- "])
    def test_that_is_wrong_or_nothing_fails(self, given: str) -> None:
        assert not matches_proof(given, ("20001", ""))

    def test_an_empty_record_matches_nothing(self) -> None:
        assert not matches_proof("", ("", ""))
