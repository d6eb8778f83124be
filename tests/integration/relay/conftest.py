"""A signer with its key in a real Vault, and a trader on a real chain who appointed it."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from eth_account.signers.local import LocalAccount
from pytest_django import Settings

from ostium_service import composition
from ostium_service.gateways.ostium_contracts import (
    DEFAULT_ADDRESSES,
    OrderType,
    TradeRequest,
    encode_delegated_action,
    encode_open_trade,
    encode_set_delegate,
)
from ostium_service.types import Address, LeverageUnits, Network, PercentUnits, PriceUnits, UsdcUnits
from relay.models import Signer
from relay.services import Prepared, create_delegate, prepare
from safeguards.services import grant_trading
from sandbox import actors
from sandbox.chain import Chain
from sandbox.openbao import VaultAccess
from tests.support.lying_node import LyingNode
from tests.support.wiring import point_service

ADDRESSES = DEFAULT_ADDRESSES[Network.TESTNET]
COLLATERAL = 100_000_000


@dataclass(frozen=True)
class World:
    """One trader with USDC and an allowance, and the delegate that may trade for it."""

    rpc_url: str
    trader: LocalAccount
    delegate: Address

    def call_data(self, *, collateral: int = COLLATERAL) -> bytes:
        """A delegated market open of BTC, long, 10x."""
        trade = TradeRequest(
            trader=Address(self.trader.address),
            pair_id=0,
            is_long=True,
            collateral=UsdcUnits(collateral),
            price=PriceUnits(90_000 * 10**18),
            leverage=LeverageUnits(1000),
        )
        inner = encode_open_trade(trade=trade, order_type=OrderType.MARKET, slippage=PercentUnits(200))
        return encode_delegated_action(Address(self.trader.address), inner)

    def prepare_open(self, *, collateral: int = COLLATERAL) -> Prepared:
        """The open, simulated and ready to sign."""
        return prepare(
            network=Network.TESTNET,
            signer=self.delegate,
            to=ADDRESSES.trading,
            data=self.call_data(collateral=collateral),
            kind="open",
        )

    def usdc(self) -> int:
        """The trader's USDC."""
        return actors.read_usdc(rpc_url=self.rpc_url, address=self.trader.address)

    def mined_nonces(self) -> int:
        """How many transactions of the delegate the chain has."""
        return composition.arbitrum(Network.TESTNET).transaction_count(self.delegate)


@pytest.fixture
def world(transactional_db: None, settings: Settings, chain: Chain, vault_dev: VaultAccess) -> Iterator[World]:
    """A fresh trader and a fresh delegate on the running chain."""
    point_service(settings, rpc_url=chain.rpc_url, vault=vault_dev)
    signer = create_delegate(
        network=Network.TESTNET, purpose=Signer.Purpose.DELEGATE, operator_token=vault_dev.operator_token
    )
    delegate = Address(signer.address)
    rpc_url = chain.rpc_url
    actors.fund_native(rpc_url=rpc_url, address=delegate, wei=10**18)
    trader = actors.create_account(rpc_url=rpc_url)
    actors.mint_usdc(rpc_url=rpc_url, address=trader.address, units=10 * COLLATERAL)
    actors.approve_usdc(rpc_url=rpc_url, account=trader, units=10 * COLLATERAL)
    actors.send_signed(rpc_url=rpc_url, account=trader, to=ADDRESSES.trading, data=encode_set_delegate(delegate))
    grant_trading(network=Network.TESTNET, trader=Address(trader.address), delegate=delegate)
    yield World(rpc_url=rpc_url, trader=trader, delegate=delegate)
    composition.reset()


@pytest.fixture
def liar(world: World, settings: Settings) -> Iterator[LyingNode]:
    """The node as the service sees it; honest at first."""
    with LyingNode(world.rpc_url).serve() as node:
        configure(settings, "RPC_URL", node.url)
        yield node


def configure(settings: Settings, name: str, value: str) -> None:
    """One setting of testnet's endpoints; the next gateways are built from it."""
    endpoints = settings.OSTIUM_ENDPOINTS
    settings.OSTIUM_ENDPOINTS = {**endpoints, Network.TESTNET: {**endpoints[Network.TESTNET], name: value}}
    composition.reset()
