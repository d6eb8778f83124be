"""The API page: complete, valid, the same as the file in docs, and whole without any other host."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.validation import validate_schema

from ostium_service.http.components import hoist
from ostium_service.http.errors import CATALOGUE
from ostium_service.http.openapi import build_document, render_document
from ostium_service.http.operations import EDGE_ERRORS, WRITE_ERRORS, Description, description_of
from ostium_service.http.parsers import parse_object
from ostium_service.http.schemas import BOOLEAN, DECIMAL, TEXT, extend, many, named, nullable, one_of, record, sometimes
from ostium_service.http.views import ServiceView
from tests.support.conformance import list_codes, resolve

ROOT = Path(__file__).resolve().parents[3]
PAGES = ("/openapi.json", "/docs")


def list_views() -> dict[str, type[ServiceView]]:
    """Every view under /v1/ by its path."""

    def walk(patterns: list[URLPattern | URLResolver], prefix: str) -> dict[str, type[ServiceView]]:
        found: dict[str, type[ServiceView]] = {}
        for pattern in patterns:
            path = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                found |= walk(pattern.url_patterns, path)
            else:
                found[path] = getattr(pattern.callback, "cls", ServiceView)
        return found

    return {path: view for path, view in walk(get_resolver().url_patterns, "/").items() if path.startswith("/v1/")}


VIEWS = list_views()
DOCUMENT = build_document()
SIGNED = {path: operation for path, operation in DOCUMENT["paths"].items() if path.startswith("/v1/")}


def described(path: str) -> Description:
    return description_of(VIEWS[path])


def test_every_path_is_described_and_no_other() -> None:
    assert set(SIGNED) == set(VIEWS)


def test_the_document_is_valid_openapi() -> None:
    document = build_document()
    assert document["openapi"] == "3.1.0"
    validate_schema(document)  # type: ignore[no-untyped-call]


def test_the_file_in_docs_is_the_generated_one() -> None:
    file = ROOT / "docs" / "openapi.json"
    assert file.read_text() == render_document(), "run: python manage.py write_openapi"


@pytest.mark.parametrize("path", sorted(SIGNED))
def test_an_operation_names_its_signature_its_envelope_and_its_codes(path: str) -> None:
    operation = SIGNED[path]["post"]
    assert operation["security"] == [{"timestamp": [], "signature": []}]
    assert len(operation["summary"]) > 5
    success = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert success["required"] == ["success", "data", "meta"]
    named = list_codes(DOCUMENT, operation)
    for status, codes in named.items():
        assert all(f"`{code}`" in resolve(DOCUMENT, operation["responses"][status])["description"] for code in codes)
        assert {str(CATALOGUE[code].status) for code in codes} == {status}
    expected = {*EDGE_ERRORS, *described(path).errors, *(WRITE_ERRORS if described(path).is_write else ())}
    assert set().union(*named.values()) == {error.code for error in expected}


@pytest.mark.parametrize("path", sorted(SIGNED))
def test_an_example_passes_its_own_serializer(path: str) -> None:
    examples = described(path).examples
    assert examples
    shown = SIGNED[path]["post"]["requestBody"]["content"]["application/json"]["examples"]
    assert shown == {name: {"value": value} for name, value in json.loads(json.dumps(examples)).items()}
    for example in examples.values():
        serializer = described(path).request(data=parse_object(json.dumps(example).encode()))
        assert serializer.is_valid(), serializer.errors


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_need_no_signature(page: str, client: Client) -> None:
    response = client.get(page)
    assert response.status_code == 200
    assert client.post(page, {}, content_type="application/json").status_code == 405


def test_the_served_document_is_the_one_in_docs(client: Client) -> None:
    response = client.get("/openapi.json")
    assert response["Content-Type"] == "application/json"
    assert response.content.decode() == (ROOT / "docs" / "openapi.json").read_text()


def test_the_reference_page_needs_no_other_host(client: Client) -> None:
    response = client.get("/docs")
    page = response.content.decode()
    used = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert len(used) == 3
    for address in used:
        assert address.startswith("/static/")
        assert finders.find(address.removeprefix("/static/")), address
    assert "//" not in page
    assert "http" not in response["Content-Security-Policy"]


def test_the_words_for_schemas() -> None:
    row = record(name=TEXT, note=sometimes(nullable(TEXT)))
    nullable_network: dict[str, Any] = {"type": ["string", "null"], "enum": ["testnet", "mainnet", None]}
    assert row == {
        "type": "object",
        "properties": {"name": {"type": "string"}, "note": {"type": ["string", "null"]}},
        "required": ["name"],
    }
    assert extend(named("Row", row), network=nullable(one_of("testnet", "mainnet")), rows=many(BOOLEAN)) == {
        "type": "object",
        "properties": {
            **row["properties"],
            "network": nullable_network,
            "rows": {"type": "array", "items": {"type": "boolean"}},
        },
        "required": ["name", "network", "rows"],
    }
    assert nullable({"anyOf": [TEXT]}) == {"anyOf": [{"anyOf": [TEXT]}, {"type": "null"}]}


def test_a_named_schema_stands_once_and_is_referred_to() -> None:
    row = named("Row", record(amount=DECIMAL, more=sometimes(nullable(DECIMAL))))
    schemas: dict[str, Any] = {}
    reference = {"$ref": "#/components/schemas/Row"}
    assert hoist(many(row), schemas) == {"type": "array", "items": reference}
    assert hoist(nullable(row), schemas) == {"$ref": "#/components/schemas/RowOrNull"}
    decimal, optional = {"$ref": "#/components/schemas/Decimal"}, {"$ref": "#/components/schemas/DecimalOrNull"}
    plain = {key: value for key, value in DECIMAL.items() if key != "x-name"}
    assert schemas == {
        "Decimal": plain,
        "DecimalOrNull": {"anyOf": [decimal, {"type": "null"}]},
        "Row": {"type": "object", "properties": {"amount": decimal, "more": optional}, "required": ["amount"]},
        "RowOrNull": {"anyOf": [reference, {"type": "null"}]},
    }
    with pytest.raises(ValueError, match="Row"):
        hoist(named("Row", TEXT), schemas)


def test_every_component_is_used_and_every_reference_leads_somewhere() -> None:
    text = json.dumps(DOCUMENT)
    used = set(re.findall(r'"\$ref": "#/components/(\w+)/(\w+)"', text))
    held = {(kind, name) for kind in DOCUMENT["components"] for name in DOCUMENT["components"][kind]}
    assert used <= held
    unused = {name for kind, name in held - used if kind != "securitySchemes"}
    assert unused <= set(CATALOGUE), f"in the document and never referred to: {unused}"
    assert "x-" + "name" not in text


def test_a_view_without_description_is_named() -> None:
    with pytest.raises(LookupError, match="ServiceView"):
        description_of(ServiceView)
