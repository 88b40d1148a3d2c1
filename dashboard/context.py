"""What every page says of the clinic and of the person who looks at it."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts.access import viewer_of_request
from accounts.permissions import Resource, Verb
from accounts.sign_in import clock
from dashboard import selectors
from dashboard.emergency import OpenRecord, open_records
from dashboard.templatetags.words import initials, phone_number, zone_name
from scheduling.clock import clinic_now

THEMES = ("light", "dark")
PLACES = (
    ("calls", Verb.LIST, Resource.CALL),
    ("appointments", Verb.LIST, Resource.APPOINTMENT),
    ("users", Verb.LIST, Resource.USER),
    ("api_keys", Verb.LIST, Resource.API_KEY),
    ("emergency", Verb.CREATE, Resource.USER),
    ("audit", Verb.LIST, Resource.AUDIT),
    ("privacy", Verb.READ, Resource.SETTINGS),
    ("admin", Verb.READ, Resource.ADMIN_SITE),
)
"""Where the menu leads, each for whom the policy opens it."""


def clinic(request: HttpRequest) -> dict[str, Any]:
    """Return the clinic, the chosen theme, how to address the user, where they may go, what is open to them."""
    user = getattr(request, "user", None)
    name, sample_data = "", False
    places: set[str] = set()
    opened: list[OpenRecord] = []
    if user is not None and user.is_authenticated:
        name = user.get_full_name() or user.get_username()
        sample_data = selectors.has_sample_data()
        viewer = viewer_of_request(request)
        places = {place for place, verb, resource in PLACES if viewer.may(verb, resource)}
        opened = open_records(viewer=viewer, now=clock.now())
    return {
        "places": places,
        "opened_records": opened,
        "clinic": {
            "name": settings.CLINIC_NAME,
            "phone": phone_number(settings.CLINIC_PHONE) if settings.CLINIC_PHONE else "",
            "zone": zone_name(clinic_now()),
            "theme": chosen_theme(request),
            "sample_data": sample_data,
            "user_name": name,
            "user_initials": initials(name),
        },
    }


def chosen_theme(request: HttpRequest) -> str:
    """Return the theme that the user chose, or nothing: then the device decides."""
    theme = request.COOKIES.get(settings.THEME_COOKIE_NAME, "")
    return theme if theme in THEMES else ""
