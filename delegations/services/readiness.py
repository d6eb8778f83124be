"""Whether a user may trade now, and what is missing: every answer read from where it is true."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

import structlog
from django.core.cache import cache
from django.utils import timezone

from delegations.models import Delegation
from delegations.selectors import delegation_for
from delegations.services.choosing import choose_delegate
from delegations.services.reconciling import apply_reading
from delegations.services.venue import encode_delegated_probe, look_for_moved_storage, refuses_trader
from ostium_service import composition
from ostium_service.gateways.arbitrum import Call, StateRead
from ostium_service.gateways.failures import BadAnswer, GatewayError, Reverted, System
from ostium_service.gateways.ostium_contracts import ALLOWANCE, BALANCE_OF, DELEGATIONS, Addresses
from ostium_service.gateways.safe_reads import FACT_COUNT, NotASafe, SafeFacts, encode_fact_calls, read_facts
from ostium_service.gateways.safe_versions import find_release
from ostium_service.http import errors
from ostium_service.money import USDC_DECIMALS, units_string
from ostium_service.parallel import gather
from ostium_service.types import Address, Network, UsdcUnits

logger = structlog.get_logger(__name__)

T = TypeVar("T")

ONE_USDC = 10**USDC_DECIMALS
"""Less than this in the Safe, or less that may be spent, opens no position (the backend's own thresholds)."""

ENOUGH_GAS = 10**14
"""Wei: 0.0001 ETH, a few transactions on Arbitrum (the backend's own threshold)."""

NATIVE_DECIMALS = 18
FEE_CACHE_SECONDS = 300
UNREAD = "This could not be read just now; please try again."
MOVED = "The venue has moved its storage: what was approved before no longer counts."


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be so; `extra` are the contract's own fields of it. `ok` is False when it was not read."""

    ok: bool
    message: str
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Readiness:
    """All checks of a Safe by the contract's names, and what follows from them."""

    network: Network
    safe: Address
    delegation: Delegation | None
    delegate: Address | None
    checks: dict[str, Check]
    ready_to_close: bool
    refreshed_at: datetime

    @property
    def ready_to_manage(self) -> bool:
        """Safe, delegation and gas."""
        return all(self.checks[name].ok for name in ("safeWallet", "delegation", "delegateGas"))

    @property
    def ready_to_open(self) -> bool:
        """These, and money that may be spent."""
        return self.ready_to_manage and self.checks["usdcBalance"].ok and self.checks["allowance"].ok


@dataclass(frozen=True, slots=True)
class _Reading:
    """Each None where it could not be read; a zero is a zero that was read."""

    facts: SafeFacts | NotASafe | None = None
    is_delegated: bool | None = None
    usdc: UsdcUnits | None = None
    allowance: UsdcUnits | None = None
    gas: int | None = None
    oracle_fee: UsdcUnits | None = None
    is_refused: bool = False
    """The venue never trades for this Safe."""
    moved_to: Address | None = None
    """Where the venue's storage is now, if not where we think."""


def read_readiness(*, user_id: str, network: Network, safe: Address, actor: str) -> Readiness:
    """Read the Safe, the venue, USDC and the delegate's gas in one batch, and the oracle fee beside it.

    Never refused for trouble outside: what cannot be read is a check that is not ok and says so. An ACTIVE row that
    the chain contradicts is corrected on the way.
    """
    delegation = delegation_for(user_id=user_id, network=network, safe=safe)
    delegate = delegation.delegate if delegation is not None else _expected_delegate(network, safe)
    state, fee, storage = gather(
        lambda: _try("chain", lambda: _read_state(network, safe, delegate)),
        lambda: _try("oracle_fee", lambda: read_oracle_fee(network=network)),
        lambda: _try("storage", lambda: (look_for_moved_storage(network=network),)),
    )
    reading = _locate(_interpret(state, fee, safe, delegation, actor), storage)
    if delegation is not None:
        delegation.refresh_from_db()
    checks = {
        "safeWallet": _check_safe(reading, network, safe),
        "delegation": _check_delegation(reading, delegation),
        "usdcBalance": _check_balance(reading),
        "allowance": _check_allowance(reading, network),
        "delegateGas": _check_gas(reading, delegate),
        "oracleFee": _check_fee(reading),
    }
    manageable = all(checks[name].ok for name in ("safeWallet", "delegation", "delegateGas", "oracleFee"))
    return Readiness(network, safe, delegation, delegate, checks, manageable, timezone.now())


def read_contracts(network: Network) -> Addresses:
    """The contracts a Safe deals with on the network."""
    return composition.contract_addresses(network)


def read_oracle_fee(*, network: Network) -> UsdcUnits:
    """The highest oracle fee of any pair, USDC x 1e6: what a market close pulls from the trader at most.

    Kept for five minutes. GatewayError when the index does not say.
    """
    key = f"delegations:oracle-fee:{network}"
    known = cache.get(key)
    if known is None:
        fees = [pair.oracle_fee for pair in composition.subgraph(network).market_data().pairs]
        if not fees:
            raise BadAnswer(System.SUBGRAPH, "no_pairs")
        known = max(fees)
        cache.set(key, known, FEE_CACHE_SECONDS)
    return UsdcUnits(known)


def _expected_delegate(network: Network, safe: Address) -> Address | None:
    try:
        return choose_delegate(network=network, safe=safe, wanted=None)
    except errors.DelegateKeyMissing:
        return None


def _read_state(network: Network, safe: Address, delegate: Address | None) -> StateRead:
    addresses = composition.contract_addresses(network)
    calls = [
        *encode_fact_calls(safe),
        Call(to=addresses.trading, data=DELEGATIONS.encode(safe)),
        Call(to=addresses.usdc, data=BALANCE_OF.encode(safe)),
        Call(to=addresses.usdc, data=ALLOWANCE.encode(safe, addresses.trading_storage)),
    ]
    if delegate is not None:
        calls.append(encode_delegated_probe(network=network, safe=safe, delegate=delegate))
    return composition.arbitrum(network).read_state(calls, balances=[delegate] if delegate is not None else [])


def _interpret(
    state: StateRead | None,
    fee: UsdcUnits | None,
    safe: Address,
    delegation: Delegation | None,
    actor: str,
) -> _Reading:
    if state is None:
        return _Reading(oracle_fee=fee)
    delegate_answer, balance, allowance, *probe = state.results[FACT_COUNT:]
    try:
        facts: SafeFacts | NotASafe = read_facts(safe, state.results[:FACT_COUNT])
    except NotASafe as error:
        facts = error
    is_delegated = None
    on_chain = _try("delegate", lambda: (DELEGATIONS.decode(_output(delegate_answer)),))
    if on_chain is not None and delegation is not None:
        is_delegated = apply_reading(delegation=delegation, delegate=on_chain[0], block=state.block.number, actor=actor)
    return _Reading(
        facts=facts,
        is_delegated=is_delegated,
        usdc=_try("balance", lambda: BALANCE_OF.decode(_output(balance))),
        allowance=_try("allowance", lambda: ALLOWANCE.decode(_output(allowance))),
        gas=state.balances[0] if state.balances else None,
        oracle_fee=fee,
        is_refused=any(refuses_trader(answer) for answer in probe),
    )


def _locate(reading: _Reading, storage: tuple[Address | None] | None) -> _Reading:
    """Without knowing whom the venue lets spend, the allowance we read says nothing."""
    if storage is None:
        return replace(reading, allowance=None)
    return replace(reading, moved_to=storage[0])


def _output(answer: bytes | Reverted) -> bytes:
    if isinstance(answer, Reverted):
        raise BadAnswer(System.RPC, "reverted")
    return answer


def _try(what: str, read: Callable[[], T]) -> T | None:
    """The value, or None, which a check reports as unread."""
    try:
        return read()
    except GatewayError as error:
        logger.warning("readiness_not_read", what=what, reason=error.token)
        return None


def _check_safe(reading: _Reading, network: Network, safe: Address) -> Check:
    extra = {"address": safe}
    if reading.facts is None:
        return Check(False, UNREAD, extra)
    if isinstance(reading.facts, NotASafe):
        return Check(False, "There is no Safe at this address on this network.", extra)
    if find_release(network=network, version=reading.facts.version, master_copy=reading.facts.master_copy) is None:
        return Check(False, "This version of the Safe contracts is not supported.", extra)
    return Check(True, "The Safe is there.", extra)


def _check_delegation(reading: _Reading, delegation: Delegation | None) -> Check:
    extra = {"status": delegation.status if delegation is not None else None}
    if delegation is None or delegation.status != Delegation.Status.ACTIVE:
        return Check(False, "The Safe has not named the service as its delegate.", extra)
    if delegation.suspended:
        return Check(False, "Trading for this Safe is suspended.", extra)
    if reading.is_delegated is None:
        return Check(False, UNREAD, extra)
    if reading.is_refused:
        return Check(False, "The venue refuses to trade for this Safe.", extra)
    return Check(reading.is_delegated, "The service is the Safe's delegate.", extra)


def _check_balance(reading: _Reading) -> Check:
    extra = {"balance": _show(reading.usdc)}
    if reading.usdc is None:
        return Check(False, UNREAD, extra)
    is_enough = reading.usdc >= ONE_USDC
    return Check(is_enough, "The Safe holds USDC." if is_enough else "The Safe needs at least 1 USDC.", extra)


def _check_allowance(reading: _Reading, network: Network) -> Check:
    spender = composition.contract_addresses(network).trading_storage
    if reading.moved_to is not None:
        return Check(False, MOVED, {"amount": None, "spender": reading.moved_to})
    extra = {"amount": _show(reading.allowance), "spender": spender}
    if reading.allowance is None:
        return Check(False, UNREAD, extra)
    is_enough = reading.allowance >= ONE_USDC
    message = "The venue may spend the Safe's USDC." if is_enough else "The venue may spend less than 1 USDC."
    return Check(is_enough, message, extra)


def _check_gas(reading: _Reading, delegate: Address | None) -> Check:
    if delegate is None:
        return Check(False, "No delegate is available on this network.", {"balance": None, "address": None})
    extra = {"balance": None if reading.gas is None else units_string(reading.gas, NATIVE_DECIMALS)}
    extra |= {"address": delegate}
    if reading.gas is None:
        return Check(False, UNREAD, extra)
    is_enough = reading.gas >= ENOUGH_GAS
    return Check(is_enough, "The delegate can pay for gas." if is_enough else "The delegate is short of gas.", extra)


def _check_fee(reading: _Reading) -> Check:
    extra = {"amount": _show(reading.oracle_fee)}
    if reading.moved_to is not None:
        return Check(False, MOVED, extra)
    if reading.oracle_fee is None or reading.usdc is None or reading.allowance is None:
        return Check(False, UNREAD, extra)
    is_covered = min(reading.usdc, reading.allowance) >= reading.oracle_fee
    message = "The oracle fee of a close is covered." if is_covered else "The oracle fee of a close is not covered."
    return Check(is_covered, message, extra)


def _show(units: UsdcUnits | None) -> str | None:
    return None if units is None else units_string(units, USDC_DECIMALS)
