"""What goes wrong at the edge of the API itself."""

from rest_framework.exceptions import APIException


class PreconditionFailed(APIException):
    """The object is not the one that `If-Match` names; nothing was changed."""

    status_code = 412
    default_code = "precondition_failed"
    default_detail = "The object has changed since. Read it again, then decide."


class Conflict(APIException):
    """Something that the record's state does not allow."""

    status_code = 409
    default_code = "conflict"
    default_detail = "That is not possible as things stand."
