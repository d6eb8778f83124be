"""The JSON Schema of each strict field, so that the page says what the parser takes."""

from functools import singledispatch
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension

from ostium_service.http import fields

DECIMAL_TEXT = r"^(0|[1-9][0-9]*)(\.[0-9]{1,%d})?$"
LONGEST_SHOWN_BOUND = 12


class StrictFieldExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Hands every StrictField to `describe_field`."""

    target_class = fields.StrictField
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        return describe_field(self.target)


@singledispatch
def describe_field(field: fields.StrictField) -> dict[str, Any]:
    """The schema of what the field takes; TypeError for a field that nobody described."""
    raise TypeError(f"{type(field).__name__} has no schema in field_schemas.py")


@describe_field.register
def _(_field: fields.NetworkField) -> dict[str, Any]:
    return {"type": "string", "enum": ["testnet", "mainnet"], "description": "Any case."}


@describe_field.register
def _(_field: fields.AddressField) -> dict[str, Any]:
    text = "All lower case, all upper case, or the EIP-55 mix; neither zero nor reserved."
    return {"type": "string", "pattern": "^0x[0-9a-fA-F]{40}$", "description": text}


@describe_field.register
def _(field: fields.ExactDecimalField) -> dict[str, Any]:
    lowest = f"{'Above' if field.above_minimum else 'At least'} {field.minimum}"
    highest = f", at most {field.maximum}" if len(str(field.maximum)) <= LONGEST_SHOWN_BOUND else ""
    number: dict[str, Any] = {"type": "number", "exclusiveMinimum" if field.above_minimum else "minimum": 0}
    if highest:
        number["maximum"] = float(field.maximum)
    return {
        "oneOf": [{"type": "string", "pattern": DECIMAL_TEXT % field.places}, number],
        "description": f"{lowest}{highest}; at most {field.places} fraction digits, never rounded.",
    }


@describe_field.register
def _(field: fields.BoundedIntegerField) -> dict[str, Any]:
    return {
        "oneOf": [
            {"type": "integer", "minimum": field.minimum, "maximum": field.maximum},
            {"type": "string", "pattern": "^(0|[1-9][0-9]*)$"},
        ],
        "description": f"{field.minimum} to {field.maximum}.",
    }


@describe_field.register
def _(field: fields.MarketField) -> dict[str, Any]:
    text = "BTC/USD, BTC-USD, BTCUSD, a pair id, or the base alone where only one pair has it."
    return {"oneOf": [_text(field), {"type": "integer", "minimum": 0, "maximum": 65535}], "description": text}


@describe_field.register
def _(field: fields.TextField) -> dict[str, Any]:
    return _text(field)


@describe_field.register
def _(field: fields.WordField) -> dict[str, Any]:
    return {"type": "string", "enum": list(field.words), "description": "Any case."}


@describe_field.register
def _(_field: fields.StrictBooleanField) -> dict[str, Any]:
    return {"type": "boolean"}


@describe_field.register
def _(field: fields.HexField) -> dict[str, Any]:
    size = f"{{{field.length}}}" if field.length is not None else "*"
    described: dict[str, Any] = {"type": "string", "pattern": f"^0x([0-9a-fA-F]{{2}}){size}$"}
    return described if field.length is not None else {**described, "maxLength": 2 + 2 * field.max_length}


def _text(field: fields.TextField) -> dict[str, Any]:
    return {"type": "string", "minLength": field.min, "maxLength": field.max}
