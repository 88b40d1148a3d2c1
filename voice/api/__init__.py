"""The REST API of calls: to be read."""
