"""What is refused before the signature: nothing is sent, no gas is spent, and the key stays free."""

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from delegations.models import Delegation
from ostium_service.http import errors
from ostium_service.types import Network
from positions.models import PerpsExecution
from positions.services.opening import OrderKind, Side
from positions.services.updating import PriceUpdate, update_stop_loss, update_take_profit
from relay.models import OutboundTransaction
from safeguards.services import suspend_grant, withdraw_grant
from sandbox import actors
from sandbox.shaping import Endpoint
from tests.fixtures import SandboxUrls
from tests.integration.positions.conftest import USDC, Desk

Refusal = type[errors.ServiceError]


def assert_refused(desk: Desk, act: Callable[[], Any], code: Refusal) -> errors.ServiceError:
    """The act raises the code, nothing is stored to be sent, and the execution's row says why."""
    sent, stored = desk.sent(), OutboundTransaction.objects.count()
    with pytest.raises(code) as caught:
        act()
    assert (desk.sent(), OutboundTransaction.objects.count()) == (sent, stored)
    row = PerpsExecution.objects.latest("created_at")
    assert (row.state, row.error_code, row.tx_hash) == ("REJECTED", code.code, "")
    return caught.value


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"market": "DOGE"}, errors.InvalidMarket),
        ({"market": "999"}, errors.InvalidMarket),
        ({"market": "USD"}, errors.AmbiguousMarket),
        ({"leverage": Decimal("100.01")}, errors.LeverageTooHigh),
        ({"leverage": Decimal("0.99")}, errors.LeverageTooLow),
        ({"market": "XAG", "leverage": Decimal("50.01")}, errors.LeverageTooHigh),
        ({"market": "NVDA", "leverage": Decimal("10.01")}, errors.LeverageTooHigh),
        ({"collateral": Decimal("0.2")}, errors.PositionTooSmall),
        ({"collateral": Decimal("4.5"), "leverage": Decimal(1)}, errors.PositionTooSmall),
        ({"take_profit": Decimal(1)}, errors.InvalidTakeProfit),
        ({"side": Side.SHORT, "take_profit": Decimal(10**7)}, errors.InvalidTakeProfit),
        ({"stop_loss": Decimal(10**7)}, errors.InvalidStopLoss),
        ({"collateral": Decimal(10_001)}, errors.InsufficientBalance),
        (
            {"kind": OrderKind.LIMIT, "trigger_price": Decimal(100), "take_profit": Decimal(100)},
            errors.InvalidTakeProfit,
        ),
    ],
)
def test_orders_that_the_venue_would_refuse(desk: Desk, changes: dict[str, Any], code: Refusal) -> None:
    assert_refused(desk, lambda: desk.open(**changes), code)


def test_day_trade_lifts_the_overnight_maximum(desk: Desk) -> None:
    assert desk.open(market="NVDA", leverage=Decimal(50), is_day_trade=True).data["status"] == "settled"


def test_trigger_price_is_asked_for_before_anything_is_written(desk: Desk) -> None:
    with pytest.raises(errors.TriggerPriceRequired):
        desk.open(kind=OrderKind.STOP)
    assert not PerpsExecution.objects.exists()


def test_collateral_above_the_contract_maximum_is_found_by_simulation(desk: Desk) -> None:
    actors.mint_usdc(rpc_url=desk.sandbox.rpc_url, address=desk.trader, units=200_000 * USDC)
    desk.approve(300_000 * USDC)
    assert_refused(desk, lambda: desk.open(collateral=Decimal(150_000), leverage=Decimal(2)), errors.CollateralTooHigh)


def test_d6_missing_allowance_names_both_amounts(desk: Desk) -> None:
    desk.approve(99 * USDC)
    error = assert_refused(desk, desk.open, errors.AllowanceMissing)
    assert error.details == {"needed": "100", "available": "99"}


def test_t8_closed_market_refuses_market_orders_and_takes_limit_orders(desk: Desk) -> None:
    desk.open()
    desk.sandbox.control.set_market(is_open=False)
    desk.set_price(0, "90000")
    assert_refused(desk, desk.open, errors.MarketClosed)
    assert_refused(desk, desk.close, errors.MarketClosed)
    assert desk.open(kind=OrderKind.LIMIT, trigger_price=Decimal(80_000)).data["status"] == "settled"


def test_t8_day_trade_window(desk: Desk) -> None:
    desk.sandbox.control.set_day_trading(is_closed=True)
    assert_refused(desk, lambda: desk.open(market="NVDA", is_day_trade=True), errors.DayTradeClosed)


def test_old_price(desk: Desk) -> None:
    desk.sandbox.control.set_timestamp(timestamp=int(time.time()) - 12)
    error = assert_refused(desk, desk.open, errors.PriceStale)
    assert error.retryable


@pytest.mark.parametrize("field", ["mid", "bid", "isMarketOpen"])
def test_incomplete_quote_is_never_traded_on(desk: Desk, field: str) -> None:
    desk.sandbox.control.omit_fields(names=[field])
    code = errors.MarketClosed if field == "isMarketOpen" else errors.PriceStale
    assert_refused(desk, desk.open, code)


