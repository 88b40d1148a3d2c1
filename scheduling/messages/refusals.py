"""
Sentences that end texts or calls, in English or Spanish; no Django.

The carrier acts on single words only; "stop texting me" counts as much (twilio reference, section 9). Because a refusal
silences every later reminder, only clear ones count: said to us, not denied, not bound to a time of day, and about
messages. What merely may be one is for people to read.

Patterns are over plain words: lower case, no accents, no apostrophes ("don t").
"""

import re
from collections.abc import Mapping

_NOT_EN = r"(?:do not|don t|dont|never|no longer)"
_THING_EN = r"(?:texts?|texting|messag(?:es?|ing)|text messages?|sms|reminders?|notifications?)"
_DOING_EN = r"(?:texting|messaging|contacting|writing(?: to)? (?:me|us)|notifying)"
_US_EN = r"(?:me|us|my|this number|this phone|again|anymore|any more)"
_TIMED_EN = (
    r"(?! (?:back|(?:\w+ ){0,2}(?:after|before|until|till|unless|today|tonight|tomorrow|during|while"
    r"|at work|at night|at \d|so (?:early|late|often)|about|too)\b))"
)
_TOLD_US_EN = (
    r"(?<!\byou )(?<!\bi )(?<!\bwe )(?<!\bthey )(?<!\bhe )(?<!\bshe )(?<!\bnurses )(?<!\bwhy )"
)
_THING_ES = r"(?:mensajes?|textos?|mensajitos?|sms|recordatorios?|avisos|notificaciones)"
_TIMED_ES = (
    r"(?! (?:\w+ ){0,2}(?:antes|despues|hasta|hoy|manana|noche|tarde|temprano|mientras|cuando"
    r"|tan|tanto)\b)"
)
_WRITE_ES = r"(?:enviar|mandar|escribir|textear)"

