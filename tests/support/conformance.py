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
            data = _schema(document, operation, "200")["properties"].get("data")
            if data is not None:
                _close(data)
    for name, schema in document["components"]["schemas"].items():
        if name != "Failure" and not name.endswith("Request"):
            _close(schema)
    return document


def check_answer(*, path: str, status: int, body: Any) -> None:
    """AssertionError when a documented path answers with a status, a code or a field that its page does not name."""
    document = read_document()
    if path not in document["paths"]:
        return
    responses = document["paths"][path]["post"]["responses"]
    assert str(status) in responses, f"{path} answers {status}: name {body['error']['code']} in its @describe(errors=)"
    told = _schema(document, document["paths"][path]["post"], str(status))
    schema = {**told, "components": document["components"]}
    problems = sorted(Draft202012Validator(schema).iter_errors(body), key=lambda problem: list(problem.absolute_path))
    found = [f"{'.'.join(map(str, problem.absolute_path))}: {problem.message}" for problem in problems]
    assert not found, f"{path} does not answer as its @describe(...) says: {found}"


def resolve(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """What a reference of the document stands for; anything else as it is."""
    for part in node.get("$ref", "").split("/")[1:]:
        document = document[part]
    return document if "$ref" in node else node


def list_codes(document: dict[str, Any], operation: dict[str, Any]) -> dict[str, set[str]]:
    """The codes that an operation of the document names, by status."""
    codes: dict[str, set[str]] = {}
    for status in operation["responses"]:
        if status != "200":
            schema = _schema(document, operation, status)
            schemas = [resolve(document, one) for one in schema["oneOf"]] if "oneOf" in schema else [schema]
            codes[status] = {one["allOf"][1]["properties"]["error"]["properties"]["code"]["const"] for one in schemas}
    return codes


def _schema(document: dict[str, Any], operation: dict[str, Any], status: str) -> dict[str, Any]:
    response = resolve(document, operation["responses"][status])
    return resolve(document, response["content"]["application/json"]["schema"])


def _close(schema: Any) -> None:
    if isinstance(schema, dict):
        if "properties" in schema and "required" in schema:
            schema["additionalProperties"] = False
        for value in schema.values():
            _close(value)
    elif isinstance(schema, list):
        for value in schema:
            _close(value)
