"""What a Safe says about itself: the calls that ask, and the reading of their answers.

The calls go out in whatever batch the caller makes, so that one round trip reads the Safe and everything else.
Source: OwnerManager, ModuleManager, GuardManager and StorageAccessible of the Safe contracts 1.3.0 and 1.4.1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ostium_service.gateways.arbitrum import Call, Log
from ostium_service.gateways.failures import BadAnswer, Reverted, System
from ostium_service.gateways.safe import EXEC_TYPES, SafeTransactionData
from ostium_service.types import Address, TxHash

Answer = bytes | Reverted

GUARD_SLOT: Final = int.from_bytes(keccak(text="guard_manager.guard.address"), "big")
FALLBACK_HANDLER_SLOT: Final = int.from_bytes(keccak(text="fallback_manager.handler.address"), "big")
CONTRACT_SIGNATURE_MAGIC: Final = bytes.fromhex("20c13b0b").ljust(32, b"\x00")
"""What an owner contract answers for a good signature: 1.3.0 and 1.4.1 ask in the form before the final EIP-1271."""
CONTRACT_SIGNATURE_GAS: Final = 2_000_000
"""An owner's code may burn all it gets, and may ask other contracts in turn."""
MODULES_START: Final = "0x0000000000000000000000000000000000000001"
MODULES_PAGE: Final = 50
MAX_OWNERS: Final = 100
LARGEST_NONCE: Final = 2**53
"""No Safe gets there; a contract that only looks like one may say anything."""
FACT_COUNT: Final = 8
EXECUTION_SUCCESS: Final = keccak(text="ExecutionSuccess(bytes32,uint256)")
EXECUTION_FAILURE: Final = keccak(text="ExecutionFailure(bytes32,uint256)")

GS_REASONS: Final[Mapping[str, str]] = {
    "GS010": "not_enough_gas",
    "GS011": "refund_failed",
    "GS012": "refund_failed",
    "GS013": "inner_call_failed",
    "GS020": "signatures_too_short",
    "GS021": "contract_signature_malformed",
    "GS022": "contract_signature_malformed",
    "GS023": "contract_signature_malformed",
    "GS024": "contract_signature_refused",
    "GS025": "hash_not_approved",
    "GS026": "signature_order_or_owner_or_nonce",
}
"""A Safe's revert codes on the way of `execTransaction`, in words that are stable tokens."""


class NotASafe(Exception):
    """Nothing at the address answers as a Safe: no code, a plain account, another contract, not deployed yet."""


@dataclass(frozen=True, slots=True)
class SafeFacts:
    """A Safe as of one read. `version` is its own word; `master_copy` the code its proxy runs, empty if unreadable."""

    address: Address
    version: str
    owners: tuple[Address, ...]
    threshold: int
    nonce: int
    master_copy: str
    guard: Address | None
    modules: tuple[Address, ...]
    fallback_handler: Address | None = None


@dataclass(frozen=True, slots=True)
class SafeExecution:
    """A transaction that a Safe says it ran; each took one nonce, whether it succeeded or not."""

    safe_tx_hash: str
    tx_hash: TxHash
    succeeded: bool


def encode_fact_calls(safe: Address) -> tuple[Call, ...]:
    """The FACT_COUNT calls whose answers `read_facts` takes, in this order."""
    return tuple(
        Call(to=safe, data=data)
        for data in (
            _call_data("VERSION()"),
            _call_data("getOwners()"),
            _call_data("getThreshold()"),
            _call_data("nonce()"),
            _call_data("getStorageAt(uint256,uint256)", 0, 1),
            _call_data("getStorageAt(uint256,uint256)", GUARD_SLOT, 1),
            _call_data("getModulesPaginated(address,uint256)", MODULES_START, MODULES_PAGE),
            _call_data("getStorageAt(uint256,uint256)", FALLBACK_HANDLER_SLOT, 1),
        )
    )


def read_facts(safe: Address, answers: Sequence[Answer]) -> SafeFacts:
    """Put the answers to `encode_fact_calls` together; NotASafe when the first four are not a Safe's.

    Releases before 1.3.0 do not show their storage: their facts come back with an empty `master_copy`.
    """
    version, owners, threshold, nonce, singleton, guard, modules, handler = answers
    try:
        facts = SafeFacts(
            address=safe,
            version=_decode(["string"], version)[0],
            owners=tuple(Address(to_checksum_address(owner)) for owner in _decode(["address[]"], owners)[0]),
            threshold=_decode(["uint256"], threshold)[0],
            nonce=_decode(["uint256"], nonce)[0],
            master_copy=_read_slot(singleton) or "",
            guard=_read_slot(guard),
            modules=_read_modules(modules),
            fallback_handler=_read_slot(handler),
        )
    except DecodingError as error:
        raise NotASafe from error
    if not 1 <= facts.threshold <= len(facts.owners) <= MAX_OWNERS or facts.nonce > LARGEST_NONCE:
        raise NotASafe
    return facts


