"""Stored values as people read them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from ostium_service.admin_cells import badge, lasted, moment, shorten
from staff.facts import Fact, describe
from staff.templatetags.staff_words import amount, ether, exact, money, offset, out, page_name

HASH = "0x" + "ab" * 32
SAFE = "0x52908400098527886E0F7030069857D2E4169EE7"


def test_facts_are_labelled_in_reading_order_with_units_and_links() -> None:
    values = {
        "slPrice": "90902",
        "whatEver": "x",
        "txHash": HASH,
        "collateral": "1200.5",
        "slippage": "2",
        "dayTrade": False,
        "market": "BTC/USD",
        "delegate": SAFE,
        "tpPrice": None,
        "modules": [],
        "operation": 1,
        "gasToken": "0x" + "0" * 40,
        "owners": [SAFE],
    }
    assert describe(values, network="testnet") == [
        Fact("Market", "BTC/USD"),
        Fact("Collateral", "1,200.5 USDC"),
        Fact("Stop-loss", "90,902 USD"),
        Fact("Slippage at most", "2%"),
        Fact("Day trade", "no"),
        Fact("Operation", "delegate call (a batch)"),
        Fact("Transaction", HASH, f"https://sepolia.arbiscan.io/tx/{HASH}", is_code=True),
        Fact("What ever", "x"),
        Fact("Delegate", SAFE, f"https://sepolia.arbiscan.io/address/{SAFE}", is_code=True),
        Fact("Gas token", "0x" + "0" * 40, is_code=True),
        Fact("Owners", SAFE, is_code=True),
    ]
    assert describe(None, network="testnet") == []


def test_no_digit_of_an_amount_is_lost() -> None:
    assert describe({"pnl": "-1234567.000000000000000001"}, network="mainnet")[0].value == (
        "-1,234,567.000000000000000001 USDC"
    )
    assert str(money("1234.567891")) == '<span title="1,234.567891 USDC">1,234.57</span>'
    assert str(ether(Decimal("0.99990129964"))) == '<span title="0.99990129964 ETH">0.99990</span>'
    assert (amount(""), money(""), amount("soon"), money("NaN")) == ("-", "-", "soon", "NaN")
    assert (amount("1200.500"), amount(None), money(None), ether(None)) == ("1,200.5", "-", "-", "-")


def test_moments_and_durations() -> None:
    at = datetime(2026, 11, 25, 3, 4, 5, 67_089, tzinfo=UTC)
    assert exact(at) == "2026-11-25 03:04:05.067 UTC"
    assert (
        str(moment(at)) == '<span class="st-moment" title="2026-11-25 03:04:05.067089 UTC">2026-11-25 03:04:05</span>'
    )
    assert ">2026-11-25 03:04<" in str(moment(at, to="minute"))
    assert (moment(None), lasted(at, None)) == ("-", "")
    assert lasted(at, at + timedelta(milliseconds=340)) == "340 ms"
    assert lasted(at, at + timedelta(seconds=1_701)) == "1,701.0 s"
    assert (offset(340), offset(1500)) == ("+340 ms", "+1.5 s")


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", '" onmouseover="x', "a" * 30 + "<b>"])
def test_what_others_wrote_is_escaped(text: str) -> None:
    for shown in (shorten(text), badge(text), out("https://x.example", text)):
        assert "<script" not in str(shown).replace("<span", "") and 'e="x' not in str(shown)
        assert "<b>" not in str(shown)


def test_pages_are_called_as_in_the_sidebar() -> None:
    assert (page_name("perps executions"), page_name("open BTC/USD long")) == ("Executions", "Open BTC/USD long")
