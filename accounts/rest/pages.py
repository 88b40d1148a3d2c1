"""Lists in pages: a cursor that stays right while rows come and go, and costs the same on every page (S44)."""

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import QuerySet
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request

USUAL = 50
MOST = 100


class Pages(CursorPagination):
    """
    `results`, `next` and `previous`; at most 100 rows a page.

    The order is one of the view's `orderings`, the first one unless the request names another. None of them is by a
    name or a number of a person: the cursor holds values of the order, and addresses end up in logs (S53).
    """

    page_size = USUAL
    max_page_size = MOST
    page_size_query_param = "page_size"
    page_size_query_description = f"Rows on a page, 1 to {MOST}; {USUAL} unless told."
    cursor_query_description = "Where a page begins: follow `next` and `previous`, never build it."

    def get_page_size(self, request: Request) -> int:
        """
        Return how many rows a page has.

        Raises:
            ValidationError: it is no number, or too large.
        """
        asked = request.query_params.get("page_size")
        if asked is None:
            return USUAL
        if not asked.isascii() or not asked.isdecimal() or not 1 <= int(asked[:9]) <= MOST:
            raise ValidationError({"page_size": [f"A page has 1 to {MOST} rows."]})
        return int(asked)

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: Any) -> tuple[str, ...]:
        """
        Return the order of rows; the id decides between equals, in the same direction, so that one index serves both.

        Raises:
            ValidationError: there is no such order.
        """
        asked = request.query_params.get("ordering", view.orderings[0])
        if asked not in view.orderings:
            known = ", ".join(view.orderings)
            raise ValidationError({"ordering": [f"Orders are {known}."]})
        return (asked, "-id" if asked.startswith("-") else "id")

    def decode_cursor(self, request: Request) -> Any:
        """
        Return where the page begins.

        Raises:
            NotFound: the text says nothing of that kind.
        """
        cursor = super().decode_cursor(request)
        if cursor is not None and not any(cursor):
            raise NotFound
        return cursor

    def get_paginated_response_schema(self, schema: Any) -> dict[str, Any]:
        """Return how the schema describes a page."""
        beside = {"type": ["string", "null"], "format": "uri"}
        place = "https://clinic.example/api/v1/appointments/?cursor=cD0yMDI2LTAzLTA2"
        return {
            "type": "object",
            "required": ["results", "next", "previous"],
            "properties": {
                # The library passes a mark of its own to learn where rows stand in an example.
                "results": schema | {"description": "The rows."}
                if isinstance(schema, dict)
                else schema,
                "next": beside
                | {"description": "The next page, if there is one.", "example": place},
                "previous": beside | {"description": "The page before.", "example": None},
            },
        }

    def paginate_queryset(
        self, queryset: Any, request: Request, view: Any = None
    ) -> list[Any] | None:
        """
        Return the rows of the page.

        Raises:
            ValidationError: the cursor is none of ours.
        """
        try:
            return super().paginate_queryset(queryset, request, view)
        except (NotFound, DjangoValidationError, ValueError, OverflowError) as error:
            raise ValidationError({"cursor": ["There is no such page."]}) from error
