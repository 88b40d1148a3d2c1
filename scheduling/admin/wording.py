"""The clinic's own words for messages: beside the built-in ones, with a preview and the number of parts."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.http import HttpRequest
from django.template.defaultfilters import linebreaksbr
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from scheduling.admin.bases import ModelFormBase, NamedAdmin
from scheduling.clock import clinic_zone
from scheduling.messages.dates import clock_time, date_and_time
from scheduling.messages.rendering import fill, problems, render
from scheduling.messages.segments import is_gsm7, segments
from scheduling.messages.words import ANSWERS, BLANKS, KINDS, LANGUAGES, SMS, Words, built_in
from scheduling.models import Message, MessageTemplate
from scheduling.models.appointments import MOST_MEMBERS
from scheduling.selectors.messages import own_words, sender

EXAMPLE_START = datetime(2026, 9, 30, 12, 30)  # noqa: DTZ001 - local at the clinic; no date is written longer
EXAMPLE_LIMIT = timedelta(minutes=30)
SUMMARY_CHARACTERS = 90
PLACE = ("kind", "channel", "language")
MEANINGS = {
    "clinic": "the clinic's name",
    "when": "date, time and zone of the visit",
    "count": "how many visits of a series",
    "until": "the time until which the offer is kept",
    "answer": "what is answered",
}


class MessageTemplateForm(ModelFormBase):
    """Words that hold what their kind needs, and nothing in braces that could tell too much."""

    class Meta:
        model = MessageTemplate
        fields = (*PLACE, "subject", "body")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:  # the preview shows the words that the form starts with
            for name in self._meta.fields or ():
                setattr(self.instance, name, self.initial.get(name, ""))

    def clean(self) -> dict[str, Any]:
        """Refuse words that break a rule, each at its field."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        kind = data.get("kind") or self.instance.kind
        channel = data.get("channel") or self.instance.channel
        if kind and channel and "body" in data:
            words = Words(data["body"], data.get("subject", ""))
            for field, sentence in problems(words, kind=kind, channel=channel).items():
                self.add_error(field, sentence)
        return data


@admin.register(MessageTemplate)
class MessageTemplateAdmin(NamedAdmin):
    """Own words, and below them the built-in words to start from."""

    form = MessageTemplateForm
    change_list_template = "admin/scheduling/messagetemplate/change_list.html"
    list_display = ("kind", "channel", "language", "words", "parts", "updated_at")
    list_display_links = ("kind", "words")
    list_filter = PLACE
    search_fields = ("subject", "body")
    fields = (*PLACE, "may_hold", "subject", "body", "preview")
    readonly_fields = ("may_hold", "preview")

    def title(self, row: MessageTemplate) -> str:
        """Return what the words are for."""
        return _place_in_words(row)

    def get_readonly_fields(
        self, request: HttpRequest, obj: MessageTemplate | None = None
    ) -> tuple[str, ...]:
        """Keep stored words in their place; other words are another row."""
        return (*PLACE, *self.readonly_fields) if obj else tuple(self.readonly_fields)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Start with the built-in words of the place that was asked for, else of the first one without own words."""
        asked = tuple(request.GET.get(name, "") for name in PLACE)
        free = _without_own_words()
        place = asked if asked in free else next(iter(free), _all_places()[0])
        kind, channel, language = place
        words = built_in(kind=kind, channel=channel, language=language)
        return dict(zip(PLACE, place, strict=True)) | {"subject": words.subject, "body": words.body}

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """List the own words, then the built-in ones that they may replace."""
        add = reverse("admin:scheduling_messagetemplate_add")
        rows = [
            {
                "template": template,
                "text": _example(template),
                "address": f"{add}?{urlencode(dict(zip(PLACE, place, strict=True)))}",
            }
            for place in _without_own_words()
            for template in [_built_in_template(place)]
        ]
        context = {"built_in": rows, "may_write": self.has_add_permission(request)}
        return super().changelist_view(request, (extra_context or {}) | context)

    @admin.display(description="Words")
    def words(self, template: MessageTemplate) -> str:
        """Return the beginning of the words."""
        return Truncator(template.body).chars(SUMMARY_CHARACTERS)

    @admin.display(description="Parts of a text")
    def parts(self, template: MessageTemplate) -> str:
        """Return in how many parts a text is sent."""
        return str(segments(_example(template).body)) if template.channel == SMS else "E-mail"

    @admin.display(description="May hold")
    def may_hold(self, template: MessageTemplate) -> SafeString | str:
        """Return what may stand in braces in these words, and what is added at their end."""
        names = BLANKS[template.kind].names if template.kind in BLANKS else ()
        listed = ", ".join(f"{{{name}}}: {MEANINGS[name]}" for name in names)
        return format_html(
            "{}.<br>All of these, and nothing else in braces. Write nothing about health or people. "
            "Our number and how to opt out are added at the end. "
            "New words count for messages that are written from now on.",
            listed,
        )

    @admin.display(description="Preview")
    def preview(self, template: MessageTemplate) -> SafeString | str:
        """Return the message as it would be sent, with the longest date there is."""
        if template.kind not in BLANKS or problems(
            Words(template.body, template.subject), kind=template.kind, channel=template.channel
        ):
            return "Correct the words to see the message."
        message = _example(template)
        body = linebreaksbr(message.body, autoescape=True)
        if template.channel != SMS:
            return format_html("<strong>{}</strong><br><br>{}", message.subject, body)
        return format_html("{}<br><br>{}", body, _length(message.body))


def _all_places() -> list[tuple[str, str, str]]:
    """Return every kind, channel and language, in the order of the list."""
    return [
        (kind, channel, language)
        for kind in KINDS
        for channel in Message.Channel.values
        for language in LANGUAGES
    ]


def _without_own_words() -> list[tuple[str, str, str]]:
    own = own_words(kinds=KINDS)
    return [place for place in _all_places() if place not in own]


def _built_in_template(place: tuple[str, str, str]) -> MessageTemplate:
    kind, channel, language = place
    words = built_in(kind=kind, channel=channel, language=language)
    return MessageTemplate(
        kind=kind, channel=channel, language=language, subject=words.subject, body=words.body
    )


def _place_in_words(template: MessageTemplate) -> str:
    return (
        f"{template.get_kind_display()}, {template.get_channel_display().lower()}, "
        f"{template.get_language_display()}"
    )


def _example(template: MessageTemplate) -> Words:
    zone, language = clinic_zone(), template.language
    start = EXAMPLE_START.replace(tzinfo=zone)
    when = date_and_time(start, zone=zone, language=language, channel=template.channel)
    answer = fill(ANSWERS[language]["confirmed"], {"when": when})
    return render(
        Words(template.body, template.subject),
        channel=template.channel,
        language=language,
        sender=sender(),
        blanks={
            "when": when,
            "count": str(MOST_MEMBERS),
            "until": clock_time(start + EXAMPLE_LIMIT, zone=zone, language=language),
            "answer": answer,
        },
    )


def _length(text: str) -> str:
    """Say how long a text is, and why it is sent in more parts than its length would need."""
    parts = segments(text)
    said = f"{len(text)} characters, sent in {parts} {'part' if parts == 1 else 'parts'}"
    if is_gsm7(text):
        return f"{said}."
    odd = "".join(sorted({char for char in text if not is_gsm7(char)}))
    return f"{said}, because of {odd}: such characters leave room for 70 a part instead of 160."
