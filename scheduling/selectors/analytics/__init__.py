"""Figures of the clinic over a period, computed in the database: how visits went, how long people wait, free time."""
