"""What can follow an answer, as OpenAPI's links: acts on a record just made, changed or read (OpenAPI 3.1, 4.8.20)."""

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
OBJECT = "{id}/"
ID = "$response.body#/id"
SUCCESSES = ("200", "201")


def linked(result: Json, generator: Any, request: Any, public: bool) -> Json:
    """Return the schema with links from each answer that is a record to whatever else can be done with that record."""
    paths: Json = result["paths"]
    for path, item in paths.items():
        listed = path.split(OBJECT)[0]
        record = _answer(paths.get(listed + OBJECT, {}).get("get", {}), "200")
        for operation in item.values():
            links = dict(_below(paths, listed + OBJECT, operation["operationId"]))
            for code in SUCCESSES:
                if links and record is not None and _answer(operation, code) == record:
                    operation["responses"][code]["links"] = links
    return result


def _answer(operation: Json, code: str) -> Any:
    """Return the shape of an answer's body, or nothing."""
    content = operation.get("responses", {}).get(code, {}).get("content", {})
    return content.get("application/json", {}).get("schema")


def _below(paths: Json, address: str, own: str) -> Iterator[tuple[str, Json]]:
    """Yield a link by name for every other operation at and below the address of a record."""
    for path, item in paths.items():
        if path.startswith(address):
            for operation in item.values():
                if operation["operationId"] != own:
                    name = operation["operationId"]
                    yield name, {"operationId": name, "parameters": {"id": ID}}
