"""The delegation endpoints over HTTP: whole payloads, and what is refused before anything is read."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from pytest_django import Settings

from delegations.models import Delegation
from ostium_service import composition
from ostium_service.client import sign_request
from ostium_service.types import Network
from relay.models import OutboundTransaction, Signer
from relay.services import create_delegate
from sandbox import actors, addresses
from sandbox.chain import Chain
from sandbox.openbao import VaultAccess
from tests.contract.safe_payloads import plain_safe, plain_tx, sent_hash
from tests.support.callers import check_wording
from tests.support.conformance import check_answer
from tests.support.safes import OwnedSafe, deploy_owned_safe, sign_typed
from tests.support.wiring import TEST_SECRET, point_service


@dataclass(frozen=True)
class Backend:
    """A caller with the secret, and the delegate of the service."""

    client: Client
    rpc_url: str
    delegate: str

    def send(self, path: str, body: dict[str, Any]) -> Any:
        content = json.dumps(body, separators=(",", ":")).encode()
        timestamp = time.time_ns() // 1_000_000
        signature = sign_request(secret=TEST_SECRET, timestamp_ms=timestamp, method="POST", path=path, body=content)
        headers = {"x-timestamp": str(timestamp), "x-signature": signature, "x-request-id": "contract-test"}
        return self.client.post(path, content, content_type="application/json", headers=headers)

    def post(self, path: str, body: dict[str, Any], status: int = 200) -> dict[str, Any]:
        response = self.send(path, body)
        answer = response.json()
        assert response.status_code == status, answer
        assert answer["success"] is (status == 200)
        assert answer["meta"]["requestId"] == response.headers["x-request-id"] == "contract-test"
        check_answer(path=path, status=status, body=answer)
        if status != 200:
            check_wording(answer["error"])
        return dict(answer["data" if status == 200 else "error"])

    def about(self, safe: OwnedSafe, **more: Any) -> dict[str, Any]:
        return {"network": "testnet", "userId": "user-1", "safeAddress": safe.address, **more}


@pytest.fixture
def backend(
    transactional_db: None, client: Client, settings: Settings, chain: Chain, vault_dev: VaultAccess
) -> Iterator[Backend]:
    """A backend before a service with one funded delegate."""
    point_service(settings, rpc_url=chain.rpc_url, vault=vault_dev)
    signer = create_delegate(
        network=Network.TESTNET, purpose=Signer.Purpose.DELEGATE, operator_token=vault_dev.operator_token
    )
    actors.fund_native(rpc_url=chain.rpc_url, address=signer.address, wei=10**18)
    yield Backend(client, chain.rpc_url, signer.address)
    composition.reset()


def expected_row(backend: Backend, safe: OwnedSafe, given: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The whole row; what the service makes up itself is taken from `given` after a look at its form."""
    UUID(given["id"])
    for moment in ("createdAt", "updatedAt"):
        assert given[moment].endswith("Z")
    row = {
        "id": given["id"],
        "userId": "user-1",
        "network": "testnet",
        "chainId": 421614,
        "safeAddress": safe.address,
        "delegateAddress": backend.delegate,
        "tradingContract": addresses.TRADING,
        "status": "PENDING",
        "stage": "drafted",
        "signatures": {"collected": 0, "required": 1},
        "suspended": False,
        "approvalTxHash": None,
        "revokeTxHash": None,
        "safeTxHash": given["safeTxHash"],
        "safeTxData": given["safeTxData"],
        "lastError": None,
        "createdAt": given["createdAt"],
        "updatedAt": given["updatedAt"],
    }
    return row | changes


