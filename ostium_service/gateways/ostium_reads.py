"""View functions of Ostium's contracts: call data out, strict values back. No I/O.

`READ.encode(...)` gives call data, `READ.decode(output)` the value; output that is empty or not canonical (no contract
there, another contract, dirty words) is BadAnswer `abi`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from eth_utils.crypto import keccak

from ostium_service.gateways.failures import BadAnswer, System
from ostium_service.gateways.ostium_abi import Function, NotEncoded, declare, decode_values, load_functions
from ostium_service.gateways.ostium_calls import ZERO_ADDRESS
from ostium_service.types import Address, LeverageUnits, PercentUnits, PriceUnits, UsdcUnits

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

ARB_SYS = Address("0x0000000000000000000000000000000000000064")
"""Arbitrum's system contract; it alone knows the L2 height (`block.number` in contracts is an L1 estimate)."""


class Read(Generic[T_co]):
    """One view function and how its output becomes a value."""

    def __init__(self, function: Function, convert: Callable[..., T_co]) -> None:
        self.name = function.name
        self._function = function
        self._convert = convert

    @property
    def selector(self) -> bytes:
        """First four bytes of the call data."""
        return self._function.selector

    def encode(self, *args: object) -> bytes:
        """Call data; ValueError for arguments that the types do not hold."""
        return self._function.encode(*args)

    def decode(self, output: bytes) -> T_co:
        """The value; BadAnswer `abi` for anything but the canonical encoding of one."""
        try:
            return self._convert(*decode_values(self._function.outputs, output))
        except NotEncoded:
            raise BadAnswer(System.RPC, "abi") from None


@dataclass(frozen=True, slots=True)
class OpenTrade:
    """A position as storage holds it: what is left after fees."""

    collateral: UsdcUnits
    open_price: PriceUnits
    take_profit: PriceUnits
    stop_loss: PriceUnits
    trader: Address
    leverage: LeverageUnits
    pair_id: int
    index: int
    is_long: bool
    is_day_trade: bool


@dataclass(frozen=True, slots=True)
class OpenTradeInfo:
    """What belongs to a position besides its terms. `trade_id` is unique for ever, the slot is not.

    `oi_notional` in base units x 1e18; times in Unix seconds.
    """

    trade_id: int
    oi_notional: int
    initial_leverage: LeverageUnits
    tp_last_updated: int
    sl_last_updated: int
    created_at: int


@dataclass(frozen=True, slots=True)
class LimitOrder:
    """A resting limit or stop order; `order_type` as in OrderType, times in Unix seconds."""

    collateral: UsdcUnits
    target_price: PriceUnits
    take_profit: PriceUnits
    stop_loss: PriceUnits
    trader: Address
    leverage: LeverageUnits
    created_at: int
    last_updated: int
    pair_id: int
    order_type: int
    index: int
    is_long: bool
    is_day_trade: bool


@dataclass(frozen=True, slots=True)
class PendingMarketOrder:
    """A market order that waits for the oracle since L2 block `block`.

    `percentage` is 0 for an open; `trade` of a close names the slot only.
    """

    block: int
    wanted_price: PriceUnits
    slippage: PercentUnits
    trade: OpenTrade
    percentage: PercentUnits


def _keep(value: T) -> T:
    return value


def _address_or_none(value: str) -> Address | None:
    return None if value == ZERO_ADDRESS else Address(value)


def _build_trade(fields: dict[str, Any]) -> OpenTrade:
    return OpenTrade(*fields.values())


def _trade_or_none(fields: dict[str, Any]) -> OpenTrade | None:
    return _build_trade(fields) if fields["leverage"] else None


def _trade_info(fields: dict[str, Any]) -> OpenTradeInfo:
    *values, _ = fields.values()
    return OpenTradeInfo(*values)


def _limit_or_none(fields: dict[str, Any]) -> LimitOrder | None:
    return LimitOrder(*fields.values()) if fields["leverage"] else None


def _pending_or_none(
    block: int, price: int, slippage: int, trade: dict[str, Any], percentage: int
) -> PendingMarketOrder | None:
    if block == 0:
        return None
    return PendingMarketOrder(
        block, PriceUnits(price), PercentUnits(slippage), _build_trade(trade), PercentUnits(percentage)
    )


_T = load_functions(
    "trading",
    ("delegations", "isPaused", "isDone", "registry", "marketOrdersTimeout", "triggerTimeout", "maxAllowedCollateral"),
)
_S = load_functions(
    "trading_storage",
    (
        "getOpenTrade",
        "getOpenTradeInfo",
        "openTradesCount",
        "getPendingOrderIds",
        "reqID_pendingMarketOrder",
        "maxTradesPerPair",
        "maxPendingMarketOrders",
        "pendingMarketOpenCount",
        "getOpenLimitOrder",
        "hasOpenLimitOrder",
        "openLimitOrdersCount",
        "limitOrderIds",
    ),
)
_P = load_functions(
    "pairs_storage",
    ("pairOracleFee", "oracle", "pairMaxLeverage", "pairOvernightMaxLeverage", "pairMinLevPos", "isPairIndexListed"),
)

