"""The REST API of scheduling: each module a resource or two, from request to one call of a service and back."""
