"""
How many parts a text is sent in, and how to keep it to few (Twilio reference, section 9); no Django.

The 128 characters of GSM-7 fit 160 times into one part; a single other character makes the whole text UCS-2, 70 a part.
"""

import unicodedata

GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_DOUBLE = frozenset("^{}[]~\\|€\f")
GSM7_ALONE, GSM7_JOINED = 160, 153
UCS2_ALONE, UCS2_JOINED = 70, 67
LOOK_ALIKES = str.maketrans(
    {
        "‘": "'",
        "’": "'",
        "“": '"',
        "”": '"',
        "–": "-",
        "—": "-",
        "…": "...",
        "\u00a0": " ",
        "\u202f": " ",
        "\t": " ",
    }
)


def is_gsm7(text: str) -> bool:
    """Tell whether all characters are of GSM-7."""
    return all(char in GSM7 or char in GSM7_DOUBLE for char in text)


def in_gsm7(text: str) -> str:
    """Return the text with look-alikes for quotes, dashes and accents that GSM-7 lacks; the rest stays."""
    return "".join(_in_gsm7(char) for char in text.translate(LOOK_ALIKES))


def segments(text: str) -> int:
    """Return the number of parts in which a text is sent and paid for."""
    if is_gsm7(text):
        length = sum(2 if char in GSM7_DOUBLE else 1 for char in text)
        alone, joined = GSM7_ALONE, GSM7_JOINED
    else:
        length = len(text.encode("utf-16-le")) // 2
        alone, joined = UCS2_ALONE, UCS2_JOINED
    return 1 if length <= alone else -(-length // joined)


def _in_gsm7(char: str) -> str:
    if char in GSM7 or char in GSM7_DOUBLE:
        return char
    base = unicodedata.normalize("NFKD", char)[0]
    return base if base in GSM7 else char
