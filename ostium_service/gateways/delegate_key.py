"""A delegate's private key: it can sign, and nothing else can be done with it."""

import heapq
import itertools
import os
import threading
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import coincurve
import rlp  # type: ignore[import-untyped]
from eth_utils.address import is_checksum_address, to_checksum_address
from eth_utils.crypto import keccak

from ostium_service.types import Address, TxHash

SECRET_BYTES = 32
DYNAMIC_FEE_TYPE = b"\x02"
_FIELDS = ("chainId", "nonce", "maxPriorityFeePerGas", "maxFeePerGas", "gas", "to", "value", "data")
"""In the order of EIP-1559's payload."""
_AMOUNTS = ("chainId", "nonce", "maxPriorityFeePerGas", "maxFeePerGas", "gas", "value")
_LARGEST = {"chainId": 2**64 - 1, "nonce": 2**64 - 2, "gas": 2**64 - 1}


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """Bytes ready to broadcast, and the hash they will be known by."""

    raw: bytes
    tx_hash: TxHash


class DelegateKey:
    """Holds one secp256k1 key for as long as it takes to sign; shows its address only.

    Cannot be printed, copied or pickled, and a forked child finds it wiped. The bytes are overwritten when it goes;
    copies that libsecp256k1 and Python made on the way are beyond reach.
    """

    __slots__ = ("__chain_id", "__secret", "__weakref__", "address")

    def __init__(self, secret: bytes | bytearray, *, chain_id: int | None = None, seconds: float | None = None) -> None:
        """With `chain_id` it signs for that chain only; after `seconds` it is wiped, whoever still holds it.

        ValueError, without the value, for anything but 32 bytes within the curve's order.
        """
        self.__secret = bytearray(secret)
        self.__chain_id = chain_id
        self.address = _derive_address(self.__secret)
        _alive.add(self)
        if seconds is not None:
            reaper.expect(self, seconds)

    @classmethod
    def generate(cls) -> "DelegateKey":
        """A new key from the operating system's randomness."""
        return cls(coincurve.PrivateKey().secret)

    def sign_transaction(self, fields: Mapping[str, Any]) -> SignedTransaction:
        """Sign an EIP-1559 transaction without an access list (RFC 6979, low s).

        `fields`: chainId, nonce, gas, maxFeePerGas, maxPriorityFeePerGas, value as integers, `to` as address, `data` as
        bytes. ValueError for a missing or unknown field, a wrong type, a number out of range, another chain than the
        key's, and after the key was wiped.
        """
        payload = build_payload(fields)
        if self.__chain_id is not None and fields["chainId"] != self.__chain_id:
            raise ValueError("the key signs for another chain")
        digest = keccak(DYNAMIC_FEE_TYPE + rlp.encode(payload))
        signature = coincurve.PrivateKey(bytes(self.__secret)).sign_recoverable(digest, hasher=None)
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
        raw = DYNAMIC_FEE_TYPE + rlp.encode([*payload, signature[64], r, s])
        return SignedTransaction(raw, TxHash("0x" + keccak(raw).hex()))

    def wipe(self) -> None:
        """Overwrite the secret; signing afterwards is a ValueError."""
        self.__secret[:] = bytes(len(self.__secret))

    def hand_over(self) -> str:
        """The secret as 0x hex, for Vault alone to store when the key is made."""
        return "0x" + self.__secret.hex()

    def __repr__(self) -> str:
        return f"DelegateKey({self.address})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a delegate key is neither copied nor pickled")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a delegate key is neither copied nor pickled")

    def __del__(self) -> None:
        if hasattr(self, "_DelegateKey__secret"):
            self.wipe()


_alive: weakref.WeakSet[DelegateKey] = weakref.WeakSet()


def _wipe_all() -> None:
    for key in list(_alive):
        key.wipe()


def _derive_address(secret: bytearray) -> Address:
    if len(secret) != SECRET_BYTES:
        raise ValueError("a private key has 32 bytes")
    try:
        public = coincurve.PrivateKey(bytes(secret)).public_key.format(compressed=False)
    except ValueError:
        # The library's own message is harmless today; a chained one need not stay so.
        raise ValueError("not a number within the curve's order") from None
    return Address(to_checksum_address(keccak(public[1:])[-20:]))


def build_payload(fields: Mapping[str, Any]) -> list[Any]:
    """The unsigned EIP-1559 payload in its order, with an empty access list."""
    if fields.keys() - {"type"} != set(_FIELDS) or fields.get("type", 2) != 2:
        raise ValueError("an EIP-1559 transaction has the fields " + ", ".join(_FIELDS))
    for name in _AMOUNTS:
        amount = fields[name]
        if type(amount) is not int or not 0 <= amount <= _LARGEST.get(name, 2**256 - 1):
            raise ValueError(f"{name} is no integer in range")
    to, data = fields["to"], fields["data"]
    # Hex text for bytes and bytes for an address are mistakes that encoders accept in silence.
    if not (isinstance(data, bytes) and isinstance(to, str) and is_checksum_address(to)):
        raise ValueError("`data` is bytes and `to` an EIP-55 address")
    if fields["maxPriorityFeePerGas"] > fields["maxFeePerGas"]:
        raise ValueError("the priority fee exceeds the fee cap")
    values = {**fields, "to": bytes.fromhex(to[2:])}
    return [*(values[name] for name in _FIELDS), []]


class KeyReaper:
    """Wipes keys whose time is over, from one thread that ends when none is left to wait for."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """As new: in a forked child the parent's thread does not run, and its lock may be held."""
        self._wake = threading.Condition()
        self._due: list[tuple[float, int, weakref.ref[DelegateKey]]] = []
        self._order = itertools.count()
        self._is_running = False

    def expect(self, key: DelegateKey, seconds: float) -> None:
        """Wipe `key` in `seconds`; it may go earlier by itself."""
        with self._wake:
            heapq.heappush(self._due, (time.monotonic() + seconds, next(self._order), weakref.ref(key)))
            if not self._is_running:
                self._is_running = True
                threading.Thread(target=self._run, name="key-reaper", daemon=True).start()
            self._wake.notify()

    def _run(self) -> None:
        with self._wake:
            while self._due:
                pause = self._due[0][0] - time.monotonic()
                if pause > 0:
                    self._wake.wait(pause)
                    continue
                key = heapq.heappop(self._due)[2]()
                if key is not None:
                    key.wipe()
            self._is_running = False


reaper = KeyReaper()
os.register_at_fork(after_in_child=reaper.forget)
os.register_at_fork(after_in_child=_wipe_all)
