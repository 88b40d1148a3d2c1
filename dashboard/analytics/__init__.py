"""Figures of the clinic over a period by REST, as JSON or as a file for spreadsheets; no patient is in any of them."""
