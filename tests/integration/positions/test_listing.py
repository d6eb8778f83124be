"""Positions as the chain has them, whatever the index and the feed say."""

from decimal import Decimal
from typing import Any

import pytest

from ostium_service import composition
from ostium_service.gateways.ostium_contracts import (
    DEFAULT_ADDRESSES,
    OrderType,
    TradeRequest,
    encode_open_trade,
)
from ostium_service.http import errors
from ostium_service.types import LeverageUnits, Network, PercentUnits, PriceUnits, UsdcUnits
from positions.services.listing import list_positions
from positions.services.opening import Side
from sandbox import actors
from sandbox.node import Node
from sandbox.shaping import Endpoint
from tests.integration.positions.conftest import USDC, Desk
from tests.support import services


def listed(desk: Desk) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = list_positions(network=Network.TESTNET, trader=desk.trader)["positions"]
    return found


def use_shaped_rpc(desk: Desk, settings: Any) -> None:
    """Reach the node through the proxy that counts and fails."""
    endpoints = settings.OSTIUM_ENDPOINTS[Network.TESTNET]
    shaped = {**endpoints, "RPC_URL": desk.sandbox.shaped_rpc_url}
    settings.OSTIUM_ENDPOINTS = {**settings.OSTIUM_ENDPOINTS, Network.TESTNET: shaped}
    composition.reset()


def test_every_field_of_a_long_and_a_short(desk: Desk) -> None:
    """The long is worth the bid, the short the ask. Values by hand: 98.9 x 10 x (90990-90010)/90010 and so on."""
    desk.set_price(0, "90000", "10")
    desk.set_price(5, "4600", "0")
    desk.open(stop_loss=Decimal(85_000))
    desk.open(market="XAU", side=Side.SHORT, collateral=Decimal(500), leverage=Decimal(50))
    desk.set_price(0, "91000", "10")
    desk.set_price(5, "4640", "0.5")
    long, short = listed(desk)
    assert {name: long.pop(name) for name in ("id", "openedAt", "tradeId")}.keys() == {"id", "openedAt", "tradeId"}
    assert long == {
        "pairId": 0,
        "tradeIndex": 0,
        "market": "BTC",
        "pair": "BTC/USD",
        "side": "long",
        "collateral": "98.9",
        "leverage": "10",
        "notional": "989",
        "openPrice": "90010",
        "price": "90990",
        "midPrice": "91000",
        "pnl": "10.767914",
        "pnlPercent": "10.887679",
        "slPrice": "85000",
        "tpPrice": "171019",
        "tpIsAutomatic": True,
        "liquidationPrice": "81234.025",
        "isDayTrade": False,
    }
    assert (short["market"], short["side"], short["price"], short["openPrice"]) == ("XAU", "short", "4640.5", "4600")
    assert short["tpIsAutomatic"] is True
    assert short["slPrice"] is None
    assert "funding" not in short
    # 500 - 3.75 taker fee (1.5 bps of 25,000) - 0.1: 496.15; margin 25 % x 50 / 150.
    assert short["collateral"] == "496.15"
    assert short["liquidationPrice"].startswith("4684.333")


def test_just_opened_is_there_and_just_closed_is_not_while_the_index_lags(desk: Desk) -> None:
    desk.open()
    desk.sandbox.control.catch_up()
    desk.sandbox.control.set_lag(seconds=600)
    desk.open(market="ETH")
    assert [position["market"] for position in listed(desk)] == ["BTC", "ETH"]
    desk.close()
    assert [position["market"] for position in listed(desk)] == ["ETH"]


def test_without_the_feed_profit_is_unknown(desk: Desk) -> None:
    desk.open()
    composition.reset()
    desk.sandbox.control.fail(endpoint=Endpoint.FEED, status=500)
    [position] = listed(desk)
    assert [position[name] for name in ("price", "midPrice", "pnl", "pnlPercent")] == [None] * 4
    assert position["liquidationPrice"] is not None


def test_index_down_after_the_markets_are_known(desk: Desk) -> None:
    desk.open()
    desk.sandbox.control.fail(endpoint=Endpoint.SUBGRAPH, status=500)
    [position] = listed(desk)
    assert (position["liquidationPrice"], position["collateral"]) == (None, "98.9")


def test_node_down(desk: Desk, settings: Any) -> None:
    use_shaped_rpc(desk, settings)
    desk.sandbox.control.fail(endpoint=Endpoint.RPC, status=500)
    with pytest.raises(errors.PositionsFetchFailed) as caught:
        listed(desk)
    assert caught.value.retryable


