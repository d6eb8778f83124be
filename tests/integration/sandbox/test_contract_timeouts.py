"""What a trader can do when the oracle never answers."""

import pytest
from eth_account.signers.local import LocalAccount

from sandbox import actors, addresses
from sandbox.artifacts import get_contract
from tests.integration.sandbox.venue import (
    BTC,
    E18,
    ORACLE_FEE,
    PENDING_CLOSE,
    Event,
    Order,
    Revert,
    Venue,
    find_event,
    names_of,
)

ENTRY = 90_000 * E18
TIMEOUT = 30


def wait_for(venue: Venue, order_id: int, blocks: int) -> None:
    """Bring the latest block to `blocks` after the request's."""
    since = venue.read("TradingStorage", "reqID_pendingMarketOrder", order_id)["block"]
    venue.mine(since + blocks - venue.node.head().number)


def test_the_timeouts_are_read_from_the_venue(venue: Venue) -> None:
    assert (venue.read("Trading", "marketOrdersTimeout"), venue.read("Trading", "triggerTimeout")) == (30, 30)
    block = int(str(venue.node.request("eth_blockNumber")), 16)
    assert venue.read("ArbSys", "arbBlockNumber") == block
    venue.mine(7)
    assert venue.read("ArbSys", "arbBlockNumber") == block + 7


def test_an_unanswered_open_gives_everything_back(venue: Venue, trader: LocalAccount) -> None:
    before = venue.usdc(trader.address)
    order_id = venue.place(trader, Order())
    pending = venue.read("TradingStorage", "reqID_pendingMarketOrder", order_id)
    wait_for(venue, order_id, TIMEOUT)
    events = venue.act(trader, "openTradeMarketTimeout", order_id)
    assert names_of(events) == ["Transfer", "MarketOpenTimeoutExecutedV2"]
    assert events[1].arguments == {"orderId": order_id, "order": pending}
    assert venue.usdc(trader.address) == before
    assert venue.read("TradingStorage", "getPendingOrderIds", trader.address) == []
    # The late answer finds nothing.
    late: list[Event] = venue.settle(order_id, ENTRY)
    assert late == []
    gone = Revert("NoTradeToTimeoutFound", (order_id,))
    assert venue.refusal(trader.address, "openTradeMarketTimeout", order_id) == gone


def test_refusals_of_an_open_timeout_in_order(venue: Venue, trader: LocalAccount) -> None:
    other = actors.create_account(rpc_url=venue.rpc_url).address
    who = trader.address
    assert venue.refusal(who, "openTradeMarketTimeout", 5) == Revert("NoTradeToTimeoutFound", (5,))
    venue.open_position(trader)
    close = venue.close(trader, BTC, 0, price=ENTRY)
    assert venue.refusal(other, "openTradeMarketTimeout", close) == Revert("NotYourOrder", (close, other.lower()))
    assert venue.refusal(who, "openTradeMarketTimeout", close) == Revert("NotOpenMarketTimeoutOrder", (close,))
    order_id = venue.place(trader, Order())
    wait_for(venue, order_id, TIMEOUT - 1)
    assert venue.refusal(who, "openTradeMarketTimeout", order_id) == Revert("WaitTimeout", (order_id,))
    venue.mine(1)
    assert venue.refusal(who, "openTradeMarketTimeout", order_id) is None


def test_refusals_of_a_close_timeout_in_order(venue: Venue, trader: LocalAccount) -> None:
    other = actors.create_account(rpc_url=venue.rpc_url).address
    who = trader.address
    assert venue.refusal(who, "closeTradeMarketTimeout", 5, False) == Revert("NoTradeToTimeoutFound", (5,))
    open_id = venue.place(trader, Order())
    stranger = venue.refusal(other, "closeTradeMarketTimeout", open_id, False)
    assert stranger == Revert("NotYourOrder", (open_id, other.lower()))
    wrong_kind = venue.refusal(who, "closeTradeMarketTimeout", open_id, False)
    assert wrong_kind == Revert("NotCloseMarketTimeoutOrder", (open_id,))
    venue.settle(open_id, ENTRY)
    close = venue.close(trader, BTC, 0, price=ENTRY)
    early = venue.refusal(who, "closeTradeMarketTimeout", close, False)
    assert early == Revert("WaitTimeout", (close,))


