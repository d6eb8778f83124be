"""A trader at the local venue who has appointed our delegate, and the service pointed at all of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from eth_account.signers.local import LocalAccount
from pytest_django import Settings

from delegations.models import Delegation
from ostium_service import composition
from ostium_service.gateways.ostium_contracts import DEFAULT_ADDRESSES, encode_set_delegate
from ostium_service.types import Address, Network
from positions.services.closing import CloseOrder, close_position
from positions.services.opening import OpenOrder, Side, open_position
from positions.services.pipeline import Answer
from relay.models import Signer
from relay.services import create_delegate
from safeguards.services import grant_trading
from sandbox import actors
from sandbox.openbao import VaultAccess
from tests.fixtures import SandboxUrls
from tests.support.wiring import point_service

ADDRESSES = DEFAULT_ADDRESSES[Network.TESTNET]
USDC = 10**6
ETHER = 10**18


@dataclass(frozen=True)
class Desk:
    """One trader with 10,000 USDC and an allowance for all of it, and the delegate that trades for it."""

    sandbox: SandboxUrls
    account: LocalAccount
    delegate: Address

    @property
    def trader(self) -> Address:
        return Address(self.account.address)

    def open(self, *, key: str | None = None, **changes: Any) -> Answer:
        """A BTC long of 100 USDC at 10x, unless told otherwise."""
        order: dict[str, Any] = {
            "network": Network.TESTNET,
            "trader": self.trader,
            "market": "BTC",
            "side": Side.LONG,
            "collateral": Decimal(100),
            "leverage": Decimal(10),
            **changes,
        }
        return open_position(order=OpenOrder(**order), key=key or str(uuid4()), request_id="test")

    def close(self, *, key: str | None = None, **changes: Any) -> Answer:
        order: dict[str, Any] = {
            "network": Network.TESTNET,
            "trader": self.trader,
            "pair_id": 0,
            "trade_index": 0,
            **changes,
        }
        return close_position(order=CloseOrder(**order), key=key or str(uuid4()), request_id="test")

    def usdc(self) -> int:
        """The trader's USDC units."""
        return actors.read_usdc(rpc_url=self.sandbox.rpc_url, address=self.trader)

    def approve(self, units: int) -> None:
        actors.approve_usdc(rpc_url=self.sandbox.rpc_url, account=self.account, units=units)

    def appoint(self, delegate: str) -> None:
        """Name another delegate from outside, as the venue's own front end would."""
        actors.send_signed(
            rpc_url=self.sandbox.rpc_url,
            account=self.account,
            to=ADDRESSES.trading,
            data=encode_set_delegate(Address(delegate)),
        )

    def set_price(self, pair_id: int, mid: str, half_spread: str = "0") -> None:
        """Script a price and forget the list that the service holds."""
        self.sandbox.control.set_price(pair_id=pair_id, mid=Decimal(mid), half_spread=Decimal(half_spread))
        composition.reset()

    def sent(self) -> int:
        """How many transactions of the delegate the chain has."""
        return composition.arbitrum(Network.TESTNET).transaction_count(self.delegate)

    def open_trades(self, pair_id: int = 0) -> int:
        """How many positions the trader has on a pair, as the chain says."""
        return int(
            actors.read_contract(
                rpc_url=self.sandbox.rpc_url,
                contract="TradingStorage",
                function="openTradesCount",
                arguments=(self.trader, pair_id),
            )
        )


@pytest.fixture
def desk(transactional_db: None, settings: Settings, sandbox: SandboxUrls, vault_dev: VaultAccess) -> Iterator[Desk]:
    """A fresh trader and a fresh delegate; the keeper answers at once."""
    point_service(
        settings,
        rpc_url=sandbox.rpc_url,
        vault=vault_dev,
        subgraph_url=sandbox.subgraph_url,
        prices_url=sandbox.prices_url,
    )
    sandbox.control.set_keeper(delay_seconds=0)
    clear_queue()
    yield make_desk(sandbox, vault_dev)
    composition.reset()


def clear_queue() -> None:
    """Drop jobs of earlier tests: the queue's tables are not Django's, so its flush leaves them."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE procrastinate_jobs CASCADE")


def make_desk(sandbox: SandboxUrls, vault: VaultAccess) -> Desk:
    """The people and rows behind a desk."""
    signer = create_delegate(
        network=Network.TESTNET, purpose=Signer.Purpose.DELEGATE, operator_token=vault.operator_token
    )
    delegate = Address(signer.address)
    actors.fund_native(rpc_url=sandbox.rpc_url, address=delegate, wei=ETHER)
    account = actors.create_account(rpc_url=sandbox.rpc_url)
    actors.mint_usdc(rpc_url=sandbox.rpc_url, address=account.address, units=10_000 * USDC)
    made = Desk(sandbox=sandbox, account=account, delegate=delegate)
    actors.send_signed_in_turn(
        rpc_url=sandbox.rpc_url,
        account=account,
        calls=[actors.call_approve(10_000 * USDC), (ADDRESSES.trading, encode_set_delegate(delegate))],
    )
    grant_trading(network=Network.TESTNET, trader=made.trader, delegate=delegate)
    Delegation.objects.create(
        user_id="ann",
        network=Network.TESTNET,
        safe_address=made.trader,
        delegate_address=delegate,
        trading_contract=ADDRESSES.trading,
        status=Delegation.Status.ACTIVE,
    )
    return made
