"""Invented people and visits: the clinic of the test conversations, and as many others as one asks for."""
