"""The allowance, reporting, readiness and overview endpoints over HTTP: whole payloads and refusals."""

from typing import Any

import pytest

from delegations.models import Delegation
from delegations.services import readiness
from ostium_service.gateways.failures import System, Unreachable
from ostium_service.types import UsdcUnits
from sandbox import actors, addresses
from tests.contract.safe_payloads import plain_safe, sent_hash
from tests.contract.test_delegations_api import Backend, backend, expected_row
from tests.support.safes import OwnedSafe, deploy_owned_safe, sign_typed

__all__ = ["backend"]

ITEMS = ["SAFE_WALLET", "DELEGATION", "SAFE_USDC_BALANCE", "USDC_ALLOWANCE", "DELEGATE_GAS"]


def activate(backend: Backend, safe: OwnedSafe) -> dict[str, Any]:
    prepared = backend.post("/v1/delegations/prepare", backend.about(safe))
    signature = sign_typed(safe.owners[0], prepared["typedData"])
    return backend.post("/v1/delegations/execute", backend.about(safe, signature=signature))


def test_the_allowance_from_prepare_to_execute(backend: Backend) -> None:
    safe = deploy_owned_safe(rpc_url=backend.rpc_url)
    prepared = backend.post("/v1/allowance/prepare", backend.about(safe, amount="12.5"))
    base = {
        "network": "testnet",
        "safeAddress": safe.address,
        "safeTxHash": prepared["safeTxHash"],
        "tokenAddress": addresses.USDC,
        "spenderAddress": addresses.TRADING_STORAGE,
        "amount": "12.5",
    }
    approve = "0x095ea7b3" + addresses.TRADING_STORAGE[2:].lower().rjust(64, "0") + f"{12_500_000:064x}"

    assert prepared == base | {
        "safeTxData": prepared["safeTxData"],
        "typedData": prepared["typedData"],
        "threshold": 1,
        "owners": [safe.owners[0].address],
        "confirmations": [],
        "expiresAt": prepared["expiresAt"],
        "safe": plain_safe("1.4.1"),
    }
    assert (prepared["safeTxData"]["to"], prepared["safeTxData"]["data"]) == (addresses.USDC, approve)
    signature = sign_typed(safe.owners[0], prepared["typedData"])
    body = backend.about(safe, signature=signature, safeTxHash=prepared["safeTxHash"], safeTxData={"to": "ignored"})
    done = backend.post("/v1/allowance/execute", body)

    assert done == base | {"state": "executed", "txHash": sent_hash(0), "transactionHash": sent_hash(0)}
    assert (
        actors.read_contract(
            rpc_url=backend.rpc_url,
            contract="Usdc",
            function="allowance",
            arguments=(safe.address, addresses.TRADING_STORAGE),
        )
        == 12_500_000
    )


def test_a_client_may_send_the_allowance_by_itself(backend: Backend) -> None:
    safe = deploy_owned_safe(rpc_url=backend.rpc_url)
    prepared = backend.post("/v1/allowance/prepare", backend.about(safe))
    signature = sign_typed(safe.owners[0], prepared["typedData"])
    answer = backend.post("/v1/allowance/execute", backend.about(safe, signature=signature, submit="client"))

    assert (prepared["amount"], answer["submitOnClient"], answer["txHash"], answer["state"]) == (
        "1000",
        True,
        None,
        "submitted",
    )
    assert answer["payload"]["to"] == safe.address


def test_a_report_answers_with_the_row_as_the_chain_has_it(backend: Backend) -> None:
    safe = deploy_owned_safe(rpc_url=backend.rpc_url)
    prepared = backend.post("/v1/delegations/prepare", backend.about(safe))
    signature = sign_typed(safe.owners[0], prepared["typedData"])
    handed = backend.post("/v1/delegations/execute", backend.about(safe, signature=signature, submit="client"))
    early = backend.post("/v1/delegations/report", backend.about(safe, txHash="0x" + "77" * 32))
    assert early == {name: value for name, value in handed.items() if name not in {"submitOnClient", "payload"}}

    sent = safe.send(bytes.fromhex(handed["payload"]["data"][2:]))
    answer = backend.post("/v1/delegations/report", backend.about(safe, txHash=sent.transaction_hash))
    assert answer == expected_row(
        backend,
        safe,
        answer,
        status="ACTIVE",
        stage="active",
        signatures={"collected": 1, "required": 1},
        approvalTxHash=sent.transaction_hash,
    )


