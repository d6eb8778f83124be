"""A delegate with its key in a real Vault, and Safes on a real chain."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from pytest_django import Settings

from delegations.models import Delegation, SafeTransaction
from delegations.services import (
    Outcome,
    PreparedTransaction,
    Signed,
    execute_signed,
    prepare_approval,
    prepare_revocation,
)
from ostium_service import composition
from ostium_service.types import Address, Network, UsdcUnits
from relay.models import Signer
from relay.services import create_delegate
from safeguards.models import Grant
from sandbox import actors
from sandbox.chain import Chain
from sandbox.openbao import VaultAccess
from staff.enrolment import enrol
from tests.support.safes import OwnedSafe, deploy_owned_safe, sign_typed
from tests.support.wiring import point_service

THOUSAND = UsdcUnits(1_000_000_000)
ZERO = "0x" + "00" * 20


@dataclass(frozen=True)
class Desk:
    """The service with one funded delegate, and shorthands for what a user of it does."""

    rpc_url: str
    delegate: Address
    operator_token: str = field(repr=False)

    def new_safe(self, **wishes: Any) -> OwnedSafe:
        return deploy_owned_safe(rpc_url=self.rpc_url, **wishes)

    def new_delegate(self) -> Address:
        signer = create_delegate(
            network=Network.TESTNET, purpose=Signer.Purpose.DELEGATE, operator_token=self.operator_token
        )
        actors.fund_native(rpc_url=self.rpc_url, address=signer.address, wei=10**18)
        return Address(signer.address)

    def prepare(self, safe: OwnedSafe, *, user: str = "ann", **changes: Any) -> PreparedTransaction:
        wanted: dict[str, Any] = {"delegate": None, "allowance": THOUSAND, **changes}
        return prepare_approval(
            user_id=user, network=Network.TESTNET, safe=safe.address, actor=f"user {user}", **wanted
        )

    def prepare_revocation(self, safe: OwnedSafe, *, user: str = "ann") -> PreparedTransaction:
        return prepare_revocation(
            user_id=user, network=Network.TESTNET, safe=safe.address, delegate=None, actor=f"user {user}"
        )

    def execute(
        self,
        prepared: PreparedTransaction,
        signatures: Sequence[str],
        *,
        submit: str | None = None,
        user: str = "ann",
        by_hash: bool = True,
    ) -> Outcome:
        row = prepared.safe_transaction
        signed = Signed(
            user_id=user,
            network=Network.TESTNET,
            safe=row.delegation.safe,
            kind=SafeTransaction.Kind(row.kind),
            signatures=[bytes.fromhex(signature[2:]) for signature in signatures],
            safe_tx_hash=row.safe_tx_hash if by_hash else None,
            submit=submit,
        )
        return execute_signed(signed=signed, actor=f"user {user}")

    def activate(self, safe: OwnedSafe, *, user: str = "ann", **changes: Any) -> Delegation:
        """Prepared, signed by as many owners as needed, executed."""
        prepared = self.prepare(safe, user=user, **changes)
        self.execute(prepared, sign_all(safe, prepared), user=user)
        row = fresh(prepared).delegation
        assert row.status == "ACTIVE"
        return row

    def delegate_on_chain(self, safe: OwnedSafe) -> str:
        return str(
            actors.read_contract(
                rpc_url=self.rpc_url, contract="Trading", function="delegations", arguments=(safe.address,)
            )
        )


def sign_all(safe: OwnedSafe, prepared: PreparedTransaction) -> list[str]:
    """The typed data signed by as many owners as the threshold asks for, the last owner first."""
    signers = safe.owners[: prepared.safe_transaction.threshold]
    return [sign_typed(owner, prepared.typed_data) for owner in reversed(signers)]


def fresh(prepared: PreparedTransaction) -> SafeTransaction:
    """The stored transaction as it is now."""
    return SafeTransaction.objects.select_related("delegation__approval", "outbound").get(
        pk=prepared.safe_transaction.pk
    )


def sent_hash(prepared: PreparedTransaction) -> str:
    """The hash of what the relay sent for it."""
    outbound = fresh(prepared).outbound
    assert outbound is not None
    return outbound.tx_hash


def story(delegation: Delegation) -> list[str]:
    """What happened, in order."""
    return list(delegation.events.values_list("what", flat=True))


def grant_of(safe: OwnedSafe) -> tuple[str, str] | None:
    """(delegate, state) of the grant that the signing gate reads."""
    return Grant.objects.filter(trader=safe.address).values_list("delegate", "state").first()


@pytest.fixture
def desk(transactional_db: None, settings: Settings, chain: Chain, vault_dev: VaultAccess) -> Iterator[Desk]:
    """A fresh delegate, which relays too, on the running chain; bob and amy of the staff, who run commands."""
    for name in ("bob", "amy"):
        enrol(username=name, password="", groups=["Approver"])
    point_service(settings, rpc_url=chain.rpc_url, vault=vault_dev)
    made = Desk(chain.rpc_url, Address(ZERO), vault_dev.operator_token)
    yield Desk(chain.rpc_url, made.new_delegate(), vault_dev.operator_token)
    composition.reset()
