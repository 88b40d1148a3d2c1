"""Headers and parameters that many operations have, as the schema describes them."""

from drf_spectacular.utils import OpenApiExample, OpenApiParameter

KEY_PATTERN = r"^[\x20-\x7e]*$"

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": KEY_PATTERN},
    OpenApiParameter.HEADER,
    description=(
        "A key of your choice, 1 to 255 characters. The same request with the same key within 24 hours has no second"
        " effect and gets the first answer again."
    ),
    examples=[OpenApiExample("A key", value="4c4f3c7e-booking-1")],
)
IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag of the state that you have seen; another one gets 412 and nothing is changed.",
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag that you have; if it is the current one the answer is 304 without a body.",
)
FIELDS = OpenApiParameter(
    "fields",
    str,
    description="Only these fields, parted by commas; the others are left out, whatever else is said of them.",
    examples=[OpenApiExample("Two fields", value="id,created_at")],
)
ETAG = OpenApiParameter(
    "ETag",
    str,
    OpenApiParameter.HEADER,
    description="The state of the object, for `If-Match` and `If-None-Match`.",
    response=[200, 201],
)
LOCATION = OpenApiParameter(
    "Location",
    str,
    OpenApiParameter.HEADER,
    description="The address of the new object.",
    response=[201],
)
REPLAYED = OpenApiParameter(
    "Idempotency-Replayed",
    {"type": "string", "enum": ["true"]},
    OpenApiParameter.HEADER,
    description="Sent with the first answer to a repeated request: nothing was done again.",
    response=[200, 201],
)
RETRY_AFTER = {
    "Retry-After": {
        "description": "Seconds to wait.",
        "schema": {"type": "integer", "minimum": 0},
    }
}