def test_a_delegation_from_prepare_to_revoked(backend: Backend) -> None:
    safe = deploy_owned_safe(rpc_url=backend.rpc_url)
    (owner,) = safe.owners

    prepared = backend.post("/v1/delegations/prepare", backend.about(safe, withAllowance=False))
    set_delegate = "0xca5eb5e1" + backend.delegate[2:].lower().rjust(64, "0")
    typed = prepared["typedData"]
    assert prepared == expected_row(backend, safe, prepared, safeTxData=plain_tx(set_delegate, 0)) | {
        "typedData": typed,
        "threshold": 1,
        "owners": [owner.address],
        "confirmations": [],
        "expiresAt": prepared["expiresAt"],
        "safe": plain_safe("1.4.1"),
    }
    assert typed["domain"] == {"chainId": 421614, "verifyingContract": safe.address}
    assert typed["message"] == prepared["safeTxData"] | {"nonce": "0"}

    executed = backend.post("/v1/delegations/execute", backend.about(safe, signature=sign_typed(owner, typed)))
    done = {"stage": "active", "signatures": {"collected": 1, "required": 1}}
    active = expected_row(backend, safe, executed, status="ACTIVE", approvalTxHash=sent_hash(0), **done)
    assert executed == active

    status = backend.post("/v1/delegations/status", {"network": "testnet", "userId": "user-1"})
    assert status["onChain"].pop("checkedAt").endswith("Z")
    timeline = status.pop("timeline")
    assert status == {
        "network": "testnet",
        "delegation": active,
        "onChain": {"delegate": backend.delegate, "matches": True, "allowance": "0"},
    }
    assert [(event["what"], event["by"]) for event in timeline] == [
        ("approve_prepared", "user"),
        ("approve_submitted", "user"),
        ("activated", "user"),
    ]

    revoking = backend.post("/v1/delegations/revoke/prepare", backend.about(safe))
    assert revoking == active | {
        "safeTxHash": revoking["safeTxHash"],
        "safeTxData": plain_tx("0x36fb8b15", 1),
        "typedData": revoking["typedData"],
        "threshold": 1,
        "owners": [owner.address],
        "confirmations": [],
        "expiresAt": revoking["expiresAt"],
        "safe": plain_safe("1.4.1"),
    }

    signature = sign_typed(owner, revoking["typedData"])
    revoked = backend.post(
        "/v1/delegations/revoke/execute",
        backend.about(safe, signatures=[signature], safeTxHash=revoking["safeTxHash"]),
    )
    assert revoked == active | {
        "status": "REVOKED",
        "stage": "revoked",
        "revokeTxHash": sent_hash(1),
        "updatedAt": revoked["updatedAt"],
    }
    after = backend.post("/v1/delegations/status", backend.about(safe))
    assert (after["delegation"], after["onChain"]["delegate"]) == (revoked, None)


def test_the_default_allowance_is_a_thousand_and_goes_through_multi_send(backend: Backend) -> None:
    safe = deploy_owned_safe(rpc_url=backend.rpc_url, version="1.3.0")
    default = backend.post("/v1/delegations/prepare", backend.about(safe))
    named = backend.post("/v1/delegations/prepare", backend.about(safe, allowanceAmount="1000.000000"))
    other = backend.post("/v1/delegations/prepare", backend.about(safe, allowanceAmount=12.5))

    assert default["safeTxData"]["operation"] == 1
    assert default["safeTxData"]["to"] == "0x40A2aCCbd92BCA938b02010E17A5b8929b49130D"
    assert f"{1_000_000_000:064x}" in default["safeTxData"]["data"]
    assert f"{12_500_000:064x}" in other["safeTxData"]["data"]
    assert named["safeTxHash"] == default["safeTxHash"] != other["safeTxHash"]


def test_too_few_signatures_are_counted(backend: Backend) -> None:
    safe = deploy_owned_safe(rpc_url=backend.rpc_url, owners=3, threshold=3)
    prepared = backend.post("/v1/delegations/prepare", backend.about(safe))
    one = sign_typed(safe.owners[1], prepared["typedData"])
    answer = backend.post("/v1/delegations/execute", backend.about(safe, signature=one))

    one_of_three = {"stage": "awaiting_signatures", "signatures": {"collected": 1, "required": 3}}
    confirmations = [{"owner": safe.owners[1].address, "kind": "eip712"}]
    assert answer == expected_row(backend, safe, answer, **one_of_three) | {
        "confirmations": confirmations,
        "missing": 2,
    }
    assert backend.post("/v1/delegations/prepare", backend.about(safe))["confirmations"] == confirmations


def test_a_client_gets_the_call_to_send(backend: Backend) -> None:
    safe = deploy_owned_safe(rpc_url=backend.rpc_url)
    prepared = backend.post("/v1/delegations/prepare", backend.about(safe))
    signature = sign_typed(safe.owners[0], prepared["typedData"])
    answer = backend.post("/v1/delegations/execute", backend.about(safe, signature=signature, submit="client"))
    data = answer["payload"]["data"]

    handed = {"stage": "submitted", "signatures": {"collected": 1, "required": 1}}
    assert answer == expected_row(backend, safe, answer, **handed) | {
        "submitOnClient": True,
        "payload": {"chainId": 421614, "to": safe.address, "data": data, "value": "0x0"},
    }
    assert safe.send(bytes.fromhex(data[2:])).succeeded
    status = backend.post("/v1/delegations/status", backend.about(safe))
    assert status["delegation"]["status"] == "ACTIVE"


def test_the_same_execution_again_is_marked_and_answers_the_same(backend: Backend) -> None:
    safe = deploy_owned_safe(rpc_url=backend.rpc_url)
    prepared = backend.post("/v1/delegations/prepare", backend.about(safe))
    body = backend.about(safe, signature=sign_typed(safe.owners[0], prepared["typedData"]))
    first, again = (backend.send("/v1/delegations/execute", body) for _ in range(2))

    assert first.json()["data"] == again.json()["data"]
    assert ("Idempotency-Replayed" in first.headers, again.headers["Idempotency-Replayed"]) == (False, "true")
    assert OutboundTransaction.objects.count() == 1


