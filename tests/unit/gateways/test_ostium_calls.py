"""Call data against golden values of the venue's ABI, and the strictness of decoding it again."""

import pytest
from eth_abi.abi import encode as abi_encode
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from ostium_service.gateways import ostium_contracts as oc
from ostium_service.gateways.ostium_abi import load_functions
from ostium_service.types import Address, LeverageUnits, PercentUnits, PriceUnits, UsdcUnits

TRADER = Address("0x1111111111111111111111111111111111111111")
DELEGATE = Address("0x2222222222222222222222222222222222222222")
CLOSE = (
    "0xefc10755"
    "0000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000002710"
    "0000000000000000000000000000000000000000000013451eb0c55622e00000"
    "0000000000000000000000000000000000000000000000000000000000000064"
)
SELECTORS = {
    "openTrade": "1365e4e4",
    "closeTradeMarket": "efc10755",
    "cancelOpenLimitOrder": "c444e746",
    "updateOpenLimitOrder": "4f9a9e64",
    "updateTp": "be9267be",
    "updateSl": "e2441c04",
    "topUpCollateral": "0a21b1a1",
    "removeCollateral": "56ac637e",
    "openTradeMarketTimeout": "876d3abd",
    "closeTradeMarketTimeout": "3f21ea62",
    "setDelegate": "ca5eb5e1",
    "removeDelegate": "36fb8b15",
    "setDelegateWithSignature": "055af781",
    "delegatedAction": "9a10cc32",
    "delegations": "bffe3486",
    "delegatableNonces": "cf43af20",
    "DELEGATION_TYPEHASH": "e7a324dc",
    "DOMAIN_SEPARATOR": "3644e515",
    "isPaused": "b187bd26",
    "isDone": "8f062227",
    "marketOrdersTimeout": "410c0b7c",
    "triggerTimeout": "fc8b2698",
    "maxAllowedCollateral": "bf815d2e",
    "registry": "7b103999",
    "executeAutomationOrder": "01a69331",
}


def request(**changes: object) -> oc.TradeRequest:
    """The opening of the golden call data."""
    fields: dict[str, object] = {
        "trader": TRADER,
        "pair_id": 0,
        "is_long": True,
        "collateral": UsdcUnits(100 * 10**6),
        "price": PriceUnits(90_000 * 10**18),
        "leverage": LeverageUnits(1000),
    }
    return oc.TradeRequest(**(fields | changes))  # type: ignore[arg-type]


def close() -> bytes:
    """The golden close."""
    return oc.encode_close_trade(
        pair_id=0,
        trade_index=0,
        percentage=oc.WHOLE,
        price=PriceUnits(91_000 * 10**18),
        slippage=PercentUnits(100),
    )


@pytest.mark.parametrize(("name", "selector"), SELECTORS.items())
def test_selector_is_the_hash_of_the_shipped_abi(name: str, selector: str) -> None:
    [function] = load_functions("trading", [name]).values()
    assert function.selector.hex() == selector


def test_open_trade_is_the_golden_call() -> None:
    data = oc.encode_open_trade(trade=request(), order_type=oc.OrderType.MARKET, slippage=PercentUnits(100))
    assert len(data) == 452
    assert keccak(data).hex() == "d002d40ea6cc235e00b0f32cdb87c45bb3c80d91fa08fcbd42fcaccd86dada36"


def test_close_trade_is_the_golden_call() -> None:
    assert "0x" + close().hex() == CLOSE


def test_delegated_action_wraps_with_offset_length_and_padding() -> None:
    data = oc.encode_delegated_action(TRADER, close())
    head = "9a10cc32" + TRADER[2:].zfill(64) + f"{0x40:064x}" + f"{0xA4:064x}"
    assert data.hex() == head + CLOSE[2:] + "00" * 28


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            oc.encode_open_trade(
                trade=request(
                    is_long=False,
                    is_day_trade=True,
                    pair_id=18,
                    take_profit=PriceUnits(1),
                    stop_loss=PriceUnits(2),
                ),
                order_type=oc.OrderType.STOP,
                slippage=PercentUnits(0),
            ),
            oc.DecodedCall(
                "openTrade",
                {
                    "t": {
                        "collateral": 100_000_000,
                        "openPrice": 90_000 * 10**18,
                        "tp": 1,
                        "sl": 2,
                        "trader": TRADER,
                        "leverage": 1000,
                        "pairIndex": 18,
                        "index": 0,
                        "buy": False,
                        "isDayTrade": True,
                    },
                    "bf": {"builder": oc.ZERO_ADDRESS, "builderFee": 0},
                    "orderType": 2,
                    "slippageP": 0,
                },
            ),
        ),
        (
            oc.encode_update_tp(pair_id=1, trade_index=2, take_profit=PriceUnits(3)),
            oc.DecodedCall("updateTp", {"pairIndex": 1, "index": 2, "newTp": 3}),
        ),
        (
            oc.encode_update_sl(pair_id=1, trade_index=2, stop_loss=PriceUnits(0)),
            oc.DecodedCall("updateSl", {"pairIndex": 1, "index": 2, "newSl": 0}),
        ),
        (
            oc.encode_cancel_limit(pair_id=65_535, trade_index=255),
            oc.DecodedCall("cancelOpenLimitOrder", {"pairIndex": 65_535, "index": 255}),
        ),
        (
            oc.encode_update_limit(
                pair_id=1, trade_index=2, price=PriceUnits(3), take_profit=PriceUnits(4), stop_loss=PriceUnits(5)
            ),
            oc.DecodedCall("updateOpenLimitOrder", {"pairIndex": 1, "index": 2, "price": 3, "tp": 4, "sl": 5}),
        ),
        (
            oc.encode_top_up_collateral(pair_id=1, trade_index=2, amount=UsdcUnits(7)),
            oc.DecodedCall("topUpCollateral", {"pairIndex": 1, "index": 2, "topUpAmount": 7}),
        ),
        (
            oc.encode_remove_collateral(pair_id=1, trade_index=2, amount=UsdcUnits(7)),
            oc.DecodedCall("removeCollateral", {"pairIndex": 1, "index": 2, "removeAmount": 7}),
        ),
        (oc.encode_open_timeout(order_id=9), oc.DecodedCall("openTradeMarketTimeout", {"_order": 9})),
        (
            oc.encode_close_timeout(order_id=9, retry=True),
            oc.DecodedCall("closeTradeMarketTimeout", {"_order": 9, "retry": True}),
        ),
        (oc.encode_set_delegate(DELEGATE), oc.DecodedCall("setDelegate", {"delegate": DELEGATE})),
        (oc.encode_remove_delegate(), oc.DecodedCall("removeDelegate", {})),
        (
            oc.encode_delegated_action(TRADER, close()),
            oc.DecodedCall("delegatedAction", {"trader": TRADER, "call_data": close()}),
        ),
    ],
    ids=lambda value: value.name if isinstance(value, oc.DecodedCall) else None,
)
def test_what_is_encoded_decodes_to_itself(data: bytes, expected: oc.DecodedCall) -> None:
    assert oc.decode_call(data) == expected


