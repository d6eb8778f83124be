"""Words for describing an answer as JSON Schema: `record(pairId=INTEGER, price=nullable(DECIMAL))`."""

from collections.abc import Mapping
from typing import Any, Final

Schema = Mapping[str, Any]

NAME: Final = "x-name"
"""Under this a schema bears the name that `named` gave it, until the document puts it there."""

_SOMETIMES: Final = "x-sometimes"


def named(name: str, schema: Schema) -> Schema:
    """The same, to stand once in the document under this name wherever it is used."""
    return {NAME: name, **{key: value for key, value in schema.items() if key != NAME}}


TEXT: Final[Schema] = {"type": "string"}
INTEGER: Final[Schema] = {"type": "integer"}
BOOLEAN: Final[Schema] = {"type": "boolean"}
NULL: Final[Schema] = {"type": "null"}
DECIMAL: Final[Schema] = named(
    "Decimal",
    {
        "type": "string",
        "pattern": r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$",
        "description": "A plain decimal, never in exponent form.",
    },
)
ADDRESS: Final[Schema] = named(
    "Address", {"type": "string", "pattern": "^0x[0-9a-fA-F]{40}$", "description": "An EIP-55 address."}
)
HASH: Final[Schema] = named("Hash", {"type": "string", "pattern": "^0x[0-9a-f]{64}$"})
HEX: Final[Schema] = named("Hex", {"type": "string", "pattern": "^0x([0-9a-fA-F]{2})*$"})
QUANTITY: Final[Schema] = named(
    "Quantity", {"type": "string", "pattern": "^0x(0|[1-9a-f][0-9a-f]*)$", "description": "As nodes take it."}
)
TIME: Final[Schema] = named("Time", {"type": "string", "format": "date-time", "description": "UTC, with a Z."})
UUID: Final[Schema] = {"type": "string", "format": "uuid"}
NETWORK: Final[Schema] = named("Network", {"type": "string", "enum": ["testnet", "mainnet"]})
ANYTHING: Final[Schema] = {"type": "object"}
"""An object whose keys differ from row to row."""


def record(**fields: Schema) -> Schema:
    """An object with these fields, all of them present but those marked `sometimes`; more may be added later."""
    return {
        "type": "object",
        "properties": {
            name: {key: value for key, value in field.items() if key != _SOMETIMES} for name, field in fields.items()
        },
        "required": [name for name, field in fields.items() if _SOMETIMES not in field],
    }


def extend(base: Schema, **fields: Schema) -> Schema:
    """The record `base` with more fields; without its name, which stays with `base`."""
    more = record(**fields)
    return {
        **{key: value for key, value in base.items() if key != NAME},
        "properties": {**base["properties"], **more["properties"]},
        "required": [*base["required"], *more["required"]],
    }


def sometimes(schema: Schema) -> Schema:
    """A field that an answer may leave out."""
    return {**schema, _SOMETIMES: True}


def explained(schema: Schema, text: str) -> Schema:
    """The same with a unit or a reason beside it."""
    return {"description": text, "allOf": [schema]}


def many(item: Schema) -> Schema:
    """A list of such items."""
    return {"type": "array", "items": item}


def one_of(*words: str) -> Schema:
    """One of these strings."""
    return {"type": "string", "enum": list(words)}


def nullable(schema: Schema) -> Schema:
    """That, or null."""
    kind = schema.get("type")
    if NAME in schema:
        return named(f"{schema[NAME]}OrNull", {"anyOf": [schema, NULL]})
    if not isinstance(kind, str):
        return {"anyOf": [schema, NULL]}
    changed = {**schema, "type": [kind, "null"]}
    return {**changed, "enum": [*schema["enum"], None]} if "enum" in schema else changed
