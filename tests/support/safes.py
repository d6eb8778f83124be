"""A Safe of the local chain with its owners, who sign as wallets do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from coincurve import PrivateKey
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount

from ostium_service.gateways.safe import (
    SafeTransactionData,
    encode_exec_transaction,
    safe_tx_hash,
)
from ostium_service.types import Address, Network
from sandbox import actors
from sandbox.node import Node

NONCE_SELECTOR = "0xaffed0e0"


@dataclass(frozen=True)
class OwnedSafe:
    """A deployed Safe; `owners` ascend by address, as a Safe wants their signatures."""

    rpc_url: str
    address: Address
    owners: tuple[LocalAccount, ...]

    def nonce(self) -> int:
        """The nonce its next transaction takes."""
        answer = Node(self.rpc_url).request("eth_call", {"to": self.address, "data": NONCE_SELECTOR}, "latest")
        return int(str(answer), 16)

    def execute(self, *, to: str, data: bytes, signers: int = 1) -> actors.Outcome:
        """Execute a call by the owners alone, as the Safe's own app would; the service knows nothing of it."""
        tx = SafeTransactionData(to=Address(to), data=data, nonce=self.nonce())
        digest = safe_tx_hash(chain_id=Network.TESTNET.chain_id, safe=self.address, tx=tx)
        signatures = b"".join(sign_digest(owner, digest) for owner in self.owners[:signers])
        return self.send(encode_exec_transaction(tx, signatures))

    def send(self, call_data: bytes) -> actors.Outcome:
        """Send a call to the Safe from its first owner's own account."""
        return actors.send_signed(rpc_url=self.rpc_url, account=self.owners[0], to=self.address, data=call_data)

    def approve_hash(self, *, owner: LocalAccount, digest: str) -> None:
        """Approve a hash on chain, as an owner without a way to sign does."""
        data = bytes.fromhex("d4d9bdcd" + digest[2:])
        outcome = actors.send_signed(rpc_url=self.rpc_url, account=owner, to=self.address, data=data)
        assert outcome.succeeded


def deploy_owned_safe(
    *,
    rpc_url: str,
    owners: int = 1,
    threshold: int = 1,
    version: str = "1.4.1",
    use_l2: bool = True,
    more: Sequence[str] = (),
) -> OwnedSafe:
    """A new Safe of fresh funded owners; `more` addresses own it too but cannot sign here."""
    accounts = [actors.create_account(rpc_url=rpc_url) for _ in range(owners)]
    accounts.sort(key=lambda account: int(account.address, 16))
    addresses = [*(account.address for account in accounts), *more]
    address = actors.deploy_safe(rpc_url=rpc_url, owners=addresses, threshold=threshold, version=version, use_l2=use_l2)
    return OwnedSafe(rpc_url, Address(address), tuple(accounts))


def sign_typed(account: LocalAccount, typed_data: dict[str, Any]) -> str:
    """What `eth_signTypedData_v4` answers for the JSON of the API."""
    return "0x" + bytes(account.sign_typed_data(full_message=typed_data).signature).hex()


def sign_personal(account: LocalAccount, digest: str) -> str:
    """What `personal_sign` answers for the hash's 32 bytes."""
    return "0x" + bytes(account.sign_message(encode_defunct(hexstr=digest)).signature).hex()


def sign_digest(account: LocalAccount, digest: str) -> bytes:
    """65 bytes over the hash itself."""
    signed = PrivateKey(bytes(account.key)).sign_recoverable(bytes.fromhex(digest[2:]), hasher=None)
    return signed[:64] + bytes([signed[64] + 27])


def point_to_approval(account: LocalAccount) -> str:
    """The v 1 signature of an owner who approved the hash on chain."""
    return "0x" + account.address[2:].lower().rjust(64, "0") + "00" * 32 + "01"
