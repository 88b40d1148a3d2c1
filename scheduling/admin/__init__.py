"""Everything of scheduling in the Django admin; visits change through the services alone."""

from scheduling.admin import (
    appointments,
    calendar,
    exchange,
    outbox,
    people,
    privacy,
    series,
    waitlist,
    webhooks,
    wording,
)

__all__ = [
    "appointments",
    "calendar",
    "exchange",
    "outbox",
    "people",
    "privacy",
    "series",
    "waitlist",
    "webhooks",
    "wording",
]