def test_rollover_moves_the_liquidation_price(desk: Desk) -> None:
    """Fees since opening count against the collateral, by the accumulators of the pair."""
    actors.call_as_admin(
        rpc_url=desk.sandbox.rpc_url, contract="PairInfos", function="updateRolloverFees", arguments=(0, 60_000_000_000)
    )
    try:
        desk.set_price(0, "90000")
        desk.open()
        actors.mine(rpc_url=desk.sandbox.rpc_url, blocks=1000)
        desk.sandbox.control.catch_up()
        composition.reset()
        [position] = listed(desk)
        distance = Decimal(90_000) - Decimal(position["liquidationPrice"])
        without_fees = Decimal(8775)
        # 6e10 per block on 989 USDC of notional, 1,000 blocks and those that a slow machine lets pass: 0.05934 and up.
        fees = (without_fees - distance) / 90_000 * Decimal("98.9") * 10
        assert Decimal("0.05934") <= fees < Decimal("0.08")
    finally:
        actors.call_as_admin(
            rpc_url=desk.sandbox.rpc_url, contract="PairInfos", function="updateRolloverFees", arguments=(0, 0)
        )


def test_more_than_a_hundred_positions(desk: Desk, settings: Any) -> None:
    """Eleven pairs with ten slots each; three round trips to the node at most in parallel lines."""
    trader = desk.account
    pairs = [row["pairId"] for row in desk.sandbox.control.prices() if row["pairId"] is not None]
    actors.mint_usdc(rpc_url=desk.sandbox.rpc_url, address=trader.address, units=20_000 * USDC)
    desk.approve(30_000 * USDC)
    for part in (pairs[:4], pairs[4:8], pairs[8:]):
        held = count_positions(desk, pairs)
        send_opens(desk, [pair for pair in part for _ in range(10)])
        wait_for_positions(desk, pairs, held + 10 * len(part))
    use_shaped_rpc(desk, settings)
    listed(desk)
    desk.sandbox.control.reset_calls()
    positions = listed(desk)
    calls = desk.sandbox.control.calls()
    assert len({position["id"] for position in positions}) == 10 * len(pairs) == 110
    assert calls[Endpoint.RPC.value] <= 4, calls


def count_positions(desk: Desk, pair_ids: list[int]) -> int:
    return sum(desk.open_trades(pair_id) for pair_id in pair_ids)


def wait_for_positions(desk: Desk, pair_ids: list[int], number: int) -> None:
    services.wait_for(lambda: count_positions(desk, pair_ids) == number, seconds=60, purpose="the positions")


def send_opens(desk: Desk, pair_ids: list[int]) -> None:
    """Orders of the trader's own, sent without waiting for each other."""
    node = Node(desk.sandbox.rpc_url)
    nonce = int(str(node.request("eth_getTransactionCount", desk.trader, "latest")), 16)
    mids = {
        row["pairId"]: Decimal(str(row["mid"])) for row in desk.sandbox.control.prices() if row["pairId"] is not None
    }
    for offset, pair_id in enumerate(pair_ids):
        trade = TradeRequest(
            trader=desk.trader,
            pair_id=pair_id,
            is_long=True,
            collateral=UsdcUnits(50 * USDC),
            price=PriceUnits(int(mids[pair_id] * 10**18)),
            leverage=LeverageUnits(200),
        )
        fields: dict[str, Any] = {
            "chainId": 421614,
            "nonce": nonce + offset,
            "to": DEFAULT_ADDRESSES[Network.TESTNET].trading,
            "value": 0,
            "data": encode_open_trade(trade=trade, order_type=OrderType.MARKET, slippage=PercentUnits(500)),
            "gas": 2_000_000,
            "maxFeePerGas": 2_000_000_000,
            "maxPriorityFeePerGas": 0,
        }
        signed = desk.account.sign_transaction(fields)
        node.request("eth_sendRawTransaction", "0x" + bytes(signed.raw_transaction).hex())


def test_round_trips_of_an_open_before_its_broadcast(desk: Desk, settings: Any) -> None:
    """Warm: one price list beside one batch of reads, then one batch that simulates beside one for the signer."""
    use_shaped_rpc(desk, settings)
    desk.open()
    composition.reset()
    control = desk.sandbox.control
    control.fail(endpoint=Endpoint.RPC, status=0, method="eth_sendRawTransaction")
    settings.OSTIUM_WRITE_WAIT_SECONDS = 0
    control.reset_calls()
    desk.open(market="ETH")
    calls = control.calls()
    before_broadcast = calls[Endpoint.RPC.value] - calls["eth_sendRawTransaction"]
    assert (calls[Endpoint.SUBGRAPH.value], calls[Endpoint.FEED.value], before_broadcast) == (1, 1, 3), calls
