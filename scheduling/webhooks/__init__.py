"""Telling other systems of events: addresses, signatures, when to try again, and the way out. Knows no rows."""
