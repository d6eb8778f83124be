"""What holds for any input: the signature, addresses, amounts and the parser, against judges of their own."""

import hashlib
import hmac
import json
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, NoReturn

import pytest
import time_machine
from django.test import override_settings
from django.test.client import RequestFactory
from eth_utils.crypto import keccak
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError

from ostium_service.client import sign_request
from ostium_service.http import fields
from ostium_service.http.authentication import SignedRequest, authenticate_request
from ostium_service.http.errors import InvalidJson, SecretInPayload, Unauthorized
from ostium_service.http.parsers import MAX_EXPONENT, MAX_NUMBER_CHARACTERS, parse_object
from ostium_service.money import decimal_string, to_units, units_string

NOW_MS: Final = 1_790_000_000_000
TOLERANCE_MS: Final = 300_000
UNRESERVED: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
SECRETS: Final = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80)
PATHS: Final = st.lists(st.text(UNRESERVED, min_size=1, max_size=20), min_size=1, max_size=5).map(
    lambda parts: "/v1/" + "/".join(parts)
)
MOMENTS: Final = st.integers(NOW_MS - TOLERANCE_MS, NOW_MS + TOLERANCE_MS)
FACTORY: Final = RequestFactory()
# The secret of each example stands in the settings, which the tests' own fixture sets once for all of them.
settings.register_profile(
    "edge", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
edge_examples = settings(settings.get_profile("edge"), max_examples=40)


def authenticate(*, path: str, body: bytes, timestamp: str, signature: str, secret: str) -> SignedRequest:
    """What the service makes of a POST with these headers and bytes."""
    headers: dict[str, Any] = {"HTTP_X_TIMESTAMP": timestamp, "HTTP_X_SIGNATURE": signature, "RAW_URI": path}
    own: dict[str, Any] = {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body))}
    request = FACTORY.generic("POST", path, body, **own, **headers)
    with (
        override_settings(HMAC_SECRET=secret, HMAC_SECRET_PREVIOUS="", HMAC_TIMESTAMP_TOLERANCE_MS=TOLERANCE_MS),
        time_machine.travel(NOW_MS / 1000, tick=False),
    ):
        return authenticate_request(request)


def refused_for(**request: Any) -> str:
    with pytest.raises(Unauthorized) as caught:
        authenticate(**request)
    assert isinstance(caught.value.details, dict)
    return str(caught.value.details["reason"])


@edge_examples
@given(secret=SECRETS, moment=MOMENTS, path=PATHS, body=st.binary(max_size=300))
def test_whatever_is_signed_is_let_in_and_by_the_contracts_own_formula(
    secret: str, moment: int, path: str, body: bytes
) -> None:
    text = str(moment).encode() + b":POST:" + path.encode() + b":" + body
    signature = sign_request(secret=secret, timestamp_ms=moment, method="post", path=path, body=body)
    assert signature == hmac.digest(secret.encode(), text, hashlib.sha256).hex()
    request: dict[str, Any] = {"path": path, "body": body, "timestamp": str(moment), "secret": secret}
    assert authenticate(**request, signature=signature) == SignedRequest(signature=signature, timestamp=str(moment))


@edge_examples
@given(
    moment=MOMENTS,
    path=PATHS,
    body=st.binary(min_size=1, max_size=300),
    place=st.integers(0, 10_000),
    flip=st.integers(1, 255),
    nudge=st.integers(1, TOLERANCE_MS),
)
def test_one_changed_byte_of_what_was_signed_is_refused(
    moment: int, path: str, body: bytes, place: int, flip: int, nudge: int
) -> None:
    secret = "a-test-secret-of-32-characters!!"
    signature = sign_request(secret=secret, timestamp_ms=moment, method="POST", path=path, body=body)
    request = {"path": path, "body": body, "timestamp": str(moment), "signature": signature, "secret": secret}
    at = place % len(body)
    changed = body[:at] + bytes([body[at] ^ flip]) + body[at + 1 :]
    letter = signature[place % 64]
    other = "0123456789abcdef"[(int(letter, 16) + 1 + flip % 15) % 16]
    forged = signature[: place % 64] + other + signature[place % 64 + 1 :]
    step = 4 + place % (len(path) - 4)
    beside = path[:step] + ("A" if path[step] != "A" else "B") + path[step + 1 :]
    later = moment + nudge if moment < NOW_MS else moment - nudge
    for change in (
        {"body": changed},
        {"body": body + b" "},
        {"body": body[:-1]},
        {"signature": forged},
        {"path": beside},
        {"timestamp": str(later)},
        {"secret": secret[:-1]},
    ):
        assert refused_for(**{**request, **change}) == "signature_mismatch"