def test_approve_is_the_token_standard_call() -> None:
    data = oc.encode_approve(DELEGATE, UsdcUnits(10**9))
    assert data.hex() == "095ea7b3" + DELEGATE[2:].zfill(64) + f"{10**9:064x}"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xef\xc1\x07",
        bytes.fromhex(CLOSE[2:]) + b"\x00",
        bytes.fromhex(CLOSE[2:])[:-1],
        bytes.fromhex(CLOSE[2:]) + bytes(32),
        bytes.fromhex("deadbeef") + bytes(160),
        # A dirty upper word: 2^16 as a pair index.
        bytes.fromhex("c444e746") + (2**16).to_bytes(32, "big") + bytes(32),
        # A boolean that is 2.
        bytes.fromhex("3f21ea62") + bytes(32) + (2).to_bytes(32, "big"),
        # An address with a dirty upper byte.
        bytes.fromhex("ca5eb5e1") + b"\x01" + bytes(31),
        # delegatedAction whose offset points elsewhere, though the same bytes would be read.
        bytes.fromhex("9a10cc32") + bytes(32) + (96).to_bytes(32, "big") + bytes(32) + bytes(32),
        # delegatedAction with a length beyond the data.
        bytes.fromhex("9a10cc32") + bytes(32) + (64).to_bytes(32, "big") + (2**255).to_bytes(32, "big"),
        # delegatedAction with dirty padding.
        bytes.fromhex("9a10cc32") + bytes(32) + (64).to_bytes(32, "big") + (1).to_bytes(32, "big") + b"\x01" * 32,
    ],
)
def test_anything_but_the_canonical_encoding_is_no_call(data: bytes) -> None:
    assert oc.decode_call(data) is None


@given(st.binary(max_size=600))
def test_decoding_noise_never_raises(noise: bytes) -> None:
    for selector in SELECTORS.values():
        oc.decode_call(bytes.fromhex(selector) + noise)


@pytest.mark.parametrize(
    ("order_type", "slippage"),
    [
        (oc.OrderType.MARKET, 0),
        (oc.OrderType.MARKET, 10_000),
        (oc.OrderType.MARKET, -1),
        (oc.OrderType.LIMIT, 1),
        (oc.OrderType.STOP, 100),
    ],
)
def test_slippage_belongs_to_market_orders_only(order_type: oc.OrderType, slippage: int) -> None:
    with pytest.raises(ValueError, match="slippage"):
        oc.encode_open_trade(trade=request(), order_type=order_type, slippage=PercentUnits(slippage))


@pytest.mark.parametrize("percentage", [0, -1, 10_001])
def test_close_percentage_is_never_read_as_everything(percentage: int) -> None:
    with pytest.raises(ValueError, match="percentage"):
        oc.encode_close_trade(
            pair_id=0,
            trade_index=0,
            percentage=PercentUnits(percentage),
            price=PriceUnits(1),
            slippage=PercentUnits(1),
        )


@pytest.mark.parametrize(
    "changes",
    [
        {"pair_id": 65_536},
        {"pair_id": -1},
        {"price": 2**192},
        {"leverage": 2**32},
        {"collateral": 2**256},
        {"collateral": 1.5},
        {"is_long": 1},
        {"trader": "0x11"},
    ],
    ids=str,
)
def test_values_outside_their_type_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="cannot be encoded"):
        oc.encode_open_trade(trade=request(**changes), order_type=oc.OrderType.MARKET, slippage=PercentUnits(100))


def test_encoding_agrees_with_the_abi_library_on_plain_types() -> None:
    plain = abi_encode(["uint16", "uint8", "uint192"], [5, 6, 7])
    assert oc.encode_update_tp(pair_id=5, trade_index=6, take_profit=PriceUnits(7))[4:] == plain
