# ruff: noqa: E501 - a line of speech stays on one line
"""What the assistant says in Spanish; each line is the twin of the one in `en.py`."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "verified_self": "Gracias, {name}.",
    "verified_other": "Gracias. Puedo ayudarle con las visitas de {name}.",
    "not_verified": "No pude confirmarlo con los datos que tengo. Revisémoslo una vez más, y por favor añada su código postal.",
    "locked": "No puedo confirmar sus datos en esta llamada. Puedo tomar un mensaje y alguien le devolverá la llamada.",
    "identity_required": "Puedo ayudarle en cuanto sepa para quién es la visita. ¿Me da el nombre completo y la fecha de nacimiento?",
    "registration": "Para confirmar: {name}, fecha de nacimiento {birth_date}, y {phone}. ¿Es correcto?",
    "registration_caller_id": "el número desde el que llama es el mejor",
    "registration_digits": "número de teléfono {digits}",
    "registered": "Gracias, {name}. Ya quedó su registro. ¿Qué día le conviene para una visita?",
    "offer": "{offers}. ¿Cuál le conviene?",
    "offer_one": "{offers}. ¿Le conviene?",
    "offer_nurse": "Con {nurse} tengo {times}",
    "offer_another_nurse": "con {nurse} {times}",
    "names_both": "Eso es el {day}, no el {other}. {offer}",
    "date_conflict": "¿Es el {first}, o el {second}?",
    "invalid_time": "No puedo usar ese día o esa hora. {offer}",
    "invalid_time_nothing": "No puedo usar ese día o esa hora. ¿Qué otro día le conviene?",
    "closed": "El {day} está cerrado. El próximo día que abrimos es el {next_day}. {offer}",
    "closed_nothing": "El {day} está cerrado, y no tengo nada libre el {next_day}. ¿Le serviría otro día?",
    "no_slots": "No tengo nada libre entonces. {offer}",
    "no_slots_nothing": "No tengo nada libre entonces. ¿Le pongo en la lista de espera?",
    "nurse_unknown": "No conozco a nadie de enfermería con ese nombre aquí. {offer}",
    "nurse_unknown_nothing": "No conozco a nadie de enfermería con ese nombre aquí. ¿Busco con cualquier otra persona?",
    "nurse_away": "{nurse} no está entonces. {offer}",
    "nurse_away_nothing": "{nurse} no está entonces. ¿Busco en otra semana?",
    "slot_taken": "Lo siento, esa hora se acaba de ocupar. {offer}",
    "slot_taken_nothing": "Lo siento, esa hora se acaba de ocupar. ¿Le serviría otro día?",
    "slot_taken_kept": "Lo siento, esa hora se acaba de ocupar, así que su visita del {kept} sigue igual. {offer}",
    "slot_taken_kept_nothing": "Lo siento, esa hora se acaba de ocupar, así que su visita del {kept} sigue igual. ¿Le serviría otro día?",
    "slot_expired": "Esa oferta ya venció. {offer}",
    "slot_expired_nothing": "Esa oferta ya venció. ¿Le serviría otro día?",
    "duplicate_visit": "Ya hay una visita con {nurse} {when}. ¿Quiere cambiarla?",
    "appointments": "{visits}.",
    "visit_first": "Hay una visita {visit_type} con {nurse} {when}",
    "visit_more": "una visita {visit_type} con {nurse} {when}",
    "no_appointments": "No veo ninguna visita reservada de aquí en adelante.",
    "not_found": "No encuentro esa. Vamos a repasarlas otra vez.",
    "booking": "Para confirmar: una visita {visit_type} con {nurse} {when}. ¿La reservo?",
    "reschedule": "Para confirmar: cambio la visita con {old_nurse} del {old_when} al {when} con {nurse}. ¿La cambio?",
    "reschedule_late": "Para confirmar: cambio la visita con {old_nurse} del {old_when} al {when} con {nurse}; cuenta como cambio tardío. ¿La cambio?",
    "cancellation": "Para confirmar: cancelo la visita {visit_type} con {nurse} {when}. ¿La cancelo?",
    "cancellation_late": "Para confirmar: cancelo la visita {visit_type} con {nurse} {when}; cuenta como cancelación tardía. ¿La cancelo?",
    "late_cancellation": "Faltan menos de {hours} horas para esa visita, así que quedará como cancelación tardía. ¿Todavía quiere cancelarla?",
    "late_reschedule": "Faltan menos de {hours} horas para esa visita, así que quedará como cambio tardío. ¿Todavía quiere cambiarla?",
    "too_late": "Falta muy poco para esa visita y no puedo cambiarla por teléfono. Puedo comunicarle con alguien o tomar un mensaje. ¿Qué prefiere?",
    "booked": "Su visita queda reservada para el {when} con {nurse}.{text_sent} ¿Algo más?",
    "rescheduled": "Su visita ahora es el {when} con {nurse}.{text_sent} ¿Algo más?",
    "cancelled": "Su visita del {when} con {nurse} está cancelada.{text_sent} ¿Algo más?",
    "text_sent": " Le llegará un mensaje de texto al número registrado.",
    "attendance_confirmed": "Gracias, queda anotado que vendrá {when}. ¿Algo más?",
    "waitlisted": "Queda en la lista de espera. Le avisaremos si se libera una hora. ¿Algo más?",
    "confirm_required": "Primero necesito un sí claro. {read_back}",
    "confirm_nothing": "Ahora mismo no hay nada que confirmar. ¿Qué desea que haga?",
    "readback_not_heard": "Se lo repito. {read_back}",
    "end_refused": "Antes de terminar: {read_back}",
    "limit_reached": "Ya hice todo lo que puedo en esta llamada. ¿Le comunico con alguien?",
    "limit_bookings": "No puedo reservar más visitas por teléfono. ¿Le comunico con alguien?",
    "message_taken": "Queda anotado. Alguien le devolverá la llamada a más tardar {due}. ¿Algo más?",
    "callback_needed": "¿A qué número de este país le devolvemos la llamada?",
    "transfer": "Claro. Le comunico ahora.",
    "transfer_closed": "Nuestro personal no está en este momento. Vuelve {opens}. Puedo tomar un mensaje. ¿Lo tomo?",
    "transfer_closed_unknown": "Nuestro personal no está en este momento. Puedo tomar un mensaje. ¿Lo tomo?",
    "transfer_failed": "Nadie puede atender ahora mismo. Puedo tomar un mensaje. ¿Lo tomo?",
    "emergency_medical": "Esto puede ser una emergencia médica. Por favor cuelgue y marque {emergency} ahora. Si no puede, dígame dónde está.",
    "emergency_self_harm": "Me alegra mucho que me lo haya dicho. Puede llamar o enviar un texto al {crisis} ahora mismo, de día o de noche. ¿Está en peligro en este momento?",
    "emergency_danger": "¿Está a salvo en este momento? Si no, marque {emergency}.",
    "emergency_past": "Si vuelve o empeora, cuelgue y marque {emergency}. ¿Pido que le llamen hoy de enfermería?",
    "language_set": "Claro, seguimos en español. ¿En qué puedo ayudarle?",
    "no_recording": "Ya no se graba. ¿En qué puedo ayudarle?",
    "stop_calling": "No recibirá más estas llamadas. Adiós.",
    "goodbye": "Gracias por llamar, adiós.",
    "goodbye_wrong_number": "Ha llamado a la línea de enfermería de {clinic}. No hay problema, adiós.",
    "goodbye_silent": "Le dejo por ahora. Puede llamar de nuevo cuando quiera.",
    "goodbye_abusive": "Tengo que terminar la llamada. Adiós.",
    "goodbye_spam": "Gracias, no lo necesitamos. Adiós.",
    "bad_arguments": "Perdón, se me escapó algo. ¿Me lo dice otra vez?",
    "ask_full_name": "¿Me dice el nombre completo?",
    "ask_date_of_birth": "¿Me dice la fecha de nacimiento, con el año?",
    "ask_phone": "¿Qué número de teléfono de este país prefiere?",
    "ask_text": "¿Qué digo en el mensaje, en una o dos frases?",
    "ask_visit_type": "¿Es una visita de rutina, de seguimiento o una consulta?",
    "unknown_tool": "Eso no lo puedo hacer en esta línea. ¿Le ayudo en algo más sobre una visita de enfermería?",
    "temporarily_unavailable": "Lo siento, nuestro sistema no responde en este momento. Lo intento otra vez.",
    "unknown_result": "Lo siento, eso no se completó, y nada cambió. ¿Lo intento otra vez?",
    "checking_result": "Déjeme asegurarme de que se completó.",
    "hours_open": "Nuestro personal está hoy hasta {closes}.",
    "hours_closed": "Nuestro personal no está en este momento. Vuelve {opens}.",
    "hours_unknown": "Nuestro personal no está en este momento.",
    "next_open_day": "El próximo día que abrimos es el {day}.",
    "address": "Estamos en {text}.",
    "plain": "{text}",
    "no_text": "No tengo ese dato aquí. Nuestro personal se lo puede decir.",
    "phone": "Nuestro número es {digits}.",
    "no_phone": "Ya está llamando al número correcto.",
}

VISIT_TYPES = {
    "routine": "de rutina",
    "follow_up": "de seguimiento",
    "consultation": "de consulta",
}
WEEKDAYS = ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo")
MONTHS = [
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
]
NUMBERS = [
    "cero",
    "uno",
    "dos",
    "tres",
    "cuatro",
    "cinco",
    "seis",
    "siete",
    "ocho",
    "nueve",
    "diez",
    "once",
    "doce",
    "trece",
    "catorce",
    "quince",
    "dieciséis",
    "diecisiete",
    "dieciocho",
    "diecinueve",
    "veinte",
    "veintiuno",
    "veintidós",
    "veintitrés",
    "veinticuatro",
    "veinticinco",
    "veintiséis",
    "veintisiete",
    "veintiocho",
    "veintinueve",
]
TENS = {3: "treinta", 4: "cuarenta", 5: "cincuenta", 6: "sesenta", 7: "setenta", 8: "ochenta"}
TENS[9] = "noventa"
HOURS = [
    "las doce",
    "la una",
    *(f"las {word}" for word in NUMBERS[2:12]),
]


def number(value: int) -> str:
    """Return 0 to 99 in words."""
    if value < 30:
        return NUMBERS[value]
    tens, ones = divmod(value, 10)
    return TENS[tens] + (f" y {NUMBERS[ones]}" if ones else "")


def year(value: int) -> str:
    """Return a year from 1000 to 2999 in words."""
    thousands, rest = divmod(value, 1000)
    words = ["mil" if thousands == 1 else f"{NUMBERS[thousands]} mil"]
    hundreds, rest = divmod(rest, 100)
    if hundreds:
        names = {
            1: "ciento" if rest else "cien",
            5: "quinientos",
            7: "setecientos",
            9: "novecientos",
        }
        words.append(names.get(hundreds, f"{NUMBERS[hundreds]}cientos"))
    if rest:
        words.append(number(rest))
    return " ".join(words)


def day_and_month(month: int, day: int) -> str:
    return f"{'primero' if day == 1 else number(day)} de {MONTHS[month - 1]}"


def clock(hour: int, minute: int) -> str:
    """Return a time of day without its part of the day, article included."""
    if (hour, minute) in ((0, 0), (12, 0)):
        return "medianoche" if hour == 0 else "mediodía"
    spoken = HOURS[hour % 12]
    if minute:
        spoken += " y " + {15: "cuarto", 30: "media"}.get(minute, number(minute))
    return spoken


def part_of_day(hour: int) -> str:
    if hour < 6:
        return "de la madrugada"
    if hour < 12:
        return "de la mañana"
    return "de la tarde" if hour < 20 else "de la noche"