@pytest.mark.parametrize(
    ("endpoint", "code"), [(Endpoint.FEED, errors.PriceFetchFailed), (Endpoint.SUBGRAPH, errors.MarketsFetchFailed)]
)
def test_upstream_failure_is_retryable(desk: Desk, endpoint: Endpoint, code: Refusal) -> None:
    desk.sandbox.control.fail(endpoint=endpoint, status=500)
    assert assert_refused(desk, desk.open, code).retryable


def test_trading_paused_refuses_opening_only(desk: Desk) -> None:
    """P16: a revert that meets everyone has its own code; one that meets us alone is `test_missing_allowance...`."""
    desk.open()
    actors.call_as_admin(rpc_url=desk.sandbox.rpc_url, contract="Trading", function="pause")
    try:
        assert_refused(desk, desk.open, errors.TradingPaused)
        assert desk.close().data["status"] == "settled"
    finally:
        actors.call_as_admin(rpc_url=desk.sandbox.rpc_url, contract="Trading", function="pause")


def test_without_a_delegation(desk: Desk) -> None:
    Delegation.objects.update(status=Delegation.Status.PENDING)
    assert_refused(desk, desk.open, errors.DelegationNotActive)


def test_suspended_delegation(desk: Desk) -> None:
    Delegation.objects.update(suspended=True)
    assert_refused(desk, desk.open, errors.DelegationSuspended)


@pytest.mark.parametrize(
    ("withdraw", "code"), [(suspend_grant, errors.DelegationSuspended), (withdraw_grant, errors.DelegationNotActive)]
)
def test_the_gate_holds_when_admission_is_out_of_date(desk: Desk, withdraw: Callable[..., None], code: Refusal) -> None:
    """The grant is what the signing transaction reads; the row that admission read may be older."""
    withdraw(network=Network.TESTNET, trader=desk.trader)
    assert_refused(desk, desk.open, code)


def test_delegate_replaced_from_outside_is_noticed_and_the_row_corrected(desk: Desk) -> None:
    desk.appoint(actors.create_account(rpc_url=desk.sandbox.rpc_url).address)
    error = assert_refused(desk, desk.open, errors.DelegationNotActive)
    assert error.details == {"reason": "replaced_on_chain"}
    assert Delegation.objects.get().status == Delegation.Status.REVOKED


def test_delegate_replaced_after_it_was_read_is_noticed_by_the_simulation(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("positions.services.opening.check_delegate", lambda **_: None)
    desk.appoint(actors.create_account(rpc_url=desk.sandbox.rpc_url).address)
    error = assert_refused(desk, desk.open, errors.DelegationNotActive)
    assert error.details is None
    assert Delegation.objects.get().status == Delegation.Status.REVOKED


def test_closing_an_empty_slot(desk: Desk) -> None:
    assert_refused(desk, desk.close, errors.PositionNotFound)


def test_t5_closing_names_the_trade_it_means(desk: Desk) -> None:
    first = desk.open().data["result"]["tradeId"]
    desk.close()
    second = desk.open().data["result"]["tradeId"]
    error = assert_refused(desk, lambda: desk.close(trade_id=first), errors.PositionChanged)
    assert error.details == {"tradeId": second}
    assert desk.open_trades() == 1


def test_close_needs_the_oracle_fee(desk: Desk) -> None:
    desk.open()
    desk.approve(99_999)
    error = assert_refused(desk, desk.close, errors.AllowanceMissing)
    assert error.details == {"needed": "0.1", "available": "0.099999"}


def test_t3_partial_close_that_leaves_too_little(desk: Desk) -> None:
    desk.open(collateral=Decimal(10), leverage=Decimal(1))
    assert_refused(desk, lambda: desk.close(percentage=Decimal(90)), errors.PositionTooSmall)


def test_prices_further_than_the_contract_accepts(desk: Desk) -> None:
    desk.set_price(0, "90000")
    desk.open()

    def move(price: str) -> PriceUpdate:
        return PriceUpdate(network=Network.TESTNET, trader=desk.trader, pair_id=0, trade_index=0, price=Decimal(price))

    assert_refused(
        desk,
        lambda: update_stop_loss(update=move("82000"), key="a", request_id="t"),
        errors.InvalidStopLoss,
    )
    assert_refused(
        desk,
        lambda: update_take_profit(update=move("171001"), key="b", request_id="t"),
        errors.InvalidTakeProfit,
    )


def test_delegate_without_gas(desk: Desk) -> None:
    actors.fund_native(rpc_url=desk.sandbox.rpc_url, address=desk.delegate, wei=0)
    assert_refused(desk, desk.open, errors.DelegateGasLow)


def test_node_down_before_the_signature(desk: Desk, sandbox: SandboxUrls, settings: Any) -> None:
    from ostium_service import composition

    endpoints = settings.OSTIUM_ENDPOINTS[Network.TESTNET]
    settings.OSTIUM_ENDPOINTS = {
        **settings.OSTIUM_ENDPOINTS,
        Network.TESTNET: {**endpoints, "RPC_URL": "http://127.0.0.1:9"},
    }
    composition.reset()
    with pytest.raises(errors.ChainUnavailable):
        desk.open()
    assert PerpsExecution.objects.get().state == "REJECTED"