# --- trading -------------------------------------------------------------------------------------------------------
DELEGATIONS: Read[Address | None] = Read(_T["delegations"], _address_or_none)
"""(trader): the trader's one delegate, None without."""
IS_PAUSED: Read[bool] = Read(_T["isPaused"], _keep)
IS_DONE: Read[bool] = Read(_T["isDone"], _keep)
REGISTRY: Read[Address | None] = Read(_T["registry"], _address_or_none)
MARKET_ORDERS_TIMEOUT: Read[int] = Read(_T["marketOrdersTimeout"], _keep)
"""L2 blocks after which an unanswered market order may be reclaimed."""
TRIGGER_TIMEOUT: Read[int] = Read(_T["triggerTimeout"], _keep)
MAX_ALLOWED_COLLATERAL: Read[UsdcUnits] = Read(_T["maxAllowedCollateral"], UsdcUnits)
DOMAIN_SEPARATOR: Read[bytes] = Read(declare("DOMAIN_SEPARATOR() returns (bytes32)"), _keep)

# --- registry, Arbitrum, USDC --------------------------------------------------------------------------------------
GET_CONTRACT_ADDRESS: Read[Address | None] = Read(
    declare("getContractAddress(bytes32) returns (address)"), _address_or_none
)
"""(contract_key(name)): where the registry says a contract stands now."""
ARB_BLOCK_NUMBER: Read[int] = Read(declare("arbBlockNumber() returns (uint256)"), _keep)
ALLOWANCE: Read[UsdcUnits] = Read(declare("allowance(address,address) returns (uint256)"), UsdcUnits)
"""(owner, spender)."""
BALANCE_OF: Read[UsdcUnits] = Read(declare("balanceOf(address) returns (uint256)"), UsdcUnits)

# --- tradingStorage ------------------------------------------------------------------------------------------------
GET_OPEN_TRADE: Read[OpenTrade | None] = Read(_S["getOpenTrade"], _trade_or_none)
"""(trader, pair, index): None for an empty slot."""
GET_OPEN_TRADE_INFO: Read[OpenTradeInfo] = Read(_S["getOpenTradeInfo"], _trade_info)
OPEN_TRADES_COUNT: Read[int] = Read(_S["openTradesCount"], _keep)
GET_PENDING_ORDER_IDS: Read[tuple[int, ...]] = Read(_S["getPendingOrderIds"], tuple)
REQ_ID_PENDING_MARKET_ORDER: Read[PendingMarketOrder | None] = Read(_S["reqID_pendingMarketOrder"], _pending_or_none)
"""(order id): None once settled, reclaimed or never made."""
MAX_TRADES_PER_PAIR: Read[int] = Read(_S["maxTradesPerPair"], _keep)
MAX_PENDING_MARKET_ORDERS: Read[int] = Read(_S["maxPendingMarketOrders"], _keep)
PENDING_MARKET_OPEN_COUNT: Read[int] = Read(_S["pendingMarketOpenCount"], _keep)
GET_OPEN_LIMIT_ORDER: Read[LimitOrder | None] = Read(_S["getOpenLimitOrder"], _limit_or_none)
"""(trader, pair, index): None for an empty slot; the contract may also revert NoOpenLimitOrder."""
HAS_OPEN_LIMIT_ORDER: Read[bool] = Read(_S["hasOpenLimitOrder"], _keep)
OPEN_LIMIT_ORDERS_COUNT: Read[int] = Read(_S["openLimitOrdersCount"], _keep)
LIMIT_ORDER_IDS: Read[int] = Read(_S["limitOrderIds"], _keep)
"""(trader, pair, index): the resting order's unique number."""

# --- pairsStorage --------------------------------------------------------------------------------------------------
PAIR_ORACLE_FEE: Read[UsdcUnits] = Read(_P["pairOracleFee"], UsdcUnits)
ORACLE: Read[str] = Read(_P["oracle"], _keep)
"""(pair): the oracle type, which names its up-keep in the registry as `<type>PriceUpkeep`."""
PAIR_MAX_LEVERAGE: Read[LeverageUnits] = Read(_P["pairMaxLeverage"], LeverageUnits)
PAIR_OVERNIGHT_MAX_LEVERAGE: Read[LeverageUnits] = Read(_P["pairOvernightMaxLeverage"], LeverageUnits)
PAIR_MIN_LEV_POS: Read[UsdcUnits] = Read(_P["pairMinLevPos"], UsdcUnits)
IS_PAIR_LISTED: Read[bool] = Read(_P["isPairIndexListed"], _keep)


def contract_key(name: str) -> bytes:
    """The registry's key of a contract name such as `callbacks`: ASCII, left-aligned in 32 bytes."""
    key = name.encode("ascii")
    if not 0 < len(key) <= 32:
        raise ValueError("a contract name has 1 to 32 characters")
    return key.ljust(32, b"\x00")


def domain_separator(*, chain_id: int, trading: Address) -> bytes:
    """What `DOMAIN_SEPARATOR()` of Ostium's own trading contract answers: EIP-712, name `Ostium`, version `1`."""
    kind = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    words = [keccak(kind), keccak(b"Ostium"), keccak(b"1"), chain_id.to_bytes(32, "big"), bytes.fromhex(trading[2:])]
    return keccak(b"".join(word.rjust(32, b"\x00") for word in words))
