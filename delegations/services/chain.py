"""What the chain says about a Safe and its delegate, read in one round trip."""

import re
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial

from ostium_service import composition
from ostium_service.database import release_connection
from ostium_service.gateways.arbitrum import Call, StateRead
from ostium_service.gateways.failures import BadAnswer, GatewayError, Reverted, System
from ostium_service.gateways.ostium_contracts import ALLOWANCE, DELEGATIONS
from ostium_service.gateways.safe_reads import (
    FACT_COUNT,
    Answer,
    NotASafe,
    SafeFacts,
    encode_fact_calls,
    encode_nonce_call,
    read_facts,
    read_nonce,
)
from ostium_service.gateways.safe_versions import Release, find_release
from ostium_service.http import errors
from ostium_service.parallel import gather
from ostium_service.types import Address, Network, UsdcUnits

BATCH = 80
"""Reads per request; the gateway takes 90 with its own two."""

PARALLEL = 6
"""Requests under way at once while many Safes are read."""

LOOKS = 5
LOOK_PAUSE = 0.5
"""Seconds between two looks for a later block; Arbitrum makes four a second, and a node that lags catches up."""


@dataclass(frozen=True, slots=True)
class SafeView:
    """A Safe, the delegate the venue keeps for it, and the answers to the caller's extra calls, as of one block."""

    facts: SafeFacts
    delegate: Address | None
    block: int
    extra: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """The venue's delegate of a Safe and what tradingStorage may spend of its USDC (x 1e6), as of one block."""

    delegate: Address | None
    allowance: UsdcUnits
    block: int


def read_state(*, network: Network, calls: Sequence[Call]) -> StateRead:
    """One batch of calls with the block they were read at; ChainUnavailable when there is no usable answer."""
    try:
        return composition.arbitrum(network).read_state(calls)
    except GatewayError as error:
        raise errors.ChainUnavailable(details={"reason": error.token}) from error


def read_safe(*, network: Network, safe: Address, extra: Sequence[Call] = ()) -> SafeView:
    """Everything a decision about the Safe needs. Refused with SafeWalletMissing or ChainUnavailable."""
    state = read_state(network=network, calls=[*encode_fact_calls(safe), _delegation_call(network, safe), *extra])
    try:
        facts = read_facts(safe, state.results[:FACT_COUNT])
    except NotASafe as error:
        raise errors.SafeWalletMissing from error
    delegate = _read_delegate(state.results[FACT_COUNT])
    return SafeView(facts, delegate, state.block.number, tuple(state.results[FACT_COUNT + 1 :]))


def read_delegates(*, network: Network, safes: Sequence[Address]) -> tuple[dict[Address, Address | None], int]:
    """The venue's delegate of each Safe, and the lowest block one was read at. Refused with ChainUnavailable."""
    delegates: dict[Address, Address | None] = {}
    blocks = []
    for start in range(0, len(safes), BATCH):
        part = safes[start : start + BATCH]
        state = read_state(network=network, calls=[_delegation_call(network, safe) for safe in part])
        delegates |= {safe: _read_delegate(answer) for safe, answer in zip(part, state.results, strict=True)}
        blocks.append(state.block.number)
    return delegates, min(blocks, default=0)


def read_delegates_after(
    *, network: Network, safes: Sequence[Address], block: int
) -> tuple[dict[Address, Address | None], int]:
    """The same at a later block than `block`, waited for: what one lagging node said is not to end anything.

    A quiet chain makes no blocks: the same block some two seconds later counts too. Refused with ChainUnavailable,
    `node_behind` when the node has not even that one.
    """
    for _ in range(LOOKS):
        release_connection()
        time.sleep(LOOK_PAUSE)
        delegates, seen = read_delegates(network=network, safes=safes)
        if seen > block:
            return delegates, seen
    if seen == block:
        return delegates, seen
    raise errors.ChainUnavailable(details={"reason": "node_behind"})


