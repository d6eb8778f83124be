"""The OpenAPI 3.1 document, built from the views' serializers and their `@describe(...)`."""

import json
from collections.abc import Mapping
from functools import lru_cache
from itertools import groupby
from typing import Any, Final

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema

from ostium_service.http.components import (
    JSON,
    META,
    REQUEST_ID,
    Group,
    describe_failures,
    describe_group,
    describe_headers,
    hoist,
    name_groups,
    refer_to_group,
)
from ostium_service.http.errors_page import render_errors_page
from ostium_service.http.field_schemas import StrictFieldExtension
from ostium_service.http.operations import Description, description_of
from ostium_service.http.schemas import TEXT, one_of, record

__all__ = ["ServiceSchema", "StrictFieldExtension", "build_document", "render_document"]

VERSION: Final = "1.0.0"
READABLE: Final = "Signs nothing; may be repeated at will."
WRITES: Final = (
    "Happens once for one idempotency key: `idempotencyKey`, else the header `Idempotency-Key`, else `x-request-id`, "
    "else the signature. A repetition is answered with what is known now and `Idempotency-Replayed: true`."
)
ABOUT: Final = """Delegated trading on Ostium for Safe wallets.

Every call under `/v1/` is a signed `POST` of one JSON object. The signature is the lower-case hex HMAC-SHA256, keyed
with the shared secret, of `<x-timestamp>:POST:<path>:<raw body>`; `x-timestamp` is epoch milliseconds. A lost request
is repeated with the same timestamp, signature, body and request id.

Money, prices, leverage and percents go in as JSON numbers or decimal strings, and come out as decimal strings.
Unknown fields are ignored, except one that holds a user's secret, which is refused.
"""
FAILURES: Final = "x-failures"
"""Holds the groups of an operation's errors until all operations are known."""


class ServiceSchema(AutoSchema):
    """One operation of the document, from the view's `@describe(...)`."""

    @property
    def described(self) -> Description:
        """What the view's author wrote."""
        return description_of(self.view)

    def get_operation_id(self) -> str:
        words = self.path.removeprefix("/v1/").replace("-", "/").split("/")
        return words[0] + "".join(word.capitalize() for word in words[1:])

    def get_tags(self) -> list[str]:
        return [self.path.split("/")[2]]

    def get_summary(self) -> str:
        method: object = getattr(self.view, "post", None)
        return (method.__doc__ or "").split("\n")[0].strip()

    def get_description(self) -> str:  # type: ignore[override]  # DRF's own schemas have another signature
        return WRITES if self.described.is_write else READABLE

    def get_auth(self) -> list[dict[str, list[str]]]:
        return [{"timestamp": [], "signature": []}]

    def get_request_serializer(self) -> Any:
        return self.described.request

    def _get_serializer_name(self, serializer: Any, direction: str, bypass_extensions: bool = False) -> str:
        name = self.get_operation_id()
        return f"{name[0].upper()}{name[1:]}Request"

    def _get_parameters(self) -> list[dict[str, Any]]:
        names = ["RequestId", *(["IdempotencyKey"] if self.described.is_write else [])]
        return [{"$ref": f"#/components/parameters/{name}"} for name in names]

    def _get_request_body(self, direction: str = "request") -> dict[str, Any]:
        body: dict[str, Any] = super()._get_request_body(direction)  # type: ignore[no-untyped-call]
        content = body["content"][JSON]
        content["examples"] = {name: {"value": dict(value)} for name, value in self.described.examples.items()}
        return {**body, "required": True}

    def _get_response_bodies(self, direction: str = "response") -> dict[str, Any]:
        return {"200": _describe_success(self.described), FAILURES: _group_errors(self.described)}


def _group_errors(described: Description) -> list[Group]:
    by_status = sorted(described.errors, key=lambda error: error.status)
    return [tuple(some) for _, some in groupby(by_status, lambda error: error.status)]


def _describe_success(described: Description) -> dict[str, Any]:
    schema = record(success={"type": "boolean", "const": True}, data=described.answer, meta=META)
    headers = {"x-request-id": REQUEST_ID}
    if described.is_write:
        headers["Idempotency-Replayed"] = {"$ref": "#/components/headers/Replayed"}
    return {"description": "Done.", "headers": headers, "content": {JSON: {"schema": schema}}}


def build_document() -> dict[str, Any]:
    """The whole document of the routes in ROOT_URLCONF; LookupError for a view without `@describe(...)`."""
    document: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    schemas: dict[str, Any] = dict(document.get("components", {}).get("schemas", {}))
    answers = _place_failures(document["paths"])
    paths = hoist({**document["paths"], **_unsigned_paths()}, schemas)
    schemas |= hoist(describe_failures(), schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Ostium service", "version": VERSION, "description": f"{ABOUT}\n{render_errors_page()}"},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "responses": answers,
            "headers": hoist(describe_headers(), schemas),
            "parameters": _parameters(),
            "securitySchemes": _security_schemes(),
        },
    }


def _place_failures(paths: Mapping[str, Any]) -> dict[str, Any]:
    """Put its failures into every operation, by reference where another has the same; the answers referred to."""
    answers = [operation["responses"] for path in paths.values() for operation in path.values()]
    groups: list[list[Group]] = [[tuple(group) for group in answer.pop(FAILURES)] for answer in answers]
    names = name_groups(groups)
    for answer, own in zip(answers, groups, strict=True):
        for group in own:
            described = refer_to_group(names[group]) if group in names else describe_group(group)
            answer[str(group[0].status)] = described
    return {name: describe_group(group) for group, name in sorted(names.items(), key=lambda item: item[1])}


@lru_cache(maxsize=1)
def render_document() -> str:
    """The document's text, the same in every process, as it is served and kept in `docs/openapi.json`."""
    return json.dumps(build_document(), indent=1, ensure_ascii=False) + "\n"


def _security_schemes() -> dict[str, Any]:
    signed = "Lower-case hex HMAC-SHA256 of `<x-timestamp>:POST:<path>:<raw body>`, keyed with the shared secret."
    stamp = "Epoch milliseconds, 13 digits, within five minutes of the service's clock."
    return {
        "timestamp": {"type": "apiKey", "in": "header", "name": "x-timestamp", "description": stamp},
        "signature": {"type": "apiKey", "in": "header", "name": "x-signature", "description": signed},
    }


def _parameters() -> dict[str, Any]:
    request_id = {"type": "string", "pattern": "^[A-Za-z0-9._~:@/+=#-]{1,128}$"}
    key = {"type": "string", "pattern": "^[!-~]{1,128}$"}
    return {
        "RequestId": _header("x-request-id", request_id, "Comes back on the answer."),
        "IdempotencyKey": _header("Idempotency-Key", key, "Used where the body has no `idempotencyKey`."),
    }


def _header(name: str, schema: Mapping[str, Any], text: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "schema": schema, "description": text}


def _unsigned_paths() -> dict[str, Any]:
    ready = record(status=one_of("ready", "not_ready"), checks={"type": "object", "additionalProperties": TEXT})
    return {
        "/health": _probe("health", "The process answers.", {"200": record(status=one_of("ok"))}),
        "/ready": _probe("ready", "Everything that a trade needs answers.", {"200": ready, "503": ready}),
    }


def _probe(name: str, summary: str, answers: Mapping[str, Any]) -> dict[str, Any]:
    responses = {
        status: {"description": summary, "content": {JSON: {"schema": schema}}} for status, schema in answers.items()
    }
    return {
        "get": {"operationId": name, "summary": summary, "tags": ["probes"], "security": [], "responses": responses}
    }
