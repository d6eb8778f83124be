"""Refusals that a Safe itself gives cause for: the whole error over HTTP."""

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from delegations.models import Delegation
from ostium_service.http.errors import CATALOGUE
from relay.models import OutboundTransaction
from sandbox import addresses
from sandbox.node import Node
from tests.contract.test_delegations_api import Backend, backend
from tests.contract.test_refused_trades import error_of
from tests.support.safes import deploy_owned_safe, sign_typed

__all__ = ["backend"]

PREPARE = "/v1/delegations/prepare"
EXECUTE = "/v1/delegations/execute"
PATHS = {"delegation": PREPARE, "allowance": "/v1/allowance/prepare"}


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_s17_a_safe_with_code_that_no_table_lists(backend: Backend, path: str) -> None:
    safe, node = deploy_owned_safe(rpc_url=backend.rpc_url, version="1.3.0"), Node(backend.rpc_url)
    elsewhere = "0x" + "69" * 20
    code = node.request("eth_getCode", addresses.SAFE_CONTRACTS["1.3.0"]["GnosisSafeL2"], "latest")
    node.request("anvil_setCode", elsewhere, code)
    node.request("anvil_setStorageAt", safe.address, "0x" + "0" * 64, "0x" + elsewhere[2:].rjust(64, "0"))
    error = backend.post(path, backend.about(safe), 400)
    assert error == error_of("SAFE_VERSION_UNSUPPORTED", error["details"])
    assert "1.3.0" in str(error["details"])
    assert not Delegation.objects.exists()


def test_s21_a_safe_that_a_key_of_ours_owns(backend: Backend) -> None:
    safe = deploy_owned_safe(rpc_url=backend.rpc_url, more=[backend.delegate])
    error = backend.post(PREPARE, backend.about(safe), 403)
    assert error == error_of("TRADER_NOT_ALLOWED", {"reason": "service_key_is_owner_or_module"})
    assert not Delegation.objects.exists()


def test_w23_a_safe_that_another_user_has(backend: Backend) -> None:
    safe = deploy_owned_safe(rpc_url=backend.rpc_url)
    prepared = backend.post(PREPARE, backend.about(safe))
    signature = sign_typed(safe.owners[0], prepared["typedData"])
    backend.post(EXECUTE, backend.about(safe, signature=signature))
    error = backend.post(PREPARE, {**backend.about(safe), "userId": "user-2"}, 403)
    assert error == error_of("TRADER_NOT_ALLOWED", {"reason": "safe_claimed"})
    assert Delegation.objects.count() == 1


def test_s17_a_guard_that_would_refuse(backend: Backend) -> None:
    safe, guard = deploy_owned_safe(rpc_url=backend.rpc_url, version="1.3.0"), "0x" + "68" * 20
    Node(backend.rpc_url).request("anvil_setCode", guard, "0x60006000fd")
    assert safe.execute(to=safe.address, data=call("setGuard(address)", guard)).succeeded
    error = backend.post(PREPARE, backend.about(safe), 409)
    assert error == error_of("SAFE_TX_REVERTED", {"reason": "guard_refused", "guard": guard})


def test_s11_a_nonce_that_moved_between_prepare_and_execute(backend: Backend) -> None:
    safe = deploy_owned_safe(rpc_url=backend.rpc_url)
    prepared = backend.post(PREPARE, backend.about(safe))
    signature = sign_typed(safe.owners[0], prepared["typedData"])
    taker = safe.execute(to=safe.owners[0].address, data=b"")
    error = backend.post(EXECUTE, backend.about(safe, signature=signature), 409)
    assert error == error_of("SAFE_NONCE_STALE", error["details"])
    assert taker.transaction_hash in str(error["details"])
    assert (CATALOGUE["SAFE_NONCE_STALE"].status, OutboundTransaction.objects.count()) == (409, 0)


def call(signature: str, address: str) -> bytes:
    return keccak(text=signature)[:4] + encode(["address"], [address])
