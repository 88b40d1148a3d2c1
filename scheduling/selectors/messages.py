"""Reads for messages: the clinic's own words, and in whose name a message is written."""

from collections.abc import Iterable

from django.conf import settings

from scheduling.messages.rendering import Sender, chosen
from scheduling.messages.words import Words, built_in, known_language
from scheduling.models import MessageTemplate

OwnWords = dict[tuple[str, str, str], Words]


def sender() -> Sender:
    """Return the clinic's name and the number to call: the clinic's, else the one that texts come from."""
    return Sender(settings.CLINIC_NAME, settings.CLINIC_PHONE or settings.TWILIO_PHONE_NUMBER)


def own_words(*, kinds: Iterable[str]) -> OwnWords:
    """Return the clinic's own words for some kinds, by kind, channel and language; in one query."""
    rows = MessageTemplate.objects.filter(kind__in=list(kinds))
    values = rows.values_list("kind", "channel", "language", "body", "subject")
    return {
        (kind, channel, language): Words(body, subject)
        for kind, channel, language, body, subject in values
    }


def words_for(own: OwnWords, *, kind: str, channel: str, language: str) -> Words:
    """Return the words of a message: the clinic's own if it has some, else the built-in ones."""
    language = known_language(language)
    return chosen(
        own.get((kind, channel, language)),
        built_in(kind=kind, channel=channel, language=language),
        kind=kind,
        channel=channel,
    )