def read_standings(*, network: Network, safes: Sequence[Address]) -> dict[Address, Standing]:
    """What the venue and USDC say about each Safe, in batches sent side by side. Refused with ChainUnavailable."""
    standings: dict[Address, Standing] = {}
    step = BATCH // 2
    parts = [safes[start : start + step] for start in range(0, len(safes), step)]
    for start in range(0, len(parts), PARALLEL):
        wave = [partial(_read_part, network, part) for part in parts[start : start + PARALLEL]]
        for answers in gather(*wave):
            standings |= answers
    return standings


def _read_part(network: Network, safes: Sequence[Address]) -> dict[Address, Standing]:
    calls = [_delegation_call(network, safe) for safe in safes] + [_allowance_call(network, safe) for safe in safes]
    state = read_state(network=network, calls=calls)
    pairs = zip(safes, state.results[: len(safes)], state.results[len(safes) :], strict=True)
    return {
        safe: Standing(_read_delegate(delegate), _read_allowance(allowance), state.block.number)
        for safe, delegate, allowance in pairs
    }


def read_progress(*, network: Network, safe: Address) -> tuple[int, Address | None, int]:
    """A known Safe's next nonce, its delegate and the block of both. Refused with ChainUnavailable."""
    state = read_state(network=network, calls=[encode_nonce_call(safe), _delegation_call(network, safe)])
    try:
        nonce = read_nonce(state.results[0])
    except GatewayError as error:
        raise errors.ChainUnavailable(details={"reason": error.token}) from error
    return nonce, _read_delegate(state.results[1]), state.block.number


def read_nonces(*, network: Network, safes: Sequence[Address]) -> dict[Address, int]:
    """The next nonce of each Safe that gives one, many in a request. Refused with ChainUnavailable."""
    nonces: dict[Address, int] = {}
    for start in range(0, len(safes), BATCH):
        part = safes[start : start + BATCH]
        state = read_state(network=network, calls=[encode_nonce_call(safe) for safe in part])
        for safe, answer in zip(part, state.results, strict=True):
            try:
                nonces[safe] = read_nonce(answer)
            except GatewayError:
                continue
    return nonces


def require_supported(*, network: Network, facts: SafeFacts, our_signers: Collection[Address]) -> Release:
    """The Safe's release, refused with SafeVersionUnsupported (details: version, reason) or TraderNotAllowed.

    A Safe that lists a key of ours as owner or module would let that key act without the other owners: a Safe takes the
    sender of `execTransaction` for a confirmation (v 1).
    """
    release = find_release(network=network, version=facts.version, master_copy=facts.master_copy)
    if release is None:
        # The contract's own text: shown only where it is a version.
        version = facts.version if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3}){2}", facts.version) else "unknown"
        details = {"version": version, "reason": "unknown_version_or_master_copy"}
        raise errors.SafeVersionUnsupported(details=details)
    if not set(our_signers).isdisjoint([*facts.owners, *facts.modules]):
        raise errors.TraderNotAllowed(details={"reason": "service_key_is_owner_or_module"})
    return release


def _delegation_call(network: Network, safe: Address) -> Call:
    return Call(to=composition.contract_addresses(network).trading, data=DELEGATIONS.encode(safe))


def _allowance_call(network: Network, safe: Address) -> Call:
    addresses = composition.contract_addresses(network)
    return Call(to=addresses.usdc, data=ALLOWANCE.encode(safe, addresses.trading_storage))


def _read_allowance(answer: Answer) -> UsdcUnits:
    try:
        if isinstance(answer, Reverted):
            raise BadAnswer(System.RPC, "allowance_reverted")
        return ALLOWANCE.decode(answer)
    except GatewayError as error:
        raise errors.ChainUnavailable(details={"reason": error.token}) from error


def _read_delegate(answer: Answer) -> Address | None:
    try:
        if isinstance(answer, Reverted):
            raise BadAnswer(System.RPC, "delegations_reverted")
        return DELEGATIONS.decode(answer)
    except GatewayError as error:
        raise errors.ChainUnavailable(details={"reason": error.token}) from error