def encode_approval_call(*, safe: Address, owner: Address, digest: bytes) -> Call:
    """Ask whether `owner` approved the hash on chain; `read_approval` reads the answer."""
    return Call(to=safe, data=_call_data("approvedHashes(address,bytes32)", owner, digest))


def read_approval(answer: Answer) -> bool:
    """Whether the hash is approved; BadAnswer when a known Safe does not answer the question."""
    return bool(_read_word(answer))


def encode_nonce_call(safe: Address) -> Call:
    """Ask a known Safe for the nonce its next transaction takes; `read_nonce` reads the answer."""
    return Call(to=safe, data=_call_data("nonce()"))


def read_nonce(answer: Answer) -> int:
    """The Safe's nonce; BadAnswer when a known Safe does not answer."""
    return _read_word(answer)


def encode_contract_signature_call(*, safe: Address, owner: Address, preimage: bytes, signature: bytes) -> Call:
    """Ask a contract that owns `safe` whether it signed, as the Safe asks it; `read_contract_signature` reads on."""
    data = _call_data("isValidSignature(bytes,bytes)", preimage, signature)
    return Call(to=owner, data=data, sender=safe, gas=CONTRACT_SIGNATURE_GAS)


def read_contract_signature(answer: Answer) -> bool:
    """Whether the owner contract said yes; a revert, another magic or any other answer is a no."""
    return not isinstance(answer, Reverted) and answer[:32] == CONTRACT_SIGNATURE_MAGIC


def read_executions(*, safe: Address, logs: Sequence[Log]) -> list[SafeExecution]:
    """What the Safe says in `logs` that it ran, in their order.

    1.3.0 puts the hash into the data, 1.4.1 into a topic. A status of 1 alone proves nothing (ExecutionFailure).
    """
    found = []
    for log in logs:
        if log.address != safe or not log.topics or log.topics[0] not in {EXECUTION_SUCCESS, EXECUTION_FAILURE}:
            continue
        digest = log.topics[1] if len(log.topics) > 1 else log.data[:32]
        found.append(SafeExecution("0x" + digest.hex(), log.tx_hash, log.topics[0] == EXECUTION_SUCCESS))
    return found


def read_execution(*, safe: Address, safe_tx_hash: str, logs: Sequence[Log]) -> bool | None:
    """Whether the Safe says in `logs` that the transaction succeeded; None when it says nothing about it."""
    runs = read_executions(safe=safe, logs=logs)
    return next((run.succeeded for run in runs if run.safe_tx_hash == safe_tx_hash), None)


def encode_guard_call(*, facts: SafeFacts, tx: SafeTransactionData, executor: Address) -> Call | None:
    """The question a Safe asks its guard before executing, asked without signatures; None without a guard."""
    if facts.guard is None:
        return None
    types = ",".join([*EXEC_TYPES, "address"])
    data = _call_data(
        f"checkTransaction({types})",
        tx.to,
        tx.value,
        tx.data,
        tx.operation,
        tx.safe_tx_gas,
        tx.base_gas,
        tx.gas_price,
        tx.gas_token,
        tx.refund_receiver,
        b"",
        executor,
    )
    return Call(to=facts.guard, data=data, sender=facts.address)


def _call_data(signature: str, *arguments: Any) -> bytes:
    types = signature[signature.index("(") + 1 : -1]
    return keccak(text=signature)[:4] + encode(types.split(",") if types else [], arguments)


def _decode(types: list[str], answer: Answer) -> tuple[Any, ...]:
    """eth_abi's strict decoding; a revert or an empty answer counts as undecodable."""
    if isinstance(answer, Reverted):
        raise DecodingError("reverted")
    try:
        return decode(types, answer)
    except (UnicodeDecodeError, OverflowError) as error:
        raise DecodingError("undecodable") from error


def _read_word(answer: Answer) -> int:
    try:
        return int(_decode(["uint256"], answer)[0])
    except DecodingError as error:
        raise BadAnswer(System.RPC, "abi") from error


def _read_slot(answer: Answer) -> Address | None:
    try:
        word = _decode(["bytes"], answer)[0]
        address = decode(["address"], word)[0]
    except DecodingError:
        return None
    return Address(to_checksum_address(address)) if int(address, 16) else None


def _read_modules(answer: Answer) -> tuple[Address, ...]:
    try:
        modules, _ = _decode(["address[]", "address"], answer)
    except DecodingError:
        return ()
    return tuple(Address(to_checksum_address(module)) for module in modules)
