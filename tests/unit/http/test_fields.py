"""Each field takes one spelling of a value and refuses the others."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings
from rest_framework.exceptions import ValidationError

from ostium_service.http import fields
from ostium_service.money import to_units
from ostium_service.types import Network

CHECKSUMMED = "0x2A9B9c988393f46a2537B0ff11E98c2C15a95afe"


def read(field: Any, value: Any) -> Any:
    return field.run_validation(value)


def refusal(field: Any, value: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        field.run_validation(value)
    assert isinstance(caught.value.detail, list)
    (message,) = caught.value.detail
    return str(message)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("12.5", Decimal("12.5")),
        (Decimal("12.5"), Decimal("12.5")),
        (Decimal("1E+3"), Decimal(1000)),
        ("0.000001", Decimal("0.000001")),
        ("1", Decimal(1)),
        (Decimal("1E-6"), Decimal("0.000001")),
        ("123456789012345678901234567890.123456", Decimal("123456789012345678901234567890.123456")),
        (str((2**192 - 1) // 10**6), Decimal((2**192 - 1) // 10**6)),
    ],
)
def test_n6_money_is_exact(value: Any, expected: Decimal) -> None:
    found = read(fields.MoneyField(), value)
    assert isinstance(found, Decimal)
    assert found == expected
    assert to_units(found, 6) == int(expected.scaleb(6)) or len(str(expected)) > 28


NOT_A_NUMBER = "Must be a number or a plain decimal string such as 12.5."


@pytest.mark.parametrize(
    "value",
    [
        *("", " ", " 12 ", "12 ", "+1", "01", "1.", ".5", "0x10", "1_000", "1,000", "1e3", "1E3", "--1", "1.2.3"),
        *("NaN", "sNaN", "Infinity", "-Infinity", "inf", "\u0967\u0968.\u096b", "\uff11\uff12", "1\u0660", "1\n"),
        *(True, False, 1.5, 1, [], {}, "1" * 79, "0." + "1" * 41, Decimal("NaN"), Decimal("Infinity")),
    ],
)
def test_n1_n3_n4_another_spelling_of_a_number_is_refused(value: Any) -> None:
    assert refusal(fields.MoneyField(), value) == NOT_A_NUMBER


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (fields.MoneyField(), "1.0000001", "At most 6 digits after the decimal point; nothing is rounded."),
        (fields.MoneyField(), Decimal("1E-7"), "At most 6 digits after the decimal point; nothing is rounded."),
        (fields.PriceField(), "1." + "0" * 18 + "1", "At most 18 digits after the decimal point; nothing is rounded."),
        (fields.LeverageField(), "10.125", "At most 2 digits after the decimal point; nothing is rounded."),
        (fields.PercentField(), "0.001", "At most 2 digits after the decimal point; nothing is rounded."),
        (fields.MoneyField(), "0", "Must be above 0."),
        (fields.MoneyField(), "-0", "Must be above 0."),
        (fields.MoneyField(), Decimal("-0.0"), "Must be above 0."),
        (fields.MoneyField(), "-1", "Must be above 0."),
        (fields.PriceField(), "0", "Must be above 0."),
        (fields.PriceField(allow_zero=True), "-1", "Must be at least 0."),
        (fields.LeverageField(), "0", "Must be above 0."),
        (fields.PercentField(0, 10), "10.01", "Must be at most 10."),
        (fields.PercentField(0, 10), "0", "Must be above 0."),
        (fields.MoneyField(), str(2**192), "Too large for the contracts."),
        (fields.PriceField(), str(2**192 // 10**18 + 1), "Too large for the contracts."),
        (fields.LeverageField(), "42949672.96", "Must be at most 42949672."),
    ],
)
def test_n5_n7_n8_a_number_out_of_bounds_is_refused(field: Any, value: Any, message: str) -> None:
    assert refusal(field, value) == message


def test_n5_zero_clears_where_it_may_and_has_no_sign() -> None:
    for value in ("0", "-0", Decimal("-0.0"), Decimal("0E+3")):
        assert str(read(fields.PriceField(allow_zero=True), value)).lstrip("0.E+3") == ""


def test_percent_takes_its_bounds() -> None:
    assert read(fields.PercentField(0, 10), "10") == 10
    assert read(fields.PercentField(min=0, max=100), Decimal("0.01")) == Decimal("0.01")


@given(st.decimals(min_value=Decimal("0.000001"), max_value=Decimal("1e12"), places=6))
def test_n6_money_survives_the_way_through_the_field(value: Decimal) -> None:
    assert to_units(read(fields.MoneyField(), format(value, "f")), 6) == int(value * 10**6)


@given(st.text(max_size=12))
def test_n3_n4_only_plain_decimals_are_numbers(text: str) -> None:
    try:
        read(fields.MoneyField(), text)
    except ValidationError:
        return
    assert set(text) <= set("0123456789.")
    assert text == format(Decimal(text), "f")


@pytest.mark.parametrize("value", ["testnet", "TESTNET", " Testnet "])
def test_a_network_is_read_in_any_case(value: str) -> None:
    assert read(fields.NetworkField(), value) is Network.TESTNET


@pytest.mark.parametrize(
    "value", ["", "arbitrum", "mainnet", "421614", Decimal(421614), True, ["testnet"], {}, "test net"]
)
def test_n13_a_network_that_is_not_enabled_is_refused(value: Any, settings: Settings) -> None:
    settings.OSTIUM_NETWORKS = [Network.TESTNET]
    assert refusal(fields.NetworkField(), value) == "Not a network that this service has enabled."


@pytest.mark.parametrize("value", [CHECKSUMMED, CHECKSUMMED.lower(), "0x" + CHECKSUMMED[2:].upper()])
def test_n10_an_address_is_answered_in_eip55(value: str) -> None:
    assert read(fields.AddressField(), value) == CHECKSUMMED


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (CHECKSUMMED.replace("0x2A", "0x2a"), "The address's upper and lower case is not its EIP-55 checksum"),
        (CHECKSUMMED[2:], "Must be an address"),
        ("0X" + CHECKSUMMED[2:], "Must be an address"),
        (CHECKSUMMED[:-1], "Must be an address"),
        (CHECKSUMMED + "0", "Must be an address"),
        (CHECKSUMMED + "\n", "Must be an address"),
        (" " + CHECKSUMMED, "Must be an address"),
        ("0x" + "\uff11" * 40, "Must be an address"),
        ("0x" + "g" * 40, "Must be an address"),
        (Decimal(1), "Must be an address"),
        (None, "This field may not be null."),
        ("0x" + "0" * 40, "The zero address is not accepted."),
        ("0x" + "0" * 39 + "1", "This address is reserved"),
        ("0x" + "0" * 38 + "64", "This address is reserved"),
    ],
)
def test_n10_n11_an_address_in_another_form_is_refused(value: Any, message: str) -> None:
    assert refusal(fields.AddressField(), value).startswith(message)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        (fields.PairIdField(), Decimal(0), 0),
        (fields.PairIdField(), Decimal(65535), 65535),
        (fields.PairIdField(), "7", 7),
        (fields.TradeIndexField(), Decimal(255), 255),
        (fields.BoundedIntegerField(minimum=1, maximum=720), Decimal(24), 24),
    ],
)
def test_a_whole_number_is_read(field: Any, value: Any, expected: int) -> None:
    found = read(field, value)
    assert (found, type(found)) == (expected, int)


NOT_WHOLE: tuple[Any, ...] = (
    *(Decimal("1.0"), Decimal("1E+1"), "1.0", "01", "+1", " 1", "\u0967", True, False, 1.0, [], "0x1", ""),
)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (fields.PairIdField(), Decimal(65536), "Must be between 0 and 65535."),
        (fields.PairIdField(), Decimal(-1), "Must be between 0 and 65535."),
        (fields.TradeIndexField(), Decimal(256), "Must be between 0 and 255."),
        *((fields.TradeIndexField(), value, "Must be a whole number.") for value in NOT_WHOLE),
    ],
)
def test_n3_n4_n14_anything_but_a_whole_number_in_bounds_is_refused(field: Any, value: Any, message: str) -> None:
    assert refusal(field, value) == message


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("BTC/USD", "BTC/USD"),
        (" BTC ", "BTC"),
        (Decimal(0), "0"),
        (Decimal(12), "12"),
        ("12", "12"),
        ("x" * 50, "x" * 50),
    ],
)
def test_a_market_is_a_name_or_a_pair_id(value: Any, expected: str) -> None:
    assert read(fields.MarketField(), value) == expected


@pytest.mark.parametrize(
    "value", ["", " ", "x" * 51, Decimal(-1), Decimal("1.5"), Decimal("1E+2"), True, [], "a\x00", "a\nb"]
)
def test_what_cannot_be_a_market_is_refused(value: Any) -> None:
    assert refusal(fields.MarketField(), value)


@pytest.mark.parametrize(("field", "value", "expected"), [
    (fields.SideField(), " LONG", "long"),
    (fields.SideField(), "Short", "short"),
    (fields.OrderTypeField(), "STOP", "stop"),
    (fields.OrderTypeField(), "market", "market"),
])  # fmt: skip
def test_words_are_read_in_any_case(field: Any, value: str, expected: str) -> None:
    assert read(field, value) == expected


@pytest.mark.parametrize(
    "value", ["", "buy", "lon\u0261", "\uff4c\uff4f\uff4e\uff47", True, Decimal(1), None, ["long"]]
)
def test_other_words_are_refused(value: Any) -> None:
    assert refusal(fields.SideField(), value) in {"Must be one of: long, short.", "This field may not be null."}


@pytest.mark.parametrize("value", ["true", "false", "yes", "on", "1", Decimal(1), Decimal(0), "", [], "True"])
def test_n9_only_true_and_false_are_booleans(value: Any) -> None:
    assert read(fields.StrictBooleanField(), True) is True
    assert read(fields.StrictBooleanField(), False) is False
    assert refusal(fields.StrictBooleanField(), value) == "Must be true or false."


def test_text_is_trimmed_and_bounded() -> None:
    assert read(fields.TextField(1, 5), " abc ") == "abc"
    assert read(fields.TextField(1, 5), "a b\u00e9") == "a b\u00e9"
    assert read(fields.IdempotencyKeyField(), "k" * 128) == "k" * 128


@pytest.mark.parametrize(
    "value", ["", "   ", "k" * 129, "a\x00b", "a\tb", "a\x7f", "a\ud800", "a\u202eb", Decimal(5), None, ["a"]]
)
def test_n16_i3_unusable_text_is_refused(value: Any) -> None:
    assert refusal(fields.IdempotencyKeyField(), value)


def test_hex_is_even_and_lower() -> None:
    assert read(fields.HexField(), "0xABcd") == "0xabcd"
    assert read(fields.HexField(), "0x") == "0x"
    assert read(fields.HexField(2), "0x0001") == "0x0001"


@pytest.mark.parametrize(
    "value",
    ["0x1", "abcd", "0Xabcd", "0x ab", "0xa b1", "b'0xa9'", "0xzz", "0x\uff11\uff11", Decimal(1), b"0x", "0xab\n"],
)
def test_n12_other_hex_is_refused(value: Any) -> None:
    assert refusal(fields.HexField(), value) == "Must be 0x and an even number of hexadecimal digits."


def test_hex_of_another_length_is_refused() -> None:
    assert refusal(fields.HexField(2), "0xabcdef") == "Must have exactly 2 bytes."
    assert refusal(fields.HexField(max_length=2), "0xabcdef") == "Must have at most 2 bytes."


def test_no_refusal_repeats_the_value() -> None:
    for field in (
        fields.MoneyField(),
        fields.AddressField(),
        fields.HexField(),
        fields.SideField(),
        fields.PairIdField(),
    ):
        assert "planted" not in refusal(field, "planted")


def test_fields_take_the_usual_options() -> None:
    assert fields.MoneyField(required=False, default=Decimal(2)).run_validation() == Decimal(2)
    assert read(fields.PriceField(allow_null=True), None) is None
