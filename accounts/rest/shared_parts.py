"""
The last step of the schema: what operations share becomes components, what is untold gets its usual words.

Without this, each of a hundred operations would carry a dozen copies of the same errors.
"""

from collections import Counter
from collections.abc import Iterator
from json import dumps
from typing import Any

from accounts.rest.parameters import RETRY_AFTER
from accounts.rest.problems import FAULTS
from accounts.rest.words import RECORD_ID, UNTOLD

Json = dict[str, Any]
WAITS = {"429", "503"}
TIME_OF_DAY = r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?$"
MARK = "x-spec-enum-id"


def shared(result: Json, generator: Any, request: Any, public: bool) -> Json:
    """Return the schema with shared parts as components."""
    operations = list(_operations(result))
    components = result["components"]
    components["responses"] = {fault.name: _problem(code) for code, fault in FAULTS.items()}
    for operation in operations:
        for code, answer in operation["responses"].items():
            if code.isdecimal() and int(code) in FAULTS:
                fault = FAULTS[int(code)]
                operation["responses"][code] = {"$ref": f"#/components/responses/{fault.name}"}
            else:
                answer["description"] = answer.get("description") or UNTOLD.get(code, "Done.")
    components["parameters"] = _share_parameters(operations)
    plain: Json = _plain(result)
    return plain


def _plain(part: Any) -> Any:
    """
    Return the part without what the library notes for itself at closed lists of words.

    JSON Schema's `time` has an offset (RFC 3339, section 5.6); ours are of a clock on a wall.
    """
    if isinstance(part, dict) and part.get("format") == "time":
        rest = {name: one for name, one in part.items() if name != "format"}
        return _plain(rest | {"pattern": TIME_OF_DAY})
    if isinstance(part, dict):
        return {name: _plain(one) for name, one in part.items() if name != MARK}
    if isinstance(part, list):
        return [_plain(one) for one in part]
    return part


def _operations(result: Json) -> Iterator[Json]:
    for item in result["paths"].values():
        yield from (part for name, part in item.items() if name != "parameters")


def _problem(code: int) -> Json:
    """Return an error as an answer."""
    fault = FAULTS[code]
    kind = "InvalidProblem" if code == 400 else "Problem"
    content = {
        "schema": {"$ref": f"#/components/schemas/{kind}"},
        "examples": {"Problem": {"value": fault.example()}},
    }
    answer: Json = {"description": fault.when, "content": {"application/json": content}}
    if str(code) in WAITS:
        answer["headers"] = RETRY_AFTER
    return answer


def _share_parameters(operations: list[Json]) -> Json:
    """Put a reference in the place of every parameter that several operations have, and return what they refer to."""
    met = Counter(
        _told(parameter)
        for operation in operations
        for parameter in operation.get("parameters", ())
    )
    names: dict[str, str] = {}
    shared_ones: Json = {}
    for operation in operations:
        for number, parameter in enumerate(operation.get("parameters", ())):
            told = _told(parameter)
            if met[told] > 1:
                if told not in names:
                    names[told] = _free_name(parameter, shared_ones)
                    shared_ones[names[told]] = parameter
                reference = {"$ref": f"#/components/parameters/{names[told]}"}
                operation["parameters"][number] = reference
    return dict(sorted(shared_ones.items()))


def _told(parameter: Json) -> str:
    """Return what a parameter says, with its description, as one text that can be compared."""
    if parameter["in"] == "path" and not parameter.get("description"):
        parameter["description"] = RECORD_ID
    return dumps(parameter, sort_keys=True, default=str)


def _free_name(parameter: Json, taken: Json) -> str:
    plain = "".join(part.capitalize() for part in parameter["name"].replace("_", "-").split("-"))
    name, number = plain, 1
    while name in taken:
        number += 1
        name = f"{plain}{number}"
    return name
