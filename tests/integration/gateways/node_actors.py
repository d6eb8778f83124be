"""Accounts and transactions of our own making, on the sandbox's node."""

from decimal import Decimal

from ostium_service.gateways.arbitrum import Arbitrum, SendOutcome
from ostium_service.gateways.delegate_key import DelegateKey
from ostium_service.gateways.ostium_contracts import (
    DEFAULT_ADDRESSES,
    Addresses,
    OrderType,
    TradeRequest,
    encode_open_trade,
)
from ostium_service.types import Address, LeverageUnits, Network, PercentUnits, PriceUnits, TxHash, UsdcUnits
from sandbox.processes import wait_until
from tests.fixtures import SandboxUrls

NET = Network.TESTNET
ADDRESSES: Addresses = DEFAULT_ADDRESSES[NET]
GAS_CAP = 3_000_000


def fund(sandbox: SandboxUrls) -> DelegateKey:
    """A new account with ether and USDC."""
    key = DelegateKey.generate()
    sandbox.control.fund(address=key.address, usdc=Decimal(1000), ether=Decimal(1))
    return key


def sign(arbitrum: Arbitrum, key: DelegateKey, to: Address, data: bytes, **changes: int) -> tuple[bytes, TxHash]:
    """A transaction with the account's next nonce."""
    fields = {
        "chainId": NET.chain_id,
        "nonce": arbitrum.transaction_count(key.address),
        "to": to,
        "value": 0,
        "data": data,
        "gas": GAS_CAP,
        "maxFeePerGas": arbitrum.block("latest").base_fee * 2,
        "maxPriorityFeePerGas": 0,
    }
    signed = key.sign_transaction(fields | changes)
    return signed.raw, signed.tx_hash


def run(arbitrum: Arbitrum, key: DelegateKey, to: Address, data: bytes) -> TxHash:
    """Send and wait until it is mined with success."""
    raw, tx_hash = sign(arbitrum, key, to, data)
    assert arbitrum.send_raw(raw) is SendOutcome.ACCEPTED
    wait_until(lambda: arbitrum.receipt(tx_hash) is not None, seconds=10, purpose="the receipt")
    receipt = arbitrum.receipt(tx_hash)
    assert receipt is not None
    assert receipt.succeeded
    return tx_hash


def open_long(trader: Address, collateral: int = 100 * 10**6) -> bytes:
    """Call data of a BTC long."""
    return encode_open_trade(
        trade=TradeRequest(
            trader=trader,
            pair_id=0,
            is_long=True,
            collateral=UsdcUnits(collateral),
            price=PriceUnits(95_687 * 10**18),
            leverage=LeverageUnits(1000),
        ),
        order_type=OrderType.MARKET,
        slippage=PercentUnits(500),
    )
