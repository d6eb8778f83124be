"""Ostium's contracts in one place: addresses, call data, reads, reverts and events. PURE: nothing here does I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from eth_utils.address import to_checksum_address

from ostium_service.gateways.ostium_abi import load_sdk_module
from ostium_service.gateways.ostium_calls import (
    UNSET,
    WHOLE,
    ZERO_ADDRESS,
    DecodedCall,
    OrderType,
    TradeRequest,
    decode_approve,
    decode_call,
    encode_approve,
    encode_cancel_limit,
    encode_close_timeout,
    encode_close_trade,
    encode_delegated_action,
    encode_open_timeout,
    encode_open_trade,
    encode_remove_collateral,
    encode_remove_delegate,
    encode_set_delegate,
    encode_top_up_collateral,
    encode_update_limit,
    encode_update_sl,
    encode_update_tp,
)
from ostium_service.gateways.ostium_errors import (
    ERROR_SELECTORS,
    REVERT_CODES,
    Revert,
    catalogue_code,
    decode_revert,
)
from ostium_service.gateways.ostium_events import (
    TOPICS,
    OstiumEvent,
    decode_log,
)
from ostium_service.gateways.ostium_reads import (
    ALLOWANCE,
    ARB_BLOCK_NUMBER,
    ARB_SYS,
    BALANCE_OF,
    DELEGATIONS,
    DOMAIN_SEPARATOR,
    GET_CONTRACT_ADDRESS,
    GET_OPEN_LIMIT_ORDER,
    GET_OPEN_TRADE,
    GET_OPEN_TRADE_INFO,
    GET_PENDING_ORDER_IDS,
    HAS_OPEN_LIMIT_ORDER,
    IS_DONE,
    IS_PAIR_LISTED,
    IS_PAUSED,
    LIMIT_ORDER_IDS,
    MARKET_ORDERS_TIMEOUT,
    MAX_ALLOWED_COLLATERAL,
    MAX_PENDING_MARKET_ORDERS,
    MAX_TRADES_PER_PAIR,
    OPEN_LIMIT_ORDERS_COUNT,
    OPEN_TRADES_COUNT,
    ORACLE,
    PAIR_MAX_LEVERAGE,
    PAIR_MIN_LEV_POS,
    PAIR_ORACLE_FEE,
    PAIR_OVERNIGHT_MAX_LEVERAGE,
    PENDING_MARKET_OPEN_COUNT,
    REGISTRY,
    REQ_ID_PENDING_MARKET_ORDER,
    TRIGGER_TIMEOUT,
    LimitOrder,
    OpenTrade,
    OpenTradeInfo,
    PendingMarketOrder,
    Read,
    contract_key,
    domain_separator,
)
from ostium_service.types import Address, Network

__all__ = [
    "ALLOWANCE",
    "ARB_BLOCK_NUMBER",
    "ARB_SYS",
    "BALANCE_OF",
    "DEFAULT_ADDRESSES",
    "DELEGATIONS",
    "DOMAIN_SEPARATOR",
    "ERROR_SELECTORS",
    "GET_CONTRACT_ADDRESS",
    "GET_OPEN_LIMIT_ORDER",
    "GET_OPEN_TRADE",
    "GET_OPEN_TRADE_INFO",
    "GET_PENDING_ORDER_IDS",
    "HAS_OPEN_LIMIT_ORDER",
    "IS_DONE",
    "IS_PAIR_LISTED",
    "IS_PAUSED",
    "LIMIT_ORDER_IDS",
    "MARKET_ORDERS_TIMEOUT",
    "MAX_ALLOWED_COLLATERAL",
    "MAX_PENDING_MARKET_ORDERS",
    "MAX_TRADES_PER_PAIR",
    "OPEN_LIMIT_ORDERS_COUNT",
    "OPEN_TRADES_COUNT",
    "ORACLE",
    "PAIR_MAX_LEVERAGE",
    "PAIR_MIN_LEV_POS",
    "PAIR_ORACLE_FEE",
    "PAIR_OVERNIGHT_MAX_LEVERAGE",
    "PENDING_MARKET_OPEN_COUNT",
    "REGISTRY",
    "REQ_ID_PENDING_MARKET_ORDER",
    "REVERT_CODES",
    "TOPICS",
    "TRIGGER_TIMEOUT",
    "UNSET",
    "WHOLE",
    "ZERO_ADDRESS",
    "Addresses",
    "DecodedCall",
    "LimitOrder",
    "OpenTrade",
    "OpenTradeInfo",
    "OrderType",
    "OstiumEvent",
    "PendingMarketOrder",
    "Read",
    "Revert",
    "TradeRequest",
    "catalogue_code",
    "contract_key",
    "decode_approve",
    "decode_call",
    "decode_log",
    "decode_revert",
    "domain_separator",
    "encode_approve",
    "encode_cancel_limit",
    "encode_close_timeout",
    "encode_close_trade",
    "encode_delegated_action",
    "encode_open_timeout",
    "encode_open_trade",
    "encode_remove_collateral",
    "encode_remove_delegate",
    "encode_set_delegate",
    "encode_top_up_collateral",
    "encode_update_limit",
    "encode_update_sl",
    "encode_update_tp",
]


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the contracts stand that the service names itself; the others are asked of the registry."""

    usdc: Address
    trading: Address
    trading_storage: Address
    """Spender of the USDC allowance."""
    faucet: Address | None


def _load_addresses() -> Mapping[Network, Addresses]:
    config = load_sdk_module("config").NetworkConfig
    found = {}
    for network, contracts in (
        (Network.TESTNET, config.testnet().contracts),
        (Network.MAINNET, config.mainnet().contracts),
    ):
        known = {name: Address(to_checksum_address(address)) for name, address in contracts.items()}
        found[network] = Addresses(
            usdc=known["usdc"],
            trading=known["trading"],
            trading_storage=known["tradingStorage"],
            faucet=_TESTNET_FAUCET if network is Network.TESTNET else None,
        )
    return MappingProxyType(found)


# A constant of the SDK's faucet client, not of its configuration.
_TESTNET_FAUCET = Address("0x6830C550814105d8B27bDAEC0DB391cAa7B967c8")
DEFAULT_ADDRESSES = _load_addresses()
