"""Positions from opening to closing, on the local venue through a real delegate."""

from decimal import Decimal
from typing import Any

from ostium_service.types import Network
from positions.models import PerpsExecution
from positions.services.answers import describe_execution
from positions.services.finding_orders import OrderName
from positions.services.listing import list_positions
from positions.services.opening import OrderKind, Side
from positions.services.pipeline import Answer
from positions.services.resting import cancel_order
from positions.services.tracking import track_order
from positions.services.updating import PriceUpdate, update_stop_loss, update_take_profit
from positions.services.working import follow_execution
from relay.models import OutboundTransaction
from tests.integration.positions.conftest import USDC, Desk
from tests.support.services import wait_for


def pop_identity(desk: Desk, answer: Answer) -> dict[str, Any]:
    """The operation's own fields and result; what every answer carries is checked here."""
    data = dict(answer.data)
    row = PerpsExecution.objects.get(pk=data.pop("executionId"))
    tx_hash = data.pop("txHash")
    assert (data.pop("transactionHash"), row.tx_hash) == (tx_hash, tx_hash)
    assert data.pop("orderId") == (row.order_id or None)
    assert {name: data.pop(name) for name in ("chain", "chainId", "network", "traderAddress", "delegateAddress")} == {
        "chain": "ARBITRUM_SEPOLIA",
        "chainId": 421614,
        "network": "testnet",
        "traderAddress": desk.trader,
        "delegateAddress": desk.delegate,
    }
    return data


def update(desk: Desk, price: str) -> PriceUpdate:
    return PriceUpdate(network=Network.TESTNET, trader=desk.trader, pair_id=0, trade_index=0, price=Decimal(price))


def test_a_position_from_open_to_the_last_close(desk: Desk) -> None:
    """100 USDC at 10x: fees 1.0 (10 bps of 1000) and 0.1, closed in halves at the bid; the oracle fee of the last
    close comes back."""
    desk.set_price(0, "90000", "10")
    before = desk.usdc()

    opened = desk.open(stop_loss=Decimal(85_000), take_profit=Decimal(99_000))
    trade_id = opened.data["orderId"]
    assert pop_identity(desk, opened) == {
        "status": "settled",
        "pairId": 0,
        "market": "BTC",
        "side": "long",
        "orderType": "market",
        "price": "90000",
        "collateral": "100",
        "leverage": "10",
        "result": {
            "tradeId": trade_id,
            "tradeIndex": 0,
            "price": "90010",
            "collateral": "98.9",
            "leverage": "10",
            "slPrice": "85000",
            "tpPrice": "99000",
            "priceImpactPercent": "0.011111111111111111",
            "openInterest": "0.01098766803688479",
        },
    }

    for function, field, value in ((update_stop_loss, "slPrice", "86000"), (update_take_profit, "tpPrice", "95000")):
        assert pop_identity(desk, function(update=update(desk, value), key=field, request_id="test")) == {
            "status": "settled",
            "pairId": 0,
            "tradeIndex": 0,
            "tradeId": trade_id,
            field: value,
            "result": {"tradeIndex": 0, field: value},
        }

    half = desk.close(percentage=Decimal(50), trade_id=trade_id)
    assert pop_identity(desk, half) == {
        "status": "settled",
        "pairId": 0,
        "tradeIndex": 0,
        "tradeId": trade_id,
        "closePercentage": "50",
        "collateral": "98.9",
        "result": {
            "tradeId": trade_id,
            "price": "89990",
            "collateral": "49.45",
            "pnl": "-0.109876",
            "netPnl": "-0.109876",
            "closePercentage": "50",
            "pnlPercent": "-0.222197",
            "usdcSentToTrader": "49.340124",
            "rollover": "0",
            "funding": "0",
            "closeFee": "0",
            "priceImpactPercent": "0.011111111111111111",
            "liquidated": False,
        },
    }
    assert desk.open_trades() == 1

    rest = pop_identity(desk, desk.close())
    assert (rest["collateral"], rest["closePercentage"]) == ("49.45", "100")
    assert rest["result"]["usdcSentToTrader"] == "49.340124"
    assert desk.open_trades() == 0
    assert before - desk.usdc() == 100 * USDC - 2 * 49_340_124 + 100_000


def test_stop_loss_is_cleared_by_zero(desk: Desk) -> None:
    desk.open(stop_loss=Decimal("89000"))
    cleared = update_stop_loss(update=update(desk, "0"), key="clear", request_id="test").data
    assert (cleared["status"], cleared["slPrice"], cleared["result"]) == (
        "settled",
        "0",
        {"tradeIndex": 0, "slPrice": "0"},
    )
    [position] = list_positions(network=Network.TESTNET, trader=desk.trader)["positions"]
    assert position["slPrice"] is None


