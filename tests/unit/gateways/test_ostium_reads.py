"""View functions: selectors as the venue's storage has them, and outputs that must be exactly of their shape."""

import pytest
from eth_abi.abi import encode

from ostium_service.gateways import ostium_contracts as oc
from ostium_service.gateways.failures import BadAnswer
from ostium_service.types import Address, Network

TRADER = Address("0x1111111111111111111111111111111111111111")
TRADE = "(uint256,uint192,uint192,uint192,address,uint32,uint16,uint8,bool,bool)"
LIMIT = "(uint256,uint192,uint192,uint192,address,uint32,uint32,uint32,uint16,uint8,uint8,bool,bool)"
INFO = "(uint256,uint256,uint32,uint32,uint32,uint32,bool)"
SELECTORS = {
    "DELEGATIONS": "bffe3486",
    "IS_PAUSED": "b187bd26",
    "IS_DONE": "8f062227",
    "REGISTRY": "7b103999",
    "MARKET_ORDERS_TIMEOUT": "410c0b7c",
    "TRIGGER_TIMEOUT": "fc8b2698",
    "MAX_ALLOWED_COLLATERAL": "bf815d2e",
    "DOMAIN_SEPARATOR": "3644e515",
    "GET_CONTRACT_ADDRESS": "0d2020dd",
    "ARB_BLOCK_NUMBER": "a3b1b31d",
    "ALLOWANCE": "dd62ed3e",
    "BALANCE_OF": "70a08231",
    "GET_OPEN_TRADE": "4f786488",
    "GET_OPEN_TRADE_INFO": "54307131",
    "GET_OPEN_LIMIT_ORDER": "806f988e",
    "HAS_OPEN_LIMIT_ORDER": "3d3aa417",
    "GET_PENDING_ORDER_IDS": "5c76ac9e",
    "REQ_ID_PENDING_MARKET_ORDER": "b66e6b05",
    "OPEN_TRADES_COUNT": "f3608d12",
    "OPEN_LIMIT_ORDERS_COUNT": "c55ef9b1",
    "PENDING_MARKET_OPEN_COUNT": "e71f8f4b",
    "MAX_TRADES_PER_PAIR": "f65d9dbe",
    "MAX_PENDING_MARKET_ORDERS": "8049fde7",
    "LIMIT_ORDER_IDS": "43d56819",
    "PAIR_MAX_LEVERAGE": "0bdf25df",
    "PAIR_OVERNIGHT_MAX_LEVERAGE": "0d3cd59f",
    "PAIR_ORACLE_FEE": "baceb009",
    "PAIR_MIN_LEV_POS": "d9df69f2",
    "ORACLE": "0616dbc4",
    "IS_PAIR_LISTED": "641bc37a",
}
READS = {name: read for name, read in vars(oc).items() if isinstance(read, oc.Read)}


def test_every_read_has_the_selector_of_the_contract() -> None:
    assert {name: read.selector.hex() for name, read in READS.items()} == SELECTORS


@pytest.mark.parametrize("name", READS)
def test_r5_no_code_at_the_address_is_a_bad_answer(name: str) -> None:
    with pytest.raises(BadAnswer, match="rpc: abi"):
        READS[name].decode(b"")


@pytest.mark.parametrize(
    ("read", "output"),
    [
        (oc.DELEGATIONS, b"\x01" + bytes(31)),
        (oc.DELEGATIONS, bytes(31)),
        (oc.DELEGATIONS, bytes(33)),
        (oc.DELEGATIONS, bytes(64)),
        (oc.IS_PAUSED, (2).to_bytes(32, "big")),
        (oc.MARKET_ORDERS_TIMEOUT, (2**16).to_bytes(32, "big")),
        (oc.GET_PENDING_ORDER_IDS, (2**255).to_bytes(32, "big")),
        (oc.GET_OPEN_TRADE, bytes(320 - 32)),
    ],
)
def test_r5_dirty_or_odd_output_is_a_bad_answer(read: oc.Read[object], output: bytes) -> None:
    with pytest.raises(BadAnswer, match="rpc: abi"):
        read.decode(output)


def test_delegations_encodes_the_trader_and_answers_a_checksummed_delegate() -> None:
    assert oc.DELEGATIONS.encode(TRADER).hex() == "bffe3486" + TRADER[2:].zfill(64)
    output = bytes(12) + bytes.fromhex("5aaeb6053f3e94c9b9a09f33669435e7ef1beaed")
    assert oc.DELEGATIONS.decode(output) == "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
    assert oc.DELEGATIONS.decode(bytes(32)) is None


