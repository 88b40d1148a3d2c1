"""
What an incoming text asks for, in English or Spanish; no Django.

One-letter answers are ours. The words of `STOP`, `START` and `HELP` belong to the carrier, which acts on most of them
itself (twilio reference, section 9); a sentence such as "stop texting me" it lets pass, and it counts as much.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

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
    """What was understood, in which language; `sentence` is a refusal that the carrier does not know of."""

    meaning: Meaning
    language: str = "en"
    sentence: bool = False


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
POLITE = re.compile(
    r"\b(please|pls|thanks|thank you|thx|yes|ok|okay|por favor|muchas gracias|gracias|si|hola|hi|hello)\b"
)

# Patterns over plain words: no accents, no apostrophes ("don t").
REFUSALS = {
    "en": re.compile(
        r"\b(stop|quit|cease)( \w+){0,3} (text\w*|sms|messag\w*|contact\w*|writing|reminders?|notif\w*|sending)\b"
        r"|\b(don t|dont|do not|never|no longer)( \w+){0,2} (text|message|contact|write)"
        r"( to)? (me|us|this number|my|again|anymore)\b"
        r"|\b(don t|dont|do not|no longer|not)( \w+){0,1} (want|wish|send)( \w+){0,5}"
        r" (texts?|messages?|sms|reminders?|notifications?)\b"
        r"|\bno more (texts?|messages?|sms|reminders?|notifications?)\b"
        r"|\b(unsubscribe|opt me out|opt out|take me off|remove me|remove my number|leave me alone)\b"
    ),
    "es": re.compile(
        r"\b(deje\w*|pare\w*|deja|para)( \w+){0,2} de( \w+){0,2} (enviar|mandar|escribir|textear)\w*"
        r"|\bno( \w+){0,2} (envie\w*|mande\w*|escriba\w*|envies|mandes|escribas)\b"
        r"|\bno (quiero|deseo)( \w+){0,4} (mensajes?|textos?|recordatorios?|sms)\b"
        r"|\bno mas (mensajes?|textos?|recordatorios?|sms)\b"
        r"|\b(de baja|quitenme|borrenme|eliminenme)\b"
    ),
}
CALL_REFUSALS = {
    "en": re.compile(
        r"\b(stop|quit|cease)( \w+){0,2} (calls?|calling|phoning)\b"
        r"|\b(don t|dont|do not|never)( \w+){0,1} call (me|us|this number|my|again|anymore)\b"
        r"|\bno more calls\b"
    ),
    "es": re.compile(
        r"\b(deje\w*|pare\w*)( \w+){0,2} de( \w+){0,1} llamar\w*"
        r"|\bno( \w+){0,1} (llame|llamen|llames)\b"
        r"|\bno mas llamadas\b"
    ),
}
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
    for patterns, meaning in ((CALL_REFUSALS, Meaning.STOP_CALLS), (REFUSALS, Meaning.STOP)):
        for language, pattern in patterns.items():
            if pattern.search(plain):
                return Reading(meaning, language, sentence=True)
    asked = " ".join(POLITE.sub(" ", plain).split())
    for meaning in (Meaning.CONFIRM, Meaning.CALL_BACK, Meaning.ACCEPT, Meaning.DECLINE):
        if language := _in_words(asked, meaning):
            return Reading(meaning, "es" if _language(plain) == "es" else language)
    return Reading(Meaning.OTHER, _language(plain))


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
