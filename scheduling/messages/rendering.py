"""
From words to a message: blanks filled, our number and the way to opt out added; and what words may be (S55). No Django.

A blank is a name in braces. It is not Python's format language: no attribute, index or conversion can be written.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from scheduling.messages.dates import phone_number
from scheduling.messages.segments import in_gsm7
from scheduling.messages.words import BLANKS, CALL_US, MOVES, OPT_OUT, SMS, Words

BLANK = re.compile(r"\{([a-z_]+)\}")
MOST_CHARACTERS = 1600  # of a text, with what is added; Twilio refuses more (21617)
MOST_IN_SUBJECT = 200
MARGIN = 200  # for what the blanks and the end add to a text's words


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes: the clinic's name and the number to call, empty if there is none."""

    clinic: str
    phone: str


def render(
    words: Words,
    *,
    channel: str,
    language: str,
    sender: Sender,
    blanks: Mapping[str, str],
    moves: bool = False,
) -> Words:
    """Return the message in full; with `moves` it says that a yes gives up the later visit."""
    filled = {**blanks, "clinic": sender.clinic}
    body = fill(words.body, filled).rstrip()
    if moves:
        body += MOVES[language]
    if sender.phone:
        body += fill(CALL_US[language, channel], {"phone": phone_number(sender.phone)})
    body += OPT_OUT[language, channel]
    if channel == SMS:
        return Words(in_gsm7(body))
    subject = " ".join(fill(words.subject, filled).split())
    return Words(body, subject[:MOST_IN_SUBJECT])


def fill(text: str, blanks: Mapping[str, str]) -> str:
    """Return the text with the known blanks filled; a value is never searched for blanks in its turn."""
    return BLANK.sub(lambda found: blanks.get(found[1], found[0]), text)


def problems(words: Words, *, kind: str, channel: str) -> dict[str, str]:
    """Return what is wrong with the clinic's own words, as a sentence for `body` and `subject`; empty if nothing is."""
    allowed = BLANKS[kind]
    wrong = {}
    if sentence := _problem(words.body, allowed.names):
        wrong["body"] = sentence
    elif missing := [name for name in allowed.names if f"{{{name}}}" not in words.body]:
        wrong["body"] = f"Also say {_listed(missing)}."
    elif channel == SMS and len(words.body) > MOST_CHARACTERS - MARGIN:
        wrong["body"] = f"A text has at most {MOST_CHARACTERS - MARGIN} characters."
    if channel == SMS:
        if words.subject:
            wrong["subject"] = "A text has no subject."
    elif not words.subject.strip():
        wrong["subject"] = "An e-mail needs a subject."
    elif "\n" in words.subject or "\r" in words.subject:
        wrong["subject"] = "A subject is one line."
    elif sentence := _problem(words.subject, allowed.in_subject):
        wrong["subject"] = sentence
    return wrong


def chosen(own: Words | None, built_in: Words, *, kind: str, channel: str) -> Words:
    """Return the clinic's own words, or the built-in ones if there are none or a rule is broken."""
    return built_in if own is None or problems(own, kind=kind, channel=channel) else own


def _problem(text: str, names: tuple[str, ...]) -> str:
    unknown = sorted(set(BLANK.findall(text)) - set(names))
    if unknown:
        return f"{_listed(unknown)} cannot be used here, only {_listed(names) or 'plain words'}."
    if "{" in BLANK.sub("", text) or "}" in BLANK.sub("", text):
        return f"Braces are only for {_listed(names)}."
    return ""


def _listed(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)
