# ruff: noqa: E501 - a line of speech stays on one line
"""What the assistant says in English. Lines about emergencies are the clinic's wording and go out word for word."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    # identity
    "verified_self": "Thank you, {name}.",
    "verified_other": "Thank you. I can help with {name}'s visits.",
    "not_verified": "I couldn't confirm that with what I have. Let's check it once more, and please add your zip code.",
    "locked": "I'm not able to confirm your details on this call. I can take a message and someone will call you back.",
    "identity_required": "I can help with that once I know who the visit is for. Could you give me the full name and date of birth?",
    "registration": "To confirm: {name}, born {birth_date}, and {phone}. Is that right?",
    "registration_caller_id": "the number you're calling from is the best one",
    "registration_digits": "phone number {digits}",
    "registered": "Thank you, {name}. You're registered. Which day would suit you for a visit?",
    # finding times
    "offer": "{offers}. Which suits you?",
    "offer_one": "{offers}. Does that suit you?",
    "offer_nurse": "With {nurse} I have {times}",
    "offer_another_nurse": "with {nurse} {times}",
    "names_both": "That is {day}, not {other}. {offer}",
    "date_conflict": "Is that {first}, or {second}?",
    "invalid_time": "I can't use that day or time. {offer}",
    "invalid_time_nothing": "I can't use that day or time. Which other day would suit you?",
    "closed": "We're closed on {day}. The next day we're open is {next_day}. {offer}",
    "closed_nothing": "We're closed on {day}, and I have nothing free on {next_day}. Would another day work?",
    "no_slots": "I have nothing free then. {offer}",
    "no_slots_nothing": "I have nothing free then. Shall I put you on the waitlist?",
    "nurse_unknown": "I don't know a nurse by that name here. {offer}",
    "nurse_unknown_nothing": "I don't know a nurse by that name here. Shall I look with any nurse?",
    "nurse_away": "{nurse} is away then. {offer}",
    "nurse_away_nothing": "{nurse} is away then. Shall I look at another week?",
    "slot_taken": "I'm sorry, that time was just taken. {offer}",
    "slot_taken_nothing": "I'm sorry, that time was just taken. Would another day work?",
    "slot_taken_kept": "I'm sorry, that time was just taken, so your visit on {kept} stays as it is. {offer}",
    "slot_taken_kept_nothing": "I'm sorry, that time was just taken, so your visit on {kept} stays as it is. Would another day work?",
    "slot_expired": "That offer has run out. {offer}",
    "slot_expired_nothing": "That offer has run out. Would another day work?",
    "duplicate_visit": "There is already a visit with {nurse} {when}. Would you like to move it?",
    # visits
    "appointments": "{visits}.",
    "visit_first": "There is a {visit_type} visit with {nurse} {when}",
    "visit_more": "a {visit_type} visit with {nurse} {when}",
    "no_appointments": "I see no visit booked from here on.",
    "not_found": "I can't find that one. Let me go through them again.",
    "booking": "To confirm: a {visit_type} visit with {nurse} {when}. Shall I book it?",
    "reschedule": "To confirm: moving the visit with {old_nurse} on {old_when} to {when} with {nurse}. Shall I move it?",
    "reschedule_late": "To confirm: moving the visit with {old_nurse} on {old_when} to {when} with {nurse}; it counts as a late change. Shall I move it?",
    "cancellation": "To confirm: cancelling the {visit_type} visit with {nurse} {when}. Shall I cancel it?",
    "cancellation_late": "To confirm: cancelling the {visit_type} visit with {nurse} {when}; it counts as a late cancellation. Shall I cancel it?",
    "late_cancellation": "That visit is less than {hours} hours away, so it will be noted as a late cancellation. Do you still want to cancel it?",
    "late_reschedule": "That visit is less than {hours} hours away, so it will be noted as a late change. Do you still want to move it?",
    "too_late": "That visit is too close to change by phone. I can connect you with someone, or take a message. Which would you like?",
    "booked": "You're booked for {when} with {nurse}.{text_sent} Anything else?",
    "rescheduled": "Your visit is now {when} with {nurse}.{text_sent} Anything else?",
    "cancelled": "Your visit on {when} with {nurse} is cancelled.{text_sent} Anything else?",
    "text_sent": " A text goes to the number on file.",
    "attendance_confirmed": "Thank you, I've noted that you'll be there {when}. Anything else?",
    "waitlisted": "You're on the waitlist. We'll be in touch if a time comes free. Anything else?",
    "confirm_required": "I need a clear yes first. {read_back}",
    "confirm_nothing": "There is nothing to confirm just now. What would you like me to do?",
    "readback_not_heard": "Let me say that again. {read_back}",
    "end_refused": "Before we finish: {read_back}",
    "limit_reached": "I've done as much as I can on this call. Shall I connect you with someone?",
    "limit_bookings": "I can't book more visits by phone. Shall I connect you with someone?",
    # the line
    "message_taken": "I've noted that. Someone will call you back by {due}. Anything else?",
    "callback_needed": "Which number in this country should we call back?",
    "transfer": "Of course. I'm connecting you now.",
    "transfer_closed": "Our staff aren't here right now. They're back {opens}. I can take a message. Shall I do that?",
    "transfer_closed_unknown": "Our staff aren't here right now. I can take a message. Shall I do that?",
    "transfer_failed": "Nobody can pick up just now. I can take a message. Shall I do that?",
    "emergency_medical": "This may be a medical emergency. Please hang up and dial {emergency} now. If you can't, tell me where you are.",
    "emergency_self_harm": "I'm really glad you told me. You can call or text {crisis} right now, day or night. Are you in danger at this moment?",
    "emergency_danger": "Are you safe right now? If not, dial {emergency}.",
    "emergency_past": "If it comes back or gets worse, hang up and dial {emergency}. Shall I ask a nurse to call you back today?",
    "language_set": "Of course, let's go on in English. How can I help?",
    "no_recording": "It's off. How can I help?",
    "stop_calling": "You won't get these calls again. Goodbye.",
    "goodbye": "Thanks for calling, goodbye.",
    "goodbye_wrong_number": "You've reached the {clinic} nursing line. No problem, goodbye.",
    "goodbye_silent": "I'll let you go. Please call again any time.",
    "goodbye_abusive": "I have to end the call now. Goodbye.",
    "goodbye_spam": "Thank you, we don't need that. Goodbye.",
    # faults
    "bad_arguments": "Sorry, I missed something. Could you tell me that once more?",
    "ask_full_name": "Could you tell me the full name?",
    "ask_date_of_birth": "Could you tell me the date of birth, with the year?",
    "ask_phone": "Which phone number in this country is best for you?",
    "ask_text": "What should the message say, in a sentence or two?",
    "ask_visit_type": "Is it a routine visit, a follow-up, or a consultation?",
    "unknown_tool": "I can't do that on this line. Is there something else about a nurse visit?",
    "temporarily_unavailable": "I'm sorry, our system isn't answering just now. Let me try once more.",
    "unknown_result": "I'm sorry, that didn't go through, and nothing was changed. Shall I try once more?",
    "checking_result": "Let me make sure that went through.",
    # the clinic
    "hours_open": "Our staff are here today until {closes}.",
    "hours_closed": "Our staff aren't here right now. They're back {opens}.",
    "hours_unknown": "Our staff aren't here right now.",
    "next_open_day": "The next day we're open is {day}.",
    "address": "We're at {text}.",
    "plain": "{text}",
    "no_text": "I don't have that here. Someone on our staff can tell you.",
    "phone": "Our number is {digits}.",
    "no_phone": "You're calling the right number already.",
}

VISIT_TYPES = {"routine": "routine", "follow_up": "follow-up", "consultation": "consultation"}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
NUMBERS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
ORDINALS = [
    "zeroth",
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
]


def number(value: int) -> str:
    """Return 0 to 99 in words."""
    if value < 20:
        return NUMBERS[value]
    tens, ones = divmod(value, 10)
    return TENS[tens] + (f"-{NUMBERS[ones]}" if ones else "")


def ordinal(day: int) -> str:
    """Return a day of the month, 1 to 31, in words."""
    if day <= 20:
        return ORDINALS[day]
    if day == 30:
        return "thirtieth"
    return f"{'twenty' if day < 30 else 'thirty'}-{ORDINALS[day % 10]}"


def year(value: int) -> str:
    """Return a year from 1000 to 9999 as it is said."""
    high, low = divmod(value, 100)
    if high % 10 == 0 and low < 10:
        thousands = f"{NUMBERS[high // 10]} thousand"
        return f"{thousands} {NUMBERS[low]}" if low else thousands
    if low == 0:
        return f"{number(high)} hundred"
    return f"{number(high)} {'oh ' if low < 10 else ''}{number(low)}"


def day_and_month(month: int, day: int) -> str:
    return f"{MONTHS[month - 1]} {ordinal(day)}"


def clock(hour: int, minute: int) -> str:
    """Return a time of day without its part of the day."""
    if (hour, minute) in ((0, 0), (12, 0)):
        return "midnight" if hour == 0 else "noon"
    spoken = number((hour - 1) % 12 + 1)
    if minute:
        spoken += f" {'oh ' if minute < 10 else ''}{number(minute)}"
    return spoken


def part_of_day(hour: int) -> str:
    if hour < 12:
        return "in the morning"
    if hour < 18:
        return "in the afternoon"
    return "in the evening" if hour < 21 else "at night"
