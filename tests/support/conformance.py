"""Holds an answer against what the API page says of its operation."""

from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator

from ostium_service.http.openapi import build_document


@lru_cache(maxsize=1)
def read_document() -> dict[str, Any]:
    """The API's document; in it every answer's `data` is closed, so that an undocumented field shows itself."""
    document = build_document()
    for path in document["paths"].values():
        for operation in path.values():
            data = _schema(operation, "200")["properties"].get("data")
            if data is not None:
                _close(data)
    return document


def check_answer(*, path: str, status: int, body: Any) -> None:
    """AssertionError when a documented path answers with a status, a code or a field that its page does not name."""
    document = read_document()
    if path not in document["paths"]:
        return
    responses = document["paths"][path]["post"]["responses"]
    assert str(status) in responses, f"{path} answers {status}: name {body['error']['code']} in its @describe(errors=)"
    schema = {**_schema(document["paths"][path]["post"], str(status)), "components": document["components"]}
    problems = sorted(Draft202012Validator(schema).iter_errors(body), key=lambda problem: list(problem.absolute_path))
    told = [f"{'.'.join(map(str, problem.absolute_path))}: {problem.message}" for problem in problems]
    assert not told, f"{path} does not answer as its @describe(...) says: {told}"


def _schema(operation: dict[str, Any], status: str) -> dict[str, Any]:
    schema: dict[str, Any] = operation["responses"][status]["content"]["application/json"]["schema"]
    return schema


def _close(schema: Any) -> None:
    if isinstance(schema, dict):
        if "properties" in schema and "required" in schema:
            schema["additionalProperties"] = False
        for value in schema.values():
            _close(value)
    elif isinstance(schema, list):
        for value in schema:
            _close(value)