def checksum(digits: str) -> str:
    """EIP-55, written here once more: a letter is upper where the hash of the lower-case text has 8 or more."""
    hashed = keccak(text=digits.lower()).hex()
    return "0x" + "".join(
        letter.upper() if int(mark, 16) >= 8 else letter for letter, mark in zip(digits.lower(), hashed, strict=False)
    )


@given(st.integers(1 << 16, 2**160 - 1), st.integers(0, 2**40 - 1))
def test_n10_an_address_is_taken_in_three_spellings_and_answered_in_one(number: int, cases: int) -> None:
    digits = f"{number:040x}"
    right = checksum(digits)
    for spelling in (digits, digits.upper(), right[2:]):
        assert fields.AddressField().run_validation("0x" + spelling) == right
    mixed = "0x" + "".join(letter.upper() if cases >> place & 1 else letter for place, letter in enumerate(digits))
    if mixed[2:] in {digits, digits.upper(), right[2:]}:
        return
    with pytest.raises(ValidationError, match="EIP-55"):
        fields.AddressField().run_validation(mixed)


@given(st.integers(0, (1 << 16) - 1))
def test_n11_reserved_addresses_are_refused(number: int) -> None:
    with pytest.raises(ValidationError):
        fields.AddressField().run_validation(f"0x{number:040x}")


