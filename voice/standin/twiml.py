"""
TwiML, read as strictly as Twilio reads it (twilio reference, sections 5 and 12): a fault ends the call.

Twilio silently ignores some unknown attributes; here they are faults, since each of them is a mistake of ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from xml.etree import ElementTree  # nosec B405 - reads the answers of our own server

LARGEST_DOCUMENT: Final = 64 * 1024
XML_TYPES: Final = ("text/xml", "application/xml")
SPOKEN_CHARACTERS_PER_SECOND: Final = 15


class TwimlError(ValueError):
    """A document that Twilio refuses; `code` is the number in its debugger."""

    def __init__(self, code: int, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Verb:
    """One element of a document; attributes and children were checked."""

    name: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    children: tuple["Verb", ...] = ()

    def get(self, attribute: str, default: str = "") -> str:
        """Return an attribute, or `default` where it does not stand."""
        return self.attributes.get(attribute, default)

    def seconds(self, attribute: str, default: int) -> int:
        """Return an attribute that is a whole number of seconds."""
        text = self.attributes.get(attribute, str(default))
        if not text.isascii() or not text.isdigit():
            raise TwimlError(12200, f"{attribute} of {self.name} is no whole number")
        return int(text)

    def child(self, name: str) -> "Verb | None":
        """Return the first child with this name."""
        return next((child for child in self.children if child.name == name), None)


@dataclass(frozen=True, slots=True)
class _Rule:
    attributes: frozenset[str]
    children: frozenset[str] = frozenset()
    has_text: bool = False


def _rule(attributes: str = "", children: str = "", *, has_text: bool = False) -> _Rule:
    return _Rule(frozenset(attributes.split()), frozenset(children.split()), has_text)


_CALLBACK: Final = "statusCallback statusCallbackMethod statusCallbackEvent"
_RULES: Final[Mapping[str, _Rule]] = {
    "Response": _rule(children="Connect Dial Gather Hangup Pause Play Record Redirect Reject Say"),
    "Connect": _rule("action method", "Stream"),
    "Stream": _rule("url name track statusCallback statusCallbackMethod", "Parameter"),
    "Parameter": _rule("name value"),
    "Dial": _rule(
        "action answerOnBridge callerId hangupOnStar method record recordingStatusCallback ringTone timeLimit timeout",
        "Number",
        has_text=True,
    ),
    "Number": _rule(f"{_CALLBACK} method sendDigits url", has_text=True),
    "Gather": _rule(
        "action actionOnEmptyResult bargeIn debug enhanced finishOnKey hints input language maxSpeechTime method"
        " numDigits partialResultCallback profanityFilter speechModel speechTimeout timeout",
        "Pause Play Say",
    ),
    "Hangup": _rule(),
    "Pause": _rule("length"),
    "Play": _rule("digits loop", has_text=True),
    "Record": _rule(
        "action finishOnKey maxLength method playBeep recordingStatusCallback recordingStatusCallbackEvent"
        " recordingStatusCallbackMethod timeout trim"
    ),
    "Redirect": _rule("method", has_text=True),
    "Reject": _rule("reason"),
    "Say": _rule("language loop voice", has_text=True),
}


def parse(*, status: int, content_type: str, body: bytes) -> tuple[Verb, ...]:
    """
    Return the verbs of a document, in order.

    Raises:
        TwimlError: not answered with 200 (11200), no XML type (12300), too large (11750), not well-formed (12100), or
            an element, attribute or text where Twilio knows none (12200).
    """
    if status != 200:
        raise TwimlError(11200, f"answered with {status}")
    if content_type.partition(";")[0].strip().lower() not in XML_TYPES:
        raise TwimlError(12300, f"content type {content_type!r}")
    if len(body) > LARGEST_DOCUMENT:
        raise TwimlError(11750, f"{len(body)} bytes")
    if b"<!DOCTYPE" in body:
        raise TwimlError(12100, "a document type is not allowed")
    try:
        root = ElementTree.fromstring(body)  # nosec B314 - see the import
    except ElementTree.ParseError as error:
        raise TwimlError(12100, str(error)) from error
    if root.tag != "Response":
        raise TwimlError(12100, f"the root is {root.tag}")
    return _verb(root).children


def _verb(element: ElementTree.Element) -> Verb:
    rule = _RULES.get(element.tag)
    if rule is None:
        raise TwimlError(12200, f"unknown element {element.tag}")
    unknown = set(element.attrib) - rule.attributes
    if unknown:
        raise TwimlError(12200, f"{element.tag} has no attribute {min(unknown)}")
    text = (element.text or "").strip()
    strays = [text] if not rule.has_text else []
    strays += [(child.tail or "").strip() for child in element]
    if any(strays):
        raise TwimlError(12200, f"{element.tag} holds text")
    children = []
    for child in element:
        if child.tag not in rule.children:
            raise TwimlError(12200, f"{child.tag} does not belong into {element.tag}")
        children.append(_verb(child))
    _check(element, text)
    return Verb(element.tag, dict(element.attrib), text, tuple(children))


def _check(element: ElementTree.Element, text: str) -> None:
    """Refuse what the table of elements cannot express."""
    get = element.get
    if element.tag == "Connect" and [child.tag for child in element] != ["Stream"]:
        raise TwimlError(12200, "Connect needs exactly one Stream")
    if element.tag == "Stream":
        if not get("url", "").startswith("wss://"):
            raise TwimlError(31922, "the stream's scheme is not wss")
        if get("track", "inbound_track") != "inbound_track":
            raise TwimlError(31941, "a bidirectional stream has the inbound track only")
    if element.tag == "Parameter" and len(get("name", "") + get("value", "")) >= 500:
        raise TwimlError(12200, "a parameter of 500 characters or more")
    if element.tag == "Redirect" and not text:
        raise TwimlError(12200, "Redirect without an address")
    if element.tag == "Say" and not 0 < len(text) <= 4096:
        raise TwimlError(13520, "Say needs 1 to 4096 characters")
    if element.tag in ("Gather", "Record") and not get("action"):
        raise TwimlError(
            12200, f"{element.tag} without an action posts to its own address for ever"
        )