def test_open_trade_is_read_field_by_field_and_an_empty_slot_is_none() -> None:
    values = (989_900_000, 90_000 * 10**18, 171_000 * 10**18, 0, TRADER, 1000, 0, 3, True, False)
    assert oc.GET_OPEN_TRADE.decode(encode([TRADE], [values])) == oc.OpenTrade(*values)  # type: ignore[arg-type]
    assert oc.GET_OPEN_TRADE.decode(bytes(320)) is None


def test_open_trade_info_leaves_out_the_retired_flag() -> None:
    output = encode([INFO], [(812_345, 109_988_888_888_888_888, 1000, 5, 6, 7, False)])
    expected = oc.OpenTradeInfo(
        trade_id=812_345,
        oi_notional=109_988_888_888_888_888,
        initial_leverage=1000,  # type: ignore[arg-type]
        tp_last_updated=5,
        sl_last_updated=6,
        created_at=7,
    )
    assert oc.GET_OPEN_TRADE_INFO.decode(output) == expected


def test_limit_order_is_read_field_by_field_and_an_empty_slot_is_none() -> None:
    values = (250_000_000, 4550 * 10**18, 0, 0, TRADER, 2000, 10, 11, 5, 2, 1, False, True)
    assert oc.GET_OPEN_LIMIT_ORDER.decode(encode([LIMIT], [values])) == oc.LimitOrder(*values)  # type: ignore[arg-type]
    assert oc.GET_OPEN_LIMIT_ORDER.decode(bytes(13 * 32)) is None


def test_pending_market_order_is_none_once_it_is_gone() -> None:
    types = ["uint256", "uint192", "uint32", TRADE, "uint16"]
    trade = (1, 2, 3, 4, TRADER, 5, 6, 7, True, False)
    expected = oc.PendingMarketOrder(77, 8, 100, oc.OpenTrade(*trade), 10_000)  # type: ignore[arg-type]
    assert oc.REQ_ID_PENDING_MARKET_ORDER.decode(encode(types, [77, 8, 100, trade, 10_000])) == expected
    assert oc.REQ_ID_PENDING_MARKET_ORDER.decode(bytes(14 * 32)) is None


def test_lists_and_texts_are_decoded() -> None:
    assert oc.GET_PENDING_ORDER_IDS.decode(encode(["uint256[]"], [[3, 1]])) == (3, 1)
    assert oc.ORACLE.decode(encode(["string"], ["ostium"])) == "ostium"


def test_contract_key_is_left_aligned() -> None:
    assert oc.contract_key("callbacks") == b"callbacks" + bytes(23)
    with pytest.raises(ValueError, match="32"):
        oc.contract_key("x" * 33)
    with pytest.raises(ValueError, match="32"):
        oc.contract_key("")


def test_default_addresses_are_the_published_ones() -> None:
    testnet, mainnet = oc.DEFAULT_ADDRESSES.values()
    assert testnet == oc.Addresses(
        usdc=Address("0xe73B11Fb1e3eeEe8AF2a23079A4410Fe1B370548"),
        trading=Address("0x2A9B9c988393f46a2537B0ff11E98c2C15a95afe"),
        trading_storage=Address("0x0b9F5243B29938668c9Cfbd7557A389EC7Ef88b8"),
        faucet=Address("0x6830C550814105d8B27bDAEC0DB391cAa7B967c8"),
    )
    assert mainnet == oc.Addresses(
        usdc=Address("0xaf88d065e77c8cC2239327C5EDb3A432268e5831"),
        trading=Address("0x6D0bA1f9996DBD8885827e1b2e8f6593e7702411"),
        trading_storage=Address("0xcCd5891083A8acD2074690F65d3024E7D13d66E7"),
        faucet=None,
    )


@pytest.mark.parametrize(
    ("network", "golden"),
    [
        (Network.TESTNET, "1aeb413f2c234d7192d95912f690bb9c6fdc6bff6df8aa2aa8d21b9257577b47"),
        (Network.MAINNET, "633f144bb5231606de6ac3cf1408e4ac0b1e77a74e14b4ae840c4269c0341948"),
    ],
)
def test_the_domain_separator_of_each_network_is_the_golden_one(network: Network, golden: str) -> None:
    trading = oc.DEFAULT_ADDRESSES[network].trading
    assert oc.domain_separator(chain_id=network.chain_id, trading=trading).hex() == golden
