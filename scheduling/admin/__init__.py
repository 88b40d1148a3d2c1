"""Everything of scheduling in the Django admin; visits change through the services alone."""

from scheduling.admin import appointments, calendar, outbox, people

__all__ = ["appointments", "calendar", "outbox", "people"]
