"""What every page says of the clinic and of the person who looks at it."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from dashboard import selectors
from dashboard.templatetags.words import initials, phone_number, zone_name
from scheduling.clock import clinic_now

THEMES = ("light", "dark")


def clinic(request: HttpRequest) -> dict[str, Any]:
    """Return the clinic's name, phone and zone, the chosen theme, and how to address the user."""
    user = getattr(request, "user", None)
    name, sample_data = "", False
    if user is not None and user.is_authenticated:
        name = user.get_full_name() or user.get_username()
        sample_data = selectors.has_sample_data()
    return {
        "clinic": {
            "name": settings.CLINIC_NAME,
            "phone": phone_number(settings.CLINIC_PHONE) if settings.CLINIC_PHONE else "",
            "zone": zone_name(clinic_now()),
            "theme": chosen_theme(request),
            "sample_data": sample_data,
            "user_name": name,
            "user_initials": initials(name),
        }
    }


def chosen_theme(request: HttpRequest) -> str:
    """Return the theme that the user chose, or nothing: then the device decides."""
    theme = request.COOKIES.get("theme", "")
    return theme if theme in THEMES else ""