@pytest.fixture
def unanswered(venue: Venue, trader: LocalAccount) -> int:
    """A partial close that nobody answered in time."""
    venue.open_position(trader)
    order_id = venue.act(trader, "closeTradeMarket", BTC, 0, 4_000, 91_000 * E18, 123)[-1].arguments["orderId"]
    wait_for(venue, order_id, TIMEOUT)
    return int(order_id)


def test_an_unanswered_close_refunds_the_oracle_fee(venue: Venue, trader: LocalAccount, unanswered: int) -> None:
    before = venue.usdc(trader.address)
    pending = venue.read("TradingStorage", "reqID_pendingMarketOrder", unanswered)
    trade_id = venue.info(trader.address)["tradeId"]
    events = venue.act(trader, "closeTradeMarketTimeout", unanswered, False)
    assert names_of(events) == ["Transfer", "OracleFeeRefunded", "MarketCloseTimeoutExecutedV2"]
    assert events[2].arguments == {"orderId": unanswered, "tradeId": trade_id, "order": pending}
    assert venue.usdc(trader.address) == before + ORACLE_FEE
    assert venue.read("TradingStorage", "orderTriggerBlock", trader.address, BTC, 0, PENDING_CLOSE) == 0
    assert venue.read("TradingStorage", "getPendingOrderIds", trader.address) == []
    assert venue.trade(trader.address)["collateral"] == 989_900_000


def test_a_retry_asks_again_with_the_old_price_and_slippage(
    venue: Venue, trader: LocalAccount, unanswered: int
) -> None:
    before = venue.usdc(trader.address)
    events = venue.act(trader, "closeTradeMarketTimeout", unanswered, True)
    again = find_event(events, "MarketCloseOrderInitiatedV2").arguments["orderId"]
    assert again == unanswered + 1
    pending = venue.read("TradingStorage", "reqID_pendingMarketOrder", again)
    assert (pending["wantedPrice"], pending["slippageP"], pending["percentage"]) == (91_000 * E18, 123, 4_000)
    assert venue.usdc(trader.address) == before
    assert venue.read("TradingStorage", "getPendingOrderIds", trader.address) == [again]


def test_a_retry_that_fails_still_times_the_order_out(venue: Venue, trader: LocalAccount, unanswered: int) -> None:
    revoke = get_contract("Usdc").encode("approve", addresses.TRADING_STORAGE, 0)
    actors.send_signed(rpc_url=venue.rpc_url, account=trader, to=addresses.USDC, data=revoke)
    trade_id = venue.info(trader.address)["tradeId"]
    events = venue.act(trader, "closeTradeMarketTimeout", unanswered, True)
    assert find_event(events, "MarketCloseFailed").arguments == {
        "tradeId": trade_id,
        "trader": trader.address,
        "pairIndex": BTC,
    }
    assert "MarketCloseTimeoutExecutedV2" in names_of(events)
    assert venue.read("TradingStorage", "getPendingOrderIds", trader.address) == []


def test_a_delegate_may_time_out_and_retry(venue: Venue, trader: LocalAccount, unanswered: int) -> None:
    delegate = actors.create_account(rpc_url=venue.rpc_url)
    venue.act(trader, "setDelegate", delegate.address)
    inner = get_contract("Trading").encode("closeTradeMarketTimeout", unanswered, True)
    events = venue.act(delegate, "delegatedAction", trader.address, inner)
    assert find_event(events, "MarketCloseOrderInitiatedV2").arguments["trader"] == trader.address


def test_a_lock_ends_with_the_trigger_timeout(venue: Venue, trader: LocalAccount) -> None:
    venue.open_position(trader)
    venue.close(trader, BTC, 0, price=ENTRY)
    since = venue.read("TradingStorage", "orderTriggerBlock", trader.address, BTC, 0, PENDING_CLOSE)
    venue.mine(since + TIMEOUT - 1 - venue.node.head().number)
    locked = Revert("TriggerPending", (trader.address.lower(), BTC, 0))
    assert venue.refusal(trader.address, "updateSl", BTC, 0, 0) == locked
    venue.mine(1)
    assert venue.refusal(trader.address, "updateSl", BTC, 0, 0) is None
