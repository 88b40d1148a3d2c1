"""
Phone numbers and spoken proofs of identity: what counts as the same, and which numbers are called back.

Pure. Numbers are E.164 where known; a number that the carrier withheld is an empty text.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

# Twilio writes a withheld number as a word, or as the keys that spell one (twilio.com/docs/voice, "Anonymous caller").
WITHHELD: Final = frozenset(
    {"+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253", "+464"}
)
# Area codes of +1 that belong to other countries and are charged as calls abroad, and those with a charge of their own.
ABROAD: Final = frozenset(
    {
        "242",
        "246",
        "264",
        "268",
        "284",
        "345",
        "441",
        "473",
        "649",
        "658",
        "664",
        "721",
        "758",
        "767",
        "784",
        "809",
        "829",
        "849",
        "868",
        "869",
        "876",
    }
)
CHARGED: Final = frozenset(
    ["500", "521", "522", "533", "544", "566", "577", "588", "700", "710", "900"]
)
CHARGED_EXCHANGE: Final = "976"

_SPOKEN: Final = {
    word: str(digit)
    for digit, words in enumerate(
        (
            "zero oh o cero",
            "one uno una",
            "two dos",
            "three tres",
            "four cuatro",
            "five cinco",
            "six seis",
            "seven siete",
            "eight ocho",
            "nine nueve",
        )
    )
    for word in words.split()
}


def known_number(raw: str) -> str:
    """Return a caller's number in E.164 form, or nothing when it was withheld or is no phone number."""
    if raw in WITHHELD or not re.fullmatch(r"\+[1-9][0-9]{7,14}", raw):
        return ""
    return raw


def callback_number(spoken: str) -> str:
    """
    Return the number to call back for what was said or for a caller id, or nothing when it must be refused (A24).

    Only numbers of +1 that cost a normal call are called: no premium ones, none abroad.
    """
    digits = re.sub(r"[^0-9]", "", spoken_digits(spoken))
    if spoken.strip().startswith("+") and not digits.startswith("1"):
        return ""
    if len(digits) == 11 and digits.startswith("1"):
        digits = digits[1:]
    if len(digits) != 10 or digits[0] in "01" or digits[3] in "01":
        return ""
    if digits[:3] in ABROAD | CHARGED or digits[3:6] == CHARGED_EXCHANGE:
        return ""
    return f"+1{digits}"


def same_number(one: str, other: str) -> bool:
    """Say whether two numbers are the same one; a withheld number is never the same as anything."""
    left, right = _digits_only(one), _digits_only(other)
    return bool(left) and left == right


def spoken_digits(text: str) -> str:
    """Return `text` with digit words of both languages as digits: "two oh one" is "2 0 1"."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return re.sub(r"[a-z]+", lambda match: _SPOKEN.get(match[0], match[0]), decomposed)


def proof(text: str) -> str:
    """Return a zip code, reference number or PIN as it is compared: without case, blanks and punctuation."""
    return re.sub(r"[^0-9a-z]", "", spoken_digits(text))


def matches_proof(given: str, stored: Iterable[str]) -> bool:
    """Say whether what was given equals one of the stored values; a nine-digit zip code counts by its first five."""
    said = proof(given)
    if not said:
        return False
    for value in stored:
        known = proof_of_record(value)
        if known and (
            said == known
            or (len(known) == 5 and known.isdigit() and said[:5] == known and len(said) == 9)
        ):
            return True
    return False


def proof_of_record(value: str) -> str:
    """Return a stored value as it is compared; its letters stay letters, for a reference may contain the word ONE."""
    return re.sub(r"[^0-9a-z]", "", value.casefold())


def _digits_only(number: str) -> str:
    digits = re.sub(r"[^0-9]", "", number)
    return digits[1:] if len(digits) == 11 and digits.startswith("1") else digits