def test_status_without_anything_known(backend: Backend) -> None:
    assert backend.post("/v1/delegations/status", {"network": "testnet", "userId": "nobody"}) == {
        "network": "testnet",
        "delegation": None,
        "onChain": {"delegate": None, "matches": False, "checkedAt": None, "allowance": None},
        "timeline": [],
    }


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "fields"),
    [
        ("prepare", {}, 400, "VALIDATION_ERROR", ["network", "userId", "safeAddress"]),
        ("prepare", {"network": "base"}, 400, "INVALID_NETWORK", None),
        ("prepare", {"allowanceAmount": "0"}, 400, "VALIDATION_ERROR", ["allowanceAmount"]),
        ("prepare", {"allowanceAmount": "1.0000001"}, 400, "VALIDATION_ERROR", ["allowanceAmount"]),
        ("prepare", {"allowanceAmount": "1000000001"}, 403, "LIMIT_EXCEEDED", None),
        ("prepare", {"withAllowance": "yes"}, 400, "VALIDATION_ERROR", ["withAllowance"]),
        ("prepare", {"delegateAddress": "0x" + "55" * 20}, 400, "DELEGATE_UNKNOWN", None),
        ("prepare", {"safeAddress": "0x" + "66" * 20}, 400, "SAFE_WALLET_MISSING", None),
        ("prepare", {"privateKey": "whatever it is"}, 400, "SECRET_IN_PAYLOAD", None),
        ("execute", {}, 400, "VALIDATION_ERROR", ["network", "userId", "safeAddress"]),
        ("execute", {"signature": None}, 400, "VALIDATION_ERROR", ["signature"]),
        ("execute", {"signatures": []}, 400, "VALIDATION_ERROR", ["signature"]),
        ("execute", {"signature": "0x123"}, 400, "VALIDATION_ERROR", ["signature"]),
        ("execute", {"signature": "0x" + "11" * 65, "submit": "me"}, 400, "VALIDATION_ERROR", ["submit"]),
        ("execute", {"signature": "0x" + "11" * 65, "safeTxHash": "0x11"}, 400, "VALIDATION_ERROR", ["safeTxHash"]),
        ("execute", {"signature": "0x" + "11" * 65}, 404, "SAFE_TX_NOT_FOUND", None),
        ("revoke/prepare", {"network": "testnet"}, 404, "DELEGATION_NOT_FOUND", None),
        ("revoke/execute", {"signature": "0x" + "11" * 65}, 404, "SAFE_TX_NOT_FOUND", None),
        ("status", {"safeAddress": "0x12"}, 400, "VALIDATION_ERROR", ["safeAddress"]),
    ],
)
def test_refusals(
    backend: Backend, path: str, body: dict[str, Any], status: int, code: str, fields: list[str] | None
) -> None:
    known = {"network": "testnet", "userId": "user-1", "safeAddress": "0x" + "67" * 20} if body else {}
    error = backend.post(f"/v1/delegations/{path}", {**known, **body}, status)

    assert (error["code"], error["retryable"]) == (code, False)
    if fields is not None:
        assert [item["field"] for item in error["details"]][: len(fields)] == fields
    assert not Delegation.objects.exists()


@pytest.mark.parametrize(
    ("spoil", "code", "reason"),
    [
        (lambda blob: blob[:64] + b"\x00", "INVALID_SIGNATURE", "contract_signature_malformed"),
        (lambda blob: blob[:64] + b"\x02", "INVALID_SIGNATURE", "v_unsupported"),
        (lambda blob: blob[:64], "INVALID_SIGNATURE", "length"),
        (lambda blob: bytes(64) + blob[64:], "INVALID_SIGNATURE", "not_on_curve"),
        (lambda blob: blob[:64] + bytes([55 - blob[64]]), "SIGNER_NOT_OWNER", "not_an_owner"),
    ],
)
def test_signatures_that_do_not_fit(backend: Backend, spoil: Any, code: str, reason: str) -> None:
    safe = deploy_owned_safe(rpc_url=backend.rpc_url)
    prepared = backend.post("/v1/delegations/prepare", backend.about(safe))
    good = bytes.fromhex(sign_typed(safe.owners[0], prepared["typedData"])[2:])
    body = backend.about(safe, signature="0x" + spoil(good).hex())
    error = backend.post("/v1/delegations/execute", body, 400)

    assert (error["code"], error["details"]["reason"]) == (code, reason)
    assert (OutboundTransaction.objects.count(), safe.nonce()) == (0, 0)