def test_limit_and_stop_orders_settle_by_being_placed(desk: Desk) -> None:
    desk.set_price(0, "90000")
    limit = desk.open(kind=OrderKind.LIMIT, trigger_price=Decimal(80_000), slippage=None)
    stop = desk.open(kind=OrderKind.STOP, side=Side.SHORT, trigger_price=Decimal(70_000))
    for answer, kind, side, price, index in (
        (limit, "limit", "long", "80000", 0),
        (stop, "stop", "short", "70000", 1),
    ):
        order_id = answer.data["orderId"]
        assert order_id.startswith("limit-")
        assert pop_identity(desk, answer) == {
            "status": "settled",
            "pairId": 0,
            "market": "BTC",
            "side": side,
            "orderType": kind,
            "price": price,
            "collateral": "100",
            "leverage": "10",
            "result": {
                "tradeIndex": index,
                "price": price,
                "collateral": "100",
                "leverage": "10",
                "slPrice": None,
                "tpPrice": None,
            },
        }
        tracked = track_order(network=Network.TESTNET, order_id=order_id)
        assert (tracked["status"], tracked["order"]["triggerPrice"], tracked["order"]["side"]) == ("open", price, side)
        by_slot = track_order(network=Network.TESTNET, order_id=f"{desk.trader.lower()}_0_{index}")
        assert by_slot["order"] == tracked["order"]


def test_close_of_a_position_under_its_margin_is_a_liquidation(desk: Desk) -> None:
    """The close event still names a value; the trader gets nothing, and the answer says so."""
    desk.sandbox.control.set_keeper(is_automating=False)
    desk.set_price(0, "90000")
    desk.open()
    desk.set_price(0, "81100")
    before = desk.usdc()
    result = desk.close().data["result"]
    assert (result["liquidated"], result["usdcSentToTrader"], result["netPnl"]) == (True, "0", "-98.9")
    assert desk.usdc() <= before
    assert desk.open_trades() == 0


def test_the_ledger_tells_the_whole_story(desk: Desk) -> None:
    answer = desk.open(key="story").data
    told = describe_execution(execution=PerpsExecution.objects.get(pk=answer["executionId"]))
    assert [(event["state"], event["reason"]) for event in told["events"]] == [
        ("received", "claimed"),
        ("signed", "signed and stored"),
        ("sent", "transaction SENT"),
        ("mined", "receipt with status 1"),
        ("settled", "settled by the oracle"),
    ]
    times = [told[name] for name in ("createdAt", "signedAt", "sentAt", "minedAt", "endedAt")]
    assert None not in times
    assert times == sorted(times)
    assert (told["operation"], told["status"], told["error"]) == ("open", "settled", None)
    assert told["request"] == {
        "market": "BTC",
        "side": "long",
        "orderType": "market",
        "dayTrade": False,
        "collateral": "100",
        "leverage": "10",
        "triggerPrice": None,
        "slippage": None,
        "slPrice": None,
        "tpPrice": None,
    }


def test_tracking_a_price_request_from_pending_to_executed(desk: Desk) -> None:
    desk.sandbox.control.set_keeper(is_silent=True)
    answer = desk.open().data
    assert answer["status"] == "mined"
    tracked = track_order(network=Network.TESTNET, order_id=answer["orderId"])
    assert (tracked["status"], tracked["executionId"]) == ("pending", answer["executionId"])
    assert tracked["order"]["traderAddress"] == desk.trader


def test_a_limit_order_is_settled_when_it_is_placed_and_tracked_afterwards(desk: Desk) -> None:
    """The execution is the placing; what the keeper makes of the order later is told by the order and the position."""
    desk.set_price(0, "90000")
    placed = desk.open(kind=OrderKind.LIMIT, trigger_price=Decimal(89_000)).data
    told = describe_execution(execution=PerpsExecution.objects.get())
    desk.set_price(0, "88000")
    wait_for(lambda: desk.open_trades() == 1, seconds=30, purpose="the keeper's execution of the order")
    follow_execution(execution_id=PerpsExecution.objects.get().pk)
    assert describe_execution(execution=PerpsExecution.objects.get()) == told
    assert (told["status"], told["orderId"]) == ("settled", placed["orderId"])
    assert track_order(network=Network.TESTNET, order_id=placed["orderId"])["status"] == "closed"
    [position] = list_positions(network=Network.TESTNET, trader=desk.trader)["positions"]
    assert (position["pairId"], position["tradeIndex"]) == (0, placed["result"]["tradeIndex"])


def test_every_write_may_be_sent_for_a_minute_and_no_longer(desk: Desk) -> None:
    desk.set_price(0, "90000")
    desk.open(stop_loss=Decimal(85_000))
    update_stop_loss(update=update(desk, "86000"), key="update", request_id="test")
    desk.close()
    placed = desk.open(kind=OrderKind.LIMIT, trigger_price=Decimal(80_000)).data
    name = OrderName(network=Network.TESTNET, trader=desk.trader, order_id=placed["orderId"])
    cancel_order(name=name, key="cancel", request_id="test")
    stored = OutboundTransaction.objects.order_by("nonce")
    assert [row.kind for row in stored] == ["open", "update_sl", "close", "open", "cancel_order"]
    # The deadline counts from before the row is written, by as much as a busy machine takes.
    assert all(55 < (row.deadline - row.created_at).total_seconds() <= 60 for row in stored)
