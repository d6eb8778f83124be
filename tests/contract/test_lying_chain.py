"""R5 and R8 from the caller's side: a node whose words are no answers, and logs that are told twice or not at all."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest
from pytest_django import Settings

from ostium_service import composition
from positions.models import PerpsExecution
from positions.services.following import advance_execution
from relay.models import OutboundTransaction
from sandbox.openbao import VaultAccess
from sandbox.processes import wait_until
from tests.contract.trading import OPEN, open_at_market, whose
from tests.fixtures import SandboxUrls
from tests.integration.positions.conftest import Desk, clear_queue, make_desk
from tests.support.callers import SignedCaller
from tests.support.lying_node import Lie, LyingNode
from tests.support.wiring import point_service

DIRTY_WORD = "0x" + "01" + "00" * 31


@pytest.fixture
def liar(sandbox: SandboxUrls) -> Iterator[LyingNode]:
    """The node as the service sees it; honest at first."""
    with LyingNode(sandbox.rpc_url).serve() as node:
        yield node


@pytest.fixture
def desk(
    transactional_db: None, settings: Settings, sandbox: SandboxUrls, vault_dev: VaultAccess, liar: LyingNode
) -> Iterator[Desk]:
    """A trader whose delegation was made while the node was honest."""
    point_service(
        settings,
        rpc_url=liar.url,
        vault=vault_dev,
        subgraph_url=sandbox.subgraph_url,
        prices_url=sandbox.prices_url,
    )
    sandbox.control.set_keeper(delay_seconds=0)
    clear_queue()
    made = make_desk(sandbox, vault_dev)
    made.set_price(0, "90000")
    yield made
    composition.reset()


@pytest.mark.parametrize("answer", ["0x", DIRTY_WORD, "0x00", None, [], 7])
def test_r5_an_answer_that_is_none_is_retryable_and_signs_nothing(
    desk: Desk, liar: LyingNode, caller: SignedCaller, answer: Any
) -> None:
    liar.lies["eth_call"] = lambda _params, _honest: answer
    order = whose(desk, market="BTC", side="long", collateral=100, leverage=10)
    for path, body, code, status in (
        (OPEN, order, "CHAIN_UNAVAILABLE", HTTPStatus.SERVICE_UNAVAILABLE),
        ("/v1/orders/list", whose(desk), "ORDERS_FETCH_FAILED", HTTPStatus.BAD_GATEWAY),
    ):
        error = caller.post(path, body, status=status)
        assert (error["code"], error["retryable"]) == (code, True)
    assert not OutboundTransaction.objects.exists()


def tell_too_much(_params: list[Any], honest: Any) -> Any:
    """Every log twice, once more as removed, and once more as another contract's."""
    others = [{**log, "address": "0x" + "77" * 20, "logIndex": "0xff"} for log in honest]
    return [*honest, *({**log, "removed": True, "logIndex": "0xfe"} for log in honest), *honest, *others]


def tell_removed(_params: list[Any], honest: Any) -> Any:
    return [{**log, "removed": True} for log in honest]


def test_r8_logs_that_are_told_twice_or_wrongly_settle_an_order_once(
    desk: Desk, liar: LyingNode, caller: SignedCaller
) -> None:
    liar.lies["eth_getLogs"] = tell_too_much
    assert open_at_market(desk, caller)["status"] == "settled"
    execution = PerpsExecution.objects.get()
    states = list(execution.events.order_by("id").values_list("to_state", flat=True))
    assert states == ["RECEIVED", "SIGNED", "SENT", "MINED", "SETTLED"]


@pytest.mark.parametrize("lie", [tell_removed, lambda _params, _honest: []], ids=["removed", "none"])
def test_r8_logs_that_were_removed_settle_nothing(
    desk: Desk, liar: LyingNode, caller: SignedCaller, lie: Lie, settings: Settings
) -> None:
    settings.OSTIUM_WRITE_WAIT_SECONDS = 3.0
    liar.lies["eth_getLogs"] = lie
    assert open_at_market(desk, caller)["status"] == "mined"
    execution = PerpsExecution.objects.get()
    liar.be_honest()
    wait_until(
        lambda: advance_execution(execution_id=execution.pk).state == "SETTLED", seconds=20, purpose="the settlement"
    )
