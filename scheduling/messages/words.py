"""
The built-in words, in English and Spanish, for each kind of message and each way of sending it; no Django.

Words say when and where to call, never who, why or what for (security reference, S55). What every message must end
with, our number and how to opt out, stands in `CALL_US` and `OPT_OUT` and is added to the clinic's own words as well.
Texts are sent in GSM-7, which has é, ñ and ü but neither á, í, ó nor ú (`segments.py`).
"""

from dataclasses import dataclass

LANGUAGES = ("en", "es")
SMS, EMAIL = "sms", "email"


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a message; a text has no subject."""

    body: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Blanks:
    """What may stand in braces in a kind of message; all of it must stand in the body."""

    names: tuple[str, ...]

    @property
    def in_subject(self) -> tuple[str, ...]:
        """Return what may stand in a subject, which others may see on a locked screen."""
        return tuple(name for name in self.names if name in ("clinic", "when"))


VISIT = Blanks(("clinic", "when"))
SERIES = Blanks(("clinic", "count", "when"))
BLANKS = {
    "confirmation": VISIT,
    "rescheduled": VISIT,
    "cancellation": VISIT,
    "nurse_changed": VISIT,
    "series_booked": SERIES,
    "series_rescheduled": SERIES,
    "series_cancelled": SERIES,
    "reminder_48h": VISIT,
    "reminder_2h": VISIT,
    "details": VISIT,
    "waitlist_offer": Blanks(("clinic", "when", "until")),
    "reply": Blanks(("clinic", "answer")),
    "nurse_booked": VISIT,
    "nurse_rescheduled": VISIT,
    "nurse_cancelled": VISIT,
}
KINDS = tuple(BLANKS)

TEXTS = {
    "en": {
        "confirmation": "{clinic}: your appointment is on {when}. "
        "Reply C to confirm, R for a call back.",
        "rescheduled": "{clinic}: your appointment was moved to {when}. "
        "Reply C to confirm, R for a call back.",
        "cancellation": "{clinic}: your appointment on {when} was cancelled. "
        "Reply R for a call back.",
        "nurse_changed": "{clinic}: a colleague will see you on {when} instead. "
        "Reply R for a call back.",
        "series_booked": "{clinic}: you have {count} new appointments, the first on {when}. "
        "Reply R for a call back.",
        "series_rescheduled": "{clinic}: {count} appointments were changed, the first is now {when}. "
        "Reply R for a call back.",
        "series_cancelled": "{clinic}: {count} appointments were cancelled, the first of {when}. "
        "Reply R for a call back.",
        "reminder_48h": "{clinic}: reminder of your appointment on {when}. "
        "Reply C to confirm, R for a call back.",
        "reminder_2h": "{clinic}: your appointment is soon, {when}. "
        "Reply C to confirm, R for a call back.",
        "details": "{clinic}: your appointment is on {when}. "
        "Reply C to confirm, R for a call back.",
        "waitlist_offer": "{clinic}: {when} is free. Reply A to take it, N to pass, until {until}.",
        "reply": "{clinic}: {answer}",
        "nurse_booked": "{clinic}: new visit on {when}. Open the dashboard for details.",
        "nurse_rescheduled": "{clinic}: a visit was moved to {when}. "
        "Open the dashboard for details.",
        "nurse_cancelled": "{clinic}: the visit on {when} is no longer yours. "
        "Open the dashboard for details.",
    },
    "es": {
        "confirmation": "{clinic}: su cita es el {when}. "
        "Responda C para confirmar, R para una llamada.",
        "rescheduled": "{clinic}: su cita ahora es el {when}. "
        "Responda C para confirmar, R para una llamada.",
        "cancellation": "{clinic}: su cita del {when} fue cancelada. Responda R para una llamada.",
        "nurse_changed": "{clinic}: otra persona viene a su cita del {when}. "
        "Responda R para una llamada.",
        "series_booked": "{clinic}: tiene {count} citas nuevas, la primera el {when}. "
        "Responda R para una llamada.",
        "series_rescheduled": "{clinic}: {count} citas cambiaron, la primera es el {when}. "
        "Responda R para una llamada.",
        "series_cancelled": "{clinic}: {count} citas canceladas, la primera del {when}. "
        "Responda R para una llamada.",
        "reminder_48h": "{clinic}: recuerde su cita del {when}. "
        "Responda C para confirmar, R para una llamada.",
        "reminder_2h": "{clinic}: su cita es pronto, {when}. "
        "Responda C para confirmar, R para una llamada.",
        "details": "{clinic}: su cita es el {when}. Responda C para confirmar, R para una llamada.",
        "waitlist_offer": "{clinic}: hay cita el {when}. "
        "Responda A para aceptar, N para pasar, hasta las {until}.",
        "reply": "{clinic}: {answer}",
        "nurse_booked": "{clinic}: nueva visita el {when}. Vea el panel.",
        "nurse_rescheduled": "{clinic}: una visita ahora es el {when}. Vea el panel.",
        "nurse_cancelled": "{clinic}: la visita del {when} ya no es suya. Vea el panel.",
    },
}

MAILS = {
    "en": {
        "confirmation": Words(
            "Hello,\n\nyour appointment with {clinic} is on {when}.\n\n"
            "If you want to change or cancel it, please call us.",
            "Your appointment with {clinic}",
        ),
        "rescheduled": Words(
            "Hello,\n\nyour appointment with {clinic} was moved. It is now on {when}.\n\n"
            "If that does not suit you, please call us.",
            "Your appointment with {clinic} was moved",
        ),
        "cancellation": Words(
            "Hello,\n\nyour appointment with {clinic} on {when} was cancelled.\n\n"
            "If you want another one, please call us.",
            "Your appointment with {clinic} was cancelled",
        ),
        "nurse_changed": Words(
            "Hello,\n\na colleague at {clinic} will see you on {when} instead. "
            "The time stays the same.\n\nIf you have questions, please call us.",
            "A change to your appointment with {clinic}",
        ),
        "series_booked": Words(
            "Hello,\n\nyou have {count} new appointments with {clinic}. The first is on {when}.\n\n"
            "If you want to know the others, or to change one, please call us.",
            "Your appointments with {clinic}",
        ),
        "series_rescheduled": Words(
            "Hello,\n\n{count} of your appointments with {clinic} were changed. "
            "The first of them is now on {when}.\n\nIf that does not suit you, please call us.",
            "Your appointments with {clinic} were changed",
        ),
        "series_cancelled": Words(
            "Hello,\n\n{count} of your appointments with {clinic} were cancelled. "
            "The first of them was on {when}.\n\nIf you want others, please call us.",
            "Your appointments with {clinic} were cancelled",
        ),
        "reminder_48h": Words(
            "Hello,\n\nthis is a reminder of your appointment with {clinic} on {when}.\n\n"
            "If you cannot be there, please call us.",
            "Reminder of your appointment with {clinic}",
        ),
        "reminder_2h": Words(
            "Hello,\n\nyour appointment with {clinic} is soon: {when}.\n\n"
            "If you cannot be there, please call us.",
            "Your appointment with {clinic} is soon",
        ),
        "details": Words(
            "Hello,\n\nhere is your appointment with {clinic} once more: {when}.\n\n"
            "If you want to change or cancel it, please call us.",
            "Your appointment with {clinic}",
        ),
        "waitlist_offer": Words(
            "Hello,\n\na time with {clinic} that you may like is free: {when}.\n\n"
            "It is kept for you until {until}. To take it, please call us before then.",
            "A time with {clinic} is free",
        ),
        "reply": Words("Hello,\n\n{answer}\n\n{clinic}", "Answer from {clinic}"),
        "nurse_booked": Words(
            "A new visit for {clinic} was booked on {when}.\n\nOpen the dashboard for details.",
            "New visit on {when}",
        ),
        "nurse_rescheduled": Words(
            "A visit for {clinic} was moved to {when}.\n\nOpen the dashboard for details.",
            "Visit moved to {when}",
        ),
        "nurse_cancelled": Words(
            "The visit for {clinic} on {when} is no longer yours.\n\n"
            "Open the dashboard for details.",
            "Visit on {when} no longer yours",
        ),
    },
    "es": {
        "confirmation": Words(
            "Hola:\n\nSu cita con {clinic} es el {when}.\n\n"
            "Si desea cambiarla o cancelarla, llámenos.",
            "Su cita con {clinic}",
        ),
        "rescheduled": Words(
            "Hola:\n\nSu cita con {clinic} cambió de hora. Ahora es el {when}.\n\n"
            "Si no le conviene, llámenos.",
            "Su cita con {clinic} cambió de hora",
        ),
        "cancellation": Words(
            "Hola:\n\nSu cita con {clinic} del {when} fue cancelada.\n\nSi desea otra, llámenos.",
            "Su cita con {clinic} fue cancelada",
        ),
        "nurse_changed": Words(
            "Hola:\n\nOtra persona de {clinic} vendrá a su cita del {when}. "
            "La hora no cambia.\n\nSi tiene preguntas, llámenos.",
            "Un cambio en su cita con {clinic}",
        ),
        "series_booked": Words(
            "Hola:\n\nTiene {count} citas nuevas con {clinic}. La primera es el {when}.\n\n"
            "Si desea saber las demás o cambiar alguna, llámenos.",
            "Sus citas con {clinic}",
        ),
        "series_rescheduled": Words(
            "Hola:\n\n{count} de sus citas con {clinic} cambiaron. "
            "La primera de ellas ahora es el {when}.\n\nSi no le conviene, llámenos.",
            "Sus citas con {clinic} cambiaron",
        ),
        "series_cancelled": Words(
            "Hola:\n\n{count} de sus citas con {clinic} fueron canceladas. "
            "La primera de ellas era el {when}.\n\nSi desea otras, llámenos.",
            "Sus citas con {clinic} fueron canceladas",
        ),
        "reminder_48h": Words(
            "Hola:\n\nLe recordamos su cita con {clinic} del {when}.\n\n"
            "Si no puede acudir, llámenos.",
            "Recordatorio de su cita con {clinic}",
        ),
        "reminder_2h": Words(
            "Hola:\n\nSu cita con {clinic} es pronto: {when}.\n\nSi no puede acudir, llámenos.",
            "Su cita con {clinic} es pronto",
        ),
        "details": Words(
            "Hola:\n\nAquí tiene de nuevo su cita con {clinic}: {when}.\n\n"
            "Si desea cambiarla o cancelarla, llámenos.",
            "Su cita con {clinic}",
        ),
        "waitlist_offer": Words(
            "Hola:\n\nHay una hora libre con {clinic} que puede convenirle: {when}.\n\n"
            "Se la guardamos hasta las {until}. Para aceptarla, llámenos antes.",
            "Hay una hora libre con {clinic}",
        ),
        "reply": Words("Hola:\n\n{answer}\n\n{clinic}", "Respuesta de {clinic}"),
        "nurse_booked": Words(
            "Hay una nueva visita de {clinic} el {when}.\n\nVea los detalles en el panel.",
            "Nueva visita el {when}",
        ),
        "nurse_rescheduled": Words(
            "Una visita de {clinic} ahora es el {when}.\n\nVea los detalles en el panel.",
            "Visita cambiada al {when}",
        ),
        "nurse_cancelled": Words(
            "La visita de {clinic} del {when} ya no es suya.\n\nVea los detalles en el panel.",
            "La visita del {when} ya no es suya",
        ),
    },
}

ANSWERS = {
    "en": {
        "confirmed": "thank you, you are confirmed for {when}.",
        "call_back": "thank you, somebody will call you back.",
        "no_offer": "we found no open offer.",
        "offer_passed": "all right, you stay on the list.",
        "offer_gone": "sorry, that time is gone. You stay on the list.",
    },
    "es": {
        "confirmed": "gracias, su cita del {when} queda confirmada.",
        "call_back": "gracias, le llamaremos.",
        "no_offer": "no encontramos ninguna oferta abierta.",
        "offer_passed": "de acuerdo, sigue en la lista.",
        "offer_gone": "esa hora ya fue ocupada. Sigue en la lista.",
    },
}

# Of an offer whose yes moves a later visit: the patient must know what a yes gives up.
MOVES = {"en": " It replaces your later visit.", "es": " Reemplaza su otra cita."}

CALL_US = {
    ("en", SMS): " Call {phone}.",
    ("es", SMS): " Tel. {phone}.",
    ("en", EMAIL): "\n\nOur number is {phone}.",
    ("es", EMAIL): "\n\nNuestro número es el {phone}.",
}
OPT_OUT = {
    ("en", SMS): " Reply STOP to opt out.",
    ("es", SMS): " Responda STOP para darse de baja.",
    ("en", EMAIL): "\n\nIf you no longer want these e-mails, please tell us when you call.",
    ("es", EMAIL): "\n\nSi ya no desea estos correos, díganoslo por teléfono.",
}


def built_in(*, kind: str, channel: str, language: str) -> Words:
    """Return the built-in words; English for a language that has none."""
    language = known_language(language)
    if channel == SMS:
        return Words(TEXTS[language][kind])
    return MAILS[language][kind]


def known_language(language: str) -> str:
    """Return the language if there are words in it, else English."""
    return language if language in LANGUAGES else "en"