AMOUNTS: Final = {
    "money": (fields.MoneyField(), 6, (2**192 - 1) // 10**6),
    "price": (fields.PriceField(), 18, (2**192 - 1) // 10**18),
    "leverage": (fields.LeverageField(), 2, (2**32 - 1) // 100),
    "percent": (fields.PercentField(0, 100), 2, 100),
    "slippage": (fields.PercentField(0, 10), 2, 10),
}
PLAIN: Final = st.from_regex(r"(0|[1-9][0-9]{0,40})(\.[0-9]{1,40})?", fullmatch=True)
TOKENS: Final = st.from_regex(r"(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-6]?[0-9])?", fullmatch=True)


def read_amount(field: Any, value: Any) -> Decimal | None:
    """The amount that the field takes for it; None when it refuses."""
    try:
        return Decimal(field.run_validation(value))
    except ValidationError:
        return None


@pytest.mark.parametrize("name", AMOUNTS)
@given(data=st.data())
def test_n6_n7_every_unit_goes_in_and_out_and_nothing_between_does(name: str, data: st.DataObject) -> None:
    field, places, largest = AMOUNTS[name]
    units = data.draw(st.integers(1, largest * 10**places))
    text = units_string(units, places)
    found = read_amount(field, text)
    assert found is not None
    assert to_units(found, places) == units
    assert decimal_string(found) == text
    whole, _, fraction = text.partition(".")
    assert read_amount(field, f"{whole}.{fraction.ljust(places, '0')}1") is None


@pytest.mark.parametrize("name", AMOUNTS)
@given(text=PLAIN)
def test_n4_n7_n8_a_plain_decimal_is_taken_exactly_or_not_at_all(name: str, text: str) -> None:
    field, places, largest = AMOUNTS[name]
    found = read_amount(field, text)
    exact = Fraction(text)
    fits = len(text.partition(".")[2]) <= places and 0 < exact <= largest
    assert (found is not None) is fits
    assert found is None or Fraction(found) == exact


@pytest.mark.parametrize("name", AMOUNTS)
@given(token=TOKENS)
def test_n6_a_json_number_is_taken_exactly_or_not_at_all_and_never_answered_with_an_exponent(
    name: str, token: str
) -> None:
    field, places, largest = AMOUNTS[name]
    found = read_amount(field, parse_object(b'{"a": ' + token.encode() + b"}")["a"])
    exact = Fraction(token)
    if found is None:
        return
    assert Fraction(found) == exact
    assert 0 < exact <= largest
    assert to_units(found, places) == exact * 10**places
    assert "e" not in decimal_string(found).lower()
    assert Fraction(decimal_string(found)) == exact


SCALARS: Final = (
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.decimals(min_value=-(10**20), max_value=10**20, places=18)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
)
VALUES: Final = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(UNRESERVED, max_size=8), inner, max_size=4),
    max_leaves=20,
)
OBJECTS: Final = st.dictionaries(st.text(UNRESERVED, max_size=8), VALUES, max_size=5)


class Repeated(ValueError):
    """A key that occurs twice, which json.loads itself does not mind."""


def judge(text: str) -> Any:
    """json.loads with exact numbers, refusing repeated keys and the three words that are no numbers."""

    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise Repeated
        return dict(pairs)

    def refuse(_word: str) -> NoReturn:
        raise ValueError

    return json.loads(text, parse_float=Decimal, parse_int=Decimal, parse_constant=refuse, object_pairs_hook=build)


def write(value: Any, *, escaped: bool) -> str:
    """JSON text in which a Decimal keeps its digits."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict):
        items = (f"{json.dumps(key)}: {write(item, escaped=escaped)}" for key, item in value.items())
        return "{" + ",".join(items) + "}"
    if isinstance(value, list):
        return "[" + " , ".join(write(item, escaped=escaped) for item in value) + "]"
    return json.dumps(value, ensure_ascii=escaped)


@given(OBJECTS, st.booleans())
def test_a_valid_document_is_read_as_json_loads_reads_it(value: dict[str, Any], escaped: bool) -> None:
    text = write(value, escaped=escaped)
    try:
        found = parse_object(text.encode())
    except SecretInPayload:
        assume(False)
    assert found == judge(text)


@given(OBJECTS.filter(bool), st.data())
def test_w18_a_key_that_occurs_twice_is_refused_however_it_is_written(
    value: dict[str, Any], data: st.DataObject
) -> None:
    key = data.draw(st.sampled_from(sorted(value)))
    twin = "".join(f"\\u{ord(letter):04x}" for letter in key)
    text = write(value, escaped=True)[:-1] + f', "{twin}": 1' + "}"
    outer = data.draw(st.sampled_from([text, f'{{"x": [{text}]}}', f'{{"x": {{"y": {text}}}}}']))
    with pytest.raises(InvalidJson) as caught:
        parse_object(outer.encode())
    assert caught.value.details == {"reason": "duplicate_key"}


NEARLY: Final = st.text('{}[]":,0123456789.eE+-\\u truefalsn\t\n', max_size=60).map(lambda text: '{"a":' + text + "}")


@given(NEARLY | st.text(max_size=60))
def test_what_is_read_is_what_json_loads_reads_and_what_it_refuses_is_refused(text: str) -> None:
    raw = text.encode("utf-8", "replace")
    try:
        expected = judge(raw.decode())
    except (ValueError, RecursionError):
        expected = None
    try:
        found = parse_object(raw)
    except SecretInPayload:
        return
    except InvalidJson as refusal:
        assert isinstance(refusal.details, dict)
        bounds = {"number_out_of_range", "text_invalid", "byte_order_mark", "too_deep", "not_an_object", "empty"}
        assert expected is None or refusal.details["reason"] in bounds
        return
    assert found == expected


@given(st.integers(MAX_EXPONENT + 1, 10**9), st.sampled_from("eE"))
def test_n8_a_number_beyond_every_contract_is_refused_cheaply(exponent: int, letter: str) -> None:
    for token in (f"1{letter}{exponent}", f"1{letter}-{exponent}", "1" * (MAX_NUMBER_CHARACTERS + 1)):
        with pytest.raises(InvalidJson) as caught:
            parse_object(f'{{"a": {token}}}'.encode())
        assert caught.value.details == {"reason": "number_out_of_range"}
