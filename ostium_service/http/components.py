"""What stands once in the OpenAPI document and is referred to: named schemas, each code's failure, shared answers."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ostium_service.http.errors import CATALOGUE, ServiceError
from ostium_service.http.schemas import ANYTHING, BOOLEAN, NAME, TEXT, TIME, Schema, many, named, record

JSON: Final = "application/json"
META: Final = named("Meta", record(timestamp=TIME, requestId=TEXT))
REQUEST_ID: Final = {"$ref": "#/components/headers/RequestId"}

Group = tuple[type[ServiceError], ...]
"""The errors of one operation under one status, by code."""


def hoist(node: Any, into: dict[str, Any]) -> Any:
    """`node` with a reference in place of every schema that bears a name; those go `into` by their names.

    ValueError for two different schemas of one name.
    """
    if isinstance(node, Mapping):
        plain = {key: hoist(value, into) for key, value in node.items() if key != NAME}
        if NAME not in node:
            return plain
        name = str(node[NAME])
        if into.setdefault(name, plain) != plain:
            raise ValueError(f"two different schemas are named {name}")
        return _refer("schemas", name)
    if isinstance(node, list | tuple):
        return [hoist(item, into) for item in node]
    return node


def describe_failures() -> dict[str, Schema]:
    """`Failure`, the envelope of every refusal, and one schema a code, named like the code."""
    details = {"anyOf": [ANYTHING, many(record(field=TEXT, message=TEXT))]}
    error = record(code=TEXT, message=TEXT, retryable=BOOLEAN)
    error = {**error, "properties": {**error["properties"], "details": details}}
    failure = record(success={"type": "boolean", "const": False}, error=error, meta=META)
    return {"Failure": failure, **{code: _describe_code(error) for code, error in sorted(CATALOGUE.items())}}


def name_groups(operations: Iterable[Iterable[Group]]) -> dict[Group, str]:
    """A name for every group that more than one operation has: the error's own, or the status with a letter."""
    counts = Counter(group for groups in operations for group in groups)
    shared = sorted((group for group, count in counts.items() if count > 1), key=lambda group: [e.code for e in group])
    names: dict[Group, str] = {}
    for group in shared:
        letter = sum(1 for other in names if other[0].status == group[0].status and len(other) > 1)
        names[group] = group[0].__name__ if len(group) == 1 else f"Refused{group[0].status}{chr(ord('A') + letter)}"
    return names


def describe_group(group: Group) -> Schema:
    """The answer that is one of a group's failures."""
    headers: dict[str, Any] = {"x-request-id": REQUEST_ID}
    if any(error.retryable for error in group):
        headers["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
    one_of_them = [_refer("schemas", error.code) for error in group]
    schema: Schema = one_of_them[0] if len(one_of_them) == 1 else {"oneOf": one_of_them}
    return {
        "description": ", ".join(f"`{error.code}`" for error in group),
        "headers": headers,
        "content": {JSON: {"schema": schema}},
    }


def refer_to_group(name: str) -> Schema:
    """A reference to a shared answer."""
    return _refer("responses", name)


def describe_headers() -> dict[str, Schema]:
    """The headers of answers."""
    return {
        "RequestId": {"schema": TEXT, "description": "The caller's own, or one made for this answer."},
        "RetryAfter": {"schema": TEXT, "description": "Seconds, where known."},
        "Replayed": {"schema": {"const": "true"}, "description": "Set when an earlier request did it."},
    }


def _describe_code(error: type[ServiceError]) -> Schema:
    told = {"code": {"const": error.code}, "retryable": {"const": error.retryable}}
    return {
        "description": error.message,
        "allOf": [_refer("schemas", "Failure"), {"properties": {"error": {"properties": told}}}],
    }


def _refer(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}
