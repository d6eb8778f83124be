"""Events: topics as the venue emits them, arguments by name, and nothing believed that is not exactly of the shape."""

import pytest
from eth_abi.abi import encode

from ostium_service.gateways import ostium_contracts as oc
from ostium_service.gateways.rpc_values import Log
from ostium_service.types import Address, TxHash

TRADER = Address("0x1111111111111111111111111111111111111111")
EMITTER = Address("0x83DC7c5dDeAD58f47230b70e6EF6bc44064BD814")
TRADE = "(uint256,uint192,uint192,uint192,address,uint32,uint16,uint8,bool,bool)"
TOPICS = {
    "MarketOpenOrderInitiated": "fb4a26aa",
    "MarketCloseOrderInitiatedV2": "955808f2",
    "MarketCloseOrderInitiated": "d2c0691c",
    "OpenLimitPlacedV2": "608a8b19",
    "OpenLimitPlaced": "c5bd5ba7",
    "OpenLimitUpdated": "98ea8314",
    "OpenLimitCanceled": "af0078fc",
    "OracleFeeChargedLimitCancelled": "00583880",
    "TpUpdated": "9b366191",
    "SlUpdated": "2a0cf479",
    "TopUpCollateralExecuted": "b8b06ffb",
    "RemoveCollateralInitiated": "1c0cf118",
    "OracleFeeCharged": "180816fd",
    "OracleFeeRefunded": "e2357898",
    "MarketOpenTimeoutExecutedV2": "1ae38b44",
    "MarketCloseTimeoutExecutedV2": "14d358e8",
    "MarketCloseFailed": "bd5738e3",
    "AutomationOpenOrderInitiated": "3cd9ed48",
    "AutomationCloseOrderInitiated": "f030e9b5",
    "DelegateAdded": "12dade47",
    "DelegateRemoved": "e8514dd4",
    "Paused": "0e2fb031",
    "Done": "c3a6f986",
    "MarketOpenExecuted": "c15478b6",
    "MarketOpenCanceled": "1dc35326",
    "MarketCloseExecutedV2": "caa9acf3",
    "MarketCloseExecuted": "5a988d83",
    "MarketCloseCanceled": "0bdd6600",
    "LimitOpenExecuted": "444c09c4",
    "LimitCloseExecuted": "6d242839",
    "AutomationOpenOrderCanceled": "d8c35243",
    "AutomationCloseOrderCanceled": "f754b2e6",
    "RemoveCollateralExecuted": "d182bace",
    "RemoveCollateralRejected": "fa3942c9",
    "trading.RemoveCollateralRejected": "d7f94dd4",
    "FeesChargedV2": "457c3034",
    "CloseFeeCharged": "9ec377a4",
    "DevFeeCharged": "f517fcc4",
    "VaultOpeningFeeCharged": "02ee2a74",
    "callbacks.OracleFeeCharged": "9d91cd48",
    "BuilderFeeCharged": "48d3d23d",
    "VaultLiqFeeCharged": "3f6d474c",
    "PriceRequestedV2": "0b34af4d",
}


def word(value: int) -> bytes:
    """A topic."""
    return (value % 2**256).to_bytes(32, "big")


def build_log(name: str, indexed: list[int], data: bytes = b"") -> Log:
    """A log of that event."""
    return Log(
        address=EMITTER,
        topics=(oc.TOPICS[name], *map(word, indexed)),
        data=data,
        block_number=7,
        block_hash="0x" + "ab" * 32,
        tx_hash=TxHash("0x" + "cd" * 32),
        log_index=0,
    )


@pytest.mark.parametrize(("name", "topic"), TOPICS.items())
def test_topic(name: str, topic: str) -> None:
    assert oc.TOPICS[name].hex().startswith(topic)


def test_the_price_request_has_its_full_topic() -> None:
    expected = "0b34af4df6d01bd2b84814169152cd26e9cccd4bccf7cf16caf8e33ec6a8211e"
    assert oc.TOPICS["PriceRequestedV2"].hex() == expected


def test_struct_arguments_are_dictionaries_by_name() -> None:
    trade = (989_900_000, 90_000 * 10**18, 171_000 * 10**18, 0, TRADER, 1000, 0, 3, True, False)
    data = encode([TRADE, "uint256", "uint256"], [trade, 5, 109_988_888_888_888_888])
    log = build_log("MarketOpenExecuted", [800_001], data)
    assert oc.decode_log(log) == oc.OstiumEvent(
        "MarketOpenExecuted",
        EMITTER,
        {
            "orderId": 800_001,
            "t": {
                "collateral": 989_900_000,
                "openPrice": 90_000 * 10**18,
                "tp": 171_000 * 10**18,
                "sl": 0,
                "trader": TRADER,
                "leverage": 1000,
                "pairIndex": 0,
                "index": 3,
                "buy": True,
                "isDayTrade": False,
            },
            "priceImpactP": 5,
            "tradeNotional": 109_988_888_888_888_888,
        },
        log,
    )


def test_signed_and_indexed_arguments_keep_the_order_of_the_abi() -> None:
    data = encode(
        ["uint256", "uint256", "int256", "uint256", "uint256"], [91_000, 1, -88_014_938, 1_097_899_000, 10_000]
    )
    event = oc.decode_log(build_log("MarketCloseExecutedV2", [800_002, 800_001], data))
    assert event is not None
    assert list(event.args.items()) == [
        ("orderId", 800_002),
        ("tradeId", 800_001),
        ("price", 91_000),
        ("priceImpactP", 1),
        ("percentProfit", -88_014_938),
        ("usdcSentToTrader", 1_097_899_000),
        ("percentageClosed", 10_000),
    ]


def test_price_request_and_unnamed_arguments() -> None:
    data = encode(["uint8", "bytes32", "uint256"], [1, b"\x07" * 32, 1_790_500_000])
    event = oc.decode_log(build_log("PriceRequestedV2", [800_003], data))
    assert event is not None
    assert event.args == {"orderId": 800_003, "orderType": 1, "feed": b"\x07" * 32, "timestamp": 1_790_500_000}
    data = encode(["uint16", "uint8"], [5, 2])
    event = oc.decode_log(build_log("AutomationCloseOrderInitiated", [1, 2, int(TRADER, 16)], data))
    assert event is not None
    assert event.args == {"orderId": 1, "tradeId": 2, "trader": TRADER, "pairIndex": 5, "arg4": 2}


@pytest.mark.parametrize(
    "log",
    [
        build_log("MarketOpenOrderInitiated", [1, int(TRADER, 16)]),
        build_log("MarketOpenOrderInitiated", [1, int(TRADER, 16), 0, 0]),
        build_log("MarketOpenOrderInitiated", [1, int(TRADER, 16), 2**16]),
        build_log("MarketOpenOrderInitiated", [1, 2**160, 0]),
        build_log("MarketOpenOrderInitiated", [1, int(TRADER, 16), 0], b"\x00"),
        build_log("TpUpdated", [1, 2, 3], bytes(32)),
        Log(EMITTER, (), b"", 1, "0x" + "00" * 32, TxHash("0x" + "00" * 32), 0),
        Log(EMITTER, (b"\x01" * 32,), b"", 1, "0x" + "00" * 32, TxHash("0x" + "00" * 32), 0),
    ],
)
def test_a_log_of_another_shape_is_no_event(log: Log) -> None:
    assert oc.decode_log(log) is None
