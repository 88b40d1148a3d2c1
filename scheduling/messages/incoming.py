"""
What an incoming text asks for, in English or Spanish; no Django.

One-letter answers are ours. The words of `STOP`, `START` and `HELP` belong to the carrier, which acts on most of them
itself (twilio reference, section 9), alone in a text only. Sentences that refuse are in `refusals.py`.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from scheduling.messages.refusals import may_refuse, refuses_calls, refuses_texts

MOST_CHARACTERS = 1600


class Meaning(StrEnum):
    """What a text asks for."""

    CONFIRM = "confirm"
    CALL_BACK = "call_back"
    ACCEPT = "accept"
    DECLINE = "decline"
    STOP = "stop"
    STOP_CALLS = "stop_calls"
    START = "start"
    YES = "yes"
    CARRIER = "carrier"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Reading:
    """
    What was understood, in which language.

    `sentence` is a refusal that the carrier does not know of; `may_refuse` marks other words that may be meant as one.
    """

    meaning: Meaning
    language: str = "en"
    sentence: bool = False
    may_refuse: bool = False


WORDS: dict[Meaning, dict[str, frozenset[str]]] = {
    Meaning.STOP: {
        "en": frozenset(
            {
                "stop", "stopall", "stop all", "unsubscribe", "cancel", "end", "quit", "revoke", "optout",
                "opt out",
            }
        ),
        "es": frozenset(
            {
                "alto", "parar", "pare", "paren", "basta", "baja", "cancelar", "detener", "fin", "salir",
                "no mas",
            }
        ),
    },
    Meaning.START: {
        "en": frozenset({"start", "unstop"}),
        "es": frozenset({"iniciar", "comenzar", "reanudar", "empezar"}),
    },
    Meaning.YES: {"en": frozenset({"yes"})},
    Meaning.CARRIER: {"en": frozenset({"help", "info"})},
    Meaning.CONFIRM: {
        "en": frozenset({"c", "confirm", "confirmed", "confirming", "i confirm", "c confirm"}),
        "es": frozenset({"confirmo", "confirmar", "confirmado", "confirmada", "confirma"}),
    },
    Meaning.CALL_BACK: {
        "en": frozenset({"r", "call", "call me", "call back", "callback", "call me back"}),
        "es": frozenset(
            {"llamar", "llamada", "llamame", "llameme", "llamenme", "una llamada", "quiero una llamada"}
        ),
    },
    Meaning.ACCEPT: {
        "en": frozenset({"a", "accept", "accepted", "i accept"}),
        "es": frozenset({"acepto", "aceptar", "aceptado"}),
    },
    Meaning.DECLINE: {
        "en": frozenset({"n", "no", "pass", "decline"}),
        "es": frozenset({"rechazo", "rechazar", "paso", "pasar"}),
    },
}  # fmt: skip
CARRIERS = (Meaning.STOP, Meaning.START, Meaning.YES, Meaning.CARRIER)
OF_THE_CARRIER = {"STOP": Meaning.STOP, "START": Meaning.START, "HELP": Meaning.CARRIER}
"""Twilio's `OptOutType`, where the account has its own words for opting out."""
MAY_MEAN_ANOTHER_THING = frozenset({"cancel", "end", "cancelar", "fin", "salir", "baja"})
"""The carrier takes some of these alone for a refusal; "please cancel" is rather about a visit."""
POLITE = re.compile(
    r"\b(please|pls|thanks|thank you|thx|yes|ok|okay|por favor|muchas gracias|gracias|si|hola|hi|hello)\b"
)

SPANISH = re.compile(
    r"\b(hola|cita|quiero|necesito|gracias|favor|puedo|puede|manana|llegar|tarde|ayuda|cuando|donde|usted|para)\b"
)


def clean(text: str, *, most: int = MOST_CHARACTERS) -> str:
    """Return the text on one line, without control characters, cut to `most` characters."""
    spaced = " ".join(text[: 4 * most].split())
    return "".join(character for character in spaced if character.isprintable())[:most]


def read(body: str, *, opt_out_type: str = "") -> Reading:
    """Return what a text asks for; `opt_out_type` is what the carrier took it for, if it says so."""
    plain = _plain(body)
    if opt_out_type in OF_THE_CARRIER:
        return Reading(OF_THE_CARRIER[opt_out_type], _language(plain))
    for meaning in CARRIERS:
        if language := _in_words(plain, meaning):
            return Reading(meaning, language)
    if language := refuses_calls(plain):
        return Reading(Meaning.STOP_CALLS, language, sentence=True)
    asked = " ".join(POLITE.sub(" ", plain).split())
    polite = "" if asked in MAY_MEAN_ANOTHER_THING else _in_words(asked, Meaning.STOP)
    if language := refuses_texts(plain) or polite:
        return Reading(Meaning.STOP, language, sentence=True)
    for meaning in (Meaning.CONFIRM, Meaning.CALL_BACK, Meaning.ACCEPT, Meaning.DECLINE):
        if language := _in_words(asked, meaning):
            return Reading(meaning, "es" if _language(plain) == "es" else language)
    doubtful = may_refuse(plain) or asked in MAY_MEAN_ANOTHER_THING
    return Reading(Meaning.OTHER, _language(plain), may_refuse=doubtful)


def _plain(body: str) -> str:
    """Return lower-case words without accents and punctuation, one space apart."""
    decomposed = unicodedata.normalize("NFKD", body).casefold()
    letters = "".join(mark for mark in decomposed if not unicodedata.combining(mark))
    return " ".join(re.sub(r"[^a-z0-9]+", " ", letters).split())


def _in_words(plain: str, meaning: Meaning) -> str:
    """Return in which language the words mean it; empty if they do not."""
    for language, words in WORDS[meaning].items():
        if plain in words:
            return language
    return ""


def _language(plain: str) -> str:
    return "es" if SPANISH.search(plain) else "en"