STOP_TEXTS: Mapping[str, re.Pattern[str]] = {
    "en": re.compile(
        rf"\b(?:stop|quit|cease)(?: please)? {_DOING_EN}\b(?! back){_TIMED_EN}"
        rf"|\b(?:stop|quit|cease)(?: please)? sending(?: \w+){{0,4}} {_THING_EN}\b"
        rf"|\bstop(?: all| the| these| those| your| any)*(?: more| further)? {_THING_EN}\b"
        rf"|{_TOLD_US_EN}\b{_NOT_EN}(?: ever| please)? (?:text|message|contact|write)(?: to)? {_US_EN}\b{_TIMED_EN}"
        rf"|{_TOLD_US_EN}\b{_NOT_EN} send(?: \w+){{0,4}} {_THING_EN}\b{_TIMED_EN}"
        rf"|\b(?:i|we)(?: really| still)? {_NOT_EN} (?:want|wish|need)(?: to)?"
        rf"(?: (?:get|receive|be|see|have|any|your|these|those|the|more|further|such|of|text)){{0,5}}"
        rf" {_THING_EN}\b{_TIMED_EN}"
        rf"|(?:^|\bplease |\bwant |\bsend(?: me)? |\band )no more {_THING_EN}\b{_TIMED_EN}"
        r"|\bunsubscribe\b"
        r"|\bopt(?: me)? out(?: please| now| thanks| thank you)?$"
        rf"|\bopt(?: me)? out of(?: \w+){{0,3}} {_THING_EN}\b"
        r"|\b(?:take|remove) (?:me|my number|this number|my phone)(?: number)?"
        r"(?: please)?(?: (?:off|from)(?: of)?(?: (?:your|the|this|all))?"
        r"(?: (?:text|texting|sms|message|messaging|contact|call|calling|mailing|reminder))? lists?"
        r"| off)?(?: please| now)?$"
        r"|\bleave me alone\b"
        r"|^(?:please )?stop(?: it| this| now| that)(?: please| now)?$"
    ),
    "es": re.compile(
        rf"\b(?:deje|dejen|deja|dejad|pare|paren|para)(?: ya| por favor)? de {_WRITE_ES}(?:me|nos|melos)\b{_TIMED_ES}"
        rf"|\b(?:deje|dejen|deja|dejad|pare|paren|para)(?: ya| por favor)? de {_WRITE_ES}(?: \w+){{0,2}} {_THING_ES}\b"
        rf"|\bno (?:me|nos)(?: \w+)? (?:escriba|escriban|escribas)\b{_TIMED_ES}"
        r"|\bno (?:me|nos) (?:envie|envien|envies|mande|manden|mandes)"
        rf"(?: (?:mas|otros?|sus|los|esos|estos|ningun|tantos|ya|por favor)){{0,3}}"
        rf"(?: {_THING_ES}\b{_TIMED_ES}| nada(?: mas)?$|$)"
        rf"|\bno (?:envie|envien|envies|manden|mandes) mas {_THING_ES}\b"
        rf"|\bno (?:quiero|deseo|quisiera|queremos)"
        rf"(?: (?:mas|recibir|seguir|recibiendo|sus|los|esos|estos|que|me|manden|envien|ningun|de|texto)){{0,5}}"
        rf" {_THING_ES}\b{_TIMED_ES}"
        r"|\bno (?:quiero|deseo) que me (?:escriban|manden|envien)(?: mas)?$"
        rf"|(?:^|\bfavor |\bquiero |\by |\bya )no mas {_THING_ES}\b"
        rf"|\b(?:quiero|deseo|quisiera|necesito) dejar de recibir(?: \w+){{0,2}} {_THING_ES}\b"
        rf"|\b(?:denme|deme|dame|(?:quiero|deseo|quisiera|necesito) darme) de baja"
        rf"(?: por favor| ya)?(?:$| (?:de|del|en)(?: \w+){{0,3}} (?:{_THING_ES}|lista(?! de espera))\b)"
        r"|\b(?:quitenme|quiteme|quitame|borrenme|borreme|borrame|eliminenme|elimineme|saquenme|saqueme)"
        r"(?:$| de (?:la|su|esta|esa) lista\b(?! de espera))"
        r"|\bdejenme en paz\b"
    ),
}
STOP_CALLS: Mapping[str, re.Pattern[str]] = {
    "en": re.compile(
        rf"\b(?:stop|quit|cease)(?: please)? (?:calling|phoning)\b(?! back){_TIMED_EN}"
        rf"|\bstop(?: all| the| these| those| your| any| robo)* calls\b"
        rf"|{_TOLD_US_EN}\b{_NOT_EN}(?: ever| please)? (?:call|phone) {_US_EN}\b{_TIMED_EN}"
        rf"|(?:^|\bplease |\bwant |\band )no more(?: phone)? calls\b{_TIMED_EN}"
        rf"|\b(?:i|we) {_NOT_EN} want(?: to)?(?: (?:get|receive|any|your|these|those|more|phone)){{0,4}}"
        rf" calls\b{_TIMED_EN}"
    ),
    "es": re.compile(
        rf"\b(?:deje|dejen|deja|dejad|pare|paren|para)(?: ya| por favor)? de llamar(?:me|nos)\b{_TIMED_ES}"
        rf"|\bno (?:me|nos)(?: vuelvan a| vuelva a)? (?:llame|llamen|llames|llamar)\b{_TIMED_ES}"
        rf"|\bno (?:llame|llamen|llames)(?: mas| a este numero)\b{_TIMED_ES}"
        r"|(?:^|\bfavor |\bquiero |\by |\bya )no mas llamadas\b"
        rf"|\bno (?:quiero|deseo)(?: (?:mas|recibir|sus|esas|estas)){{0,3}} llamadas\b{_TIMED_ES}"
    ),
}
# Denied, asked about, or told of the past: "do not stop texting me", "why did you stop sending reminders?"
DENIED = re.compile(
    r"(?<!\bif you )\b(?:not|never|dont|didnt|doesnt|cannot|cant|wont"
    r"|(?:do|did|does|would|could|can|should|won|have|has)n? t)"
    r"(?: \w+){0,4} (?:stop|quit|cease|unsubscribe|opt|remove|take|leave)\b"
    r"|\b(?:did|have|has|had|why)(?: \w+){0,3} (?:stop|quit|cease|unsubscribe|opt|remove|take)\b"
    r"|\bno( \w+){0,3} (?:deje|dejen|deja|pare|paren|dejar|darme de baja|denme|deme|quitenme|borrenme)\b"
)
PERHAPS = re.compile(
    rf"\b(?:stop|quit|cease)(?: \w+){{0,4}}"
    rf" (?:{_THING_EN}|text|contact\w*|writing|notif\w*|sending|calls?|calling|phoning)\b"
    rf"|\b{_NOT_EN}(?: \w+){{0,2}} (?:text|message|contact|write|call|phone)(?: to)? {_US_EN}\b"
    rf"|\b(?:don t|dont|do not|no longer)(?: \w+){{0,2}} (?:want|wish|like|send)(?: \w+){{0,5}} {_THING_EN}\b"
    r"|\b(?:unsubscribe|unsubscribed|opt(?: me)? out|take me off|remove me|remove my number)\b"
    rf"|\b(?:too many|tired of|sick of|enough)(?: \w+){{0,3}} (?:{_THING_EN}|calls)\b"
    rf"|\b(?:deje|dejen|deja|pare|paren|para|dejar)(?: \w+){{0,2}} de(?: \w+){{0,2}} (?:{_WRITE_ES}|llamar|recibir)\w*"
    r"|\bno (?:me|nos)(?: \w+){0,2} (?:envie|envien|envies|mande|manden|mandes|escriba\w*|llame|llamen|llames)\b"
    rf"|\bno (?:quiero|deseo)(?: \w+){{0,5}} (?:{_THING_ES}|llamadas)\b"
    rf"|\b(?:demasiados|tantos)(?: \w+){{0,1}} {_THING_ES}\b"
    r"|\b(?:dar(?:me)?|denme|deme|dame|den) de baja\b|\b(?:quitenme|borrenme|eliminenme|saquenme) de\b"
)


def refuses_texts(plain: str) -> str:
    """Return in which language plain words clearly refuse texts; empty if they do not."""
    return _refuses(STOP_TEXTS, plain)


def refuses_calls(plain: str) -> str:
    """Return in which language plain words clearly refuse calls; empty if they do not."""
    return _refuses(STOP_CALLS, plain)


def may_refuse(plain: str) -> bool:
    """Tell whether plain words may ask us to stop, so that a person must read them with that in mind."""
    return bool(PERHAPS.search(plain) or refuses_texts(plain) or refuses_calls(plain))


def _refuses(patterns: Mapping[str, re.Pattern[str]], plain: str) -> str:
    if DENIED.search(plain):
        return ""
    return next((language for language, said in patterns.items() if said.search(plain)), "")
