"""What fields mean that many resources have; others say it themselves, in `help_text`."""

from collections.abc import Mapping

GLOSSARY: Mapping[str, str] = {
    "id": "The record's own id; it never changes.",
    "created_at": "When the record was stored.",
    "updated_at": "When the record was last changed.",
    "active": "Whether it is in use; what has a history is ended, not deleted.",
    "patient": "The patient's id.",
    "nurse": "The nurse's id.",
    "appointment": "The visit's id.",
    "first_name": "First name.",
    "last_name": "Last name.",
    "email": "E-mail address.",
    "phone": "Phone number in E.164, such as +12025550118.",
    "name": "How people call it.",
    "source": "Through which of our doors it came.",
    "start": "When it begins.",
    "end": "When it ends; that instant is no part of it.",
    "status": "Where it stands.",
    "language": "The code of a language, such as `es`.",
    "description": "What it is for, in words.",
}
UNTOLD = {
    "200": "As it is now.",
    "201": "Stored; as it is now.",
    "202": "Accepted; it is done in a moment.",
}
"""What an answer is, when the operation says no more."""
RECORD_ID = "The record's id."
