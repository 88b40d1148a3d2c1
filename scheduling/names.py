"""How the names of people are compared; no Django, no clock."""

import re
import unicodedata


def name_key(name: str) -> str:
    """
    Return the form under which two spellings of one name are equal.

    Case, accents, punctuation, blanks and the order of first and last name do not count:
    "LÓPEZ, María" and "maria lopez" have one key. Apostrophes and dots vanish, hyphens part.
    """
    plain = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(char for char in plain if not unicodedata.combining(char))
    joined = re.sub(r"['’`´.]", "", letters)
    words = "".join(char if char.isalnum() else " " for char in joined).split()
    return " ".join(sorted(words))