def expected_readiness(backend: Backend, safe: OwnedSafe, given: dict[str, Any]) -> dict[str, Any]:
    return {
        "network": "testnet",
        "chainId": 421614,
        "safeAddress": safe.address,
        "delegateAddress": backend.delegate,
        "contracts": {
            "usdc": addresses.USDC,
            "trading": addresses.TRADING,
            "tradingStorage": addresses.TRADING_STORAGE,
        },
        "checks": {
            "safeWallet": {"ok": True, "message": "The Safe is there.", "address": safe.address},
            "delegation": {"ok": True, "message": "The service is the Safe's delegate.", "status": "ACTIVE"},
            "usdcBalance": {"ok": True, "message": "The Safe holds USDC.", "balance": "2.5"},
            "allowance": {
                "ok": True,
                "message": "The venue may spend the Safe's USDC.",
                "amount": "1000",
                "spender": addresses.TRADING_STORAGE,
            },
            "delegateGas": {
                "ok": True,
                "message": "The delegate can pay for gas.",
                "balance": given["checks"]["delegateGas"]["balance"],
                "address": backend.delegate,
            },
            "oracleFee": {"ok": True, "message": "The oracle fee of a close is covered.", "amount": "0.1"},
        },
        "readyForOpenPosition": True,
        "readyForPositionManagement": True,
        "readyForClose": True,
        "refreshedAt": given["refreshedAt"],
    }


def test_readiness_and_overview_of_a_user_who_is_set_up(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "read_oracle_fee", lambda **_: UsdcUnits(100_000))
    safe = deploy_owned_safe(rpc_url=backend.rpc_url)
    row = activate(backend, safe)
    actors.mint_usdc(rpc_url=backend.rpc_url, address=safe.address, units=2_500_000)
    seen = backend.post("/v1/readiness", backend.about(safe))
    assert seen == expected_readiness(backend, safe, seen)

    overview = backend.post("/v1/setup/overview", backend.about(safe))
    assert overview["readiness"] == expected_readiness(backend, safe, overview["readiness"])
    assert overview["delegation"] == row
    assert [(item["id"], item["done"]) for item in overview["actionItems"]] == [(name, True) for name in ITEMS]
    assert set(overview) == {"network", "delegation", "readiness", "actionItems", "refreshedAt"}
    assert all(set(item) == {"id", "label", "done", "message"} for item in overview["actionItems"])


def test_the_overview_of_somebody_new(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> UsdcUnits:
        raise Unreachable(System.SUBGRAPH, "connect")

    monkeypatch.setattr(readiness, "read_oracle_fee", refuse)
    safe = deploy_owned_safe(rpc_url=backend.rpc_url)
    overview = backend.post("/v1/setup/overview", backend.about(safe))

    assert overview["delegation"] is None
    assert [item["done"] for item in overview["actionItems"]] == [True, False, False, False, True]
    assert overview["readiness"]["checks"]["oracleFee"] == {"ok": False, "message": readiness.UNREAD, "amount": None}
    assert not overview["readiness"]["readyForClose"]
    assert not Delegation.objects.exists()


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("allowance/prepare", {"amount": "1.0000001"}, 400, "VALIDATION_ERROR"),
        ("allowance/prepare", {"amount": "-1"}, 400, "VALIDATION_ERROR"),
        ("allowance/prepare", {"amount": "1000000001"}, 403, "LIMIT_EXCEEDED"),
        ("allowance/prepare", {}, 400, "SAFE_WALLET_MISSING"),
        ("allowance/execute", {}, 400, "VALIDATION_ERROR"),
        ("allowance/execute", {"signature": "0x" + "11" * 65}, 404, "SAFE_TX_NOT_FOUND"),
        ("delegations/report", {}, 400, "VALIDATION_ERROR"),
        ("delegations/report", {"txHash": "0x12"}, 400, "VALIDATION_ERROR"),
        ("delegations/report", {"txHash": "0x" + "12" * 32}, 404, "DELEGATION_NOT_FOUND"),
        ("readiness", {"safeAddress": "0x12"}, 400, "VALIDATION_ERROR"),
        ("setup/overview", {"network": "base"}, 400, "INVALID_NETWORK"),
    ],
)
def test_refusals(backend: Backend, path: str, body: dict[str, Any], status: int, code: str) -> None:
    known = {"network": "testnet", "userId": "user-1", "safeAddress": "0x" + "67" * 20}
    error = backend.post(f"/v1/{path}", {**known, **body}, status)

    assert (error["code"], error["retryable"]) == (code, False)
    assert not Delegation.objects.exists()
