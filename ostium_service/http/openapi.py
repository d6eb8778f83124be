"""The OpenAPI 3.1 document, built from the views' serializers and their `@describe(...)`."""

import json
from collections.abc import Mapping
from functools import lru_cache
from itertools import groupby
from typing import Any, Final

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema

from ostium_service.http.errors import ServiceError
from ostium_service.http.errors_page import render_errors_page
from ostium_service.http.field_schemas import StrictFieldExtension
from ostium_service.http.operations import Description, description_of
from ostium_service.http.schemas import ANYTHING, BOOLEAN, TEXT, TIME, many, one_of, record

__all__ = ["ServiceSchema", "StrictFieldExtension", "build_document", "render_document"]

VERSION: Final = "1.0.0"
JSON: Final = "application/json"
ENVELOPE_REF: Final = "#/components/schemas/Failure"
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
META: Final = record(timestamp=TIME, requestId=TEXT)
HEADERS: Final = {"x-request-id": {"schema": TEXT, "description": "The caller's own, or one made for this answer."}}


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
        by_status = sorted(self.described.errors, key=lambda error: error.status)
        return {
            "200": _describe_success(self.described),
            **{str(status): _describe_failure(list(some)) for status, some in groupby(by_status, lambda e: e.status)},
        }


def _describe_success(described: Description) -> dict[str, Any]:
    schema = record(success={"type": "boolean", "const": True}, data=described.answer, meta=META)
    replayed = {"schema": one_of("true"), "description": "Set when an earlier request did it."}
    headers = {**HEADERS, **({"Idempotency-Replayed": replayed} if described.is_write else {})}
    return {"description": "Done.", "headers": headers, "content": {JSON: {"schema": schema}}}


def _describe_failure(some: list[type[ServiceError]]) -> dict[str, Any]:
    codes = {"properties": {"error": {"properties": {"code": one_of(*(error.code for error in some))}}}}
    headers = dict(HEADERS)
    if any(error.retryable for error in some):
        headers["Retry-After"] = {"schema": TEXT, "description": "Seconds, where known."}
    return {
        "description": ", ".join(f"`{error.code}`" for error in some),
        "headers": headers,
        "content": {JSON: {"schema": {"allOf": [{"$ref": ENVELOPE_REF}, codes]}}},
    }


def build_document() -> dict[str, Any]:
    """The whole document of the routes in ROOT_URLCONF; LookupError for a view without `@describe(...)`."""
    document: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    components = document.setdefault("components", {})
    components["schemas"] = {**components.get("schemas", {}), "Failure": _failure_schema()}
    components["securitySchemes"] = _security_schemes()
    components["parameters"] = _parameters()
    return {
        "openapi": "3.1.0",
        "info": {"title": "Ostium service", "version": VERSION, "description": f"{ABOUT}\n{render_errors_page()}"},
        "servers": [{"url": "/"}],
        "paths": {**document["paths"], **_unsigned_paths()},
        "components": components,
    }


@lru_cache(maxsize=1)
def render_document() -> str:
    """The document's text, the same in every process, as it is served and kept in `docs/openapi.json`."""
    return json.dumps(build_document(), indent=1, ensure_ascii=False) + "\n"


def _failure_schema() -> Mapping[str, Any]:
    details = {"anyOf": [ANYTHING, many(record(field=TEXT, message=TEXT))]}
    error = record(code=TEXT, message=TEXT, retryable=BOOLEAN)
    error = {**error, "properties": {**error["properties"], "details": details}}
    return record(success={"type": "boolean", "const": False}, error=error, meta=META)


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
