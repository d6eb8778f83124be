"""Our typed data in the hands of real wallets: ethers, and Safe's own protocol-kit. Development only."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from delegations.models import SafeTransaction
from ostium_service.gateways.safe import encode_exec_transaction
from tests.integration.delegations.conftest import Desk, fresh
from tests.integration.delegations.test_collecting import stored_transaction
from tests.support.node import find_node
from tests.support.safes import OwnedSafe

WALLETS = Path(__file__).resolve().parents[2] / "wallets"
SECONDS = 60

pytestmark = [
    pytest.mark.skipif(find_node() is None, reason="no Node on this machine: run `make setup`"),
    pytest.mark.skipif(
        not (WALLETS / "node_modules").is_dir(),
        reason="the wallets' packages are not installed: run `make tests/wallets/node_modules/.stamp`",
    ),
]


def ask(wallet: str, **request: Any) -> dict[str, Any]:
    """What the wallet's code answers; its keys are of this test alone."""
    node = find_node()
    assert node is not None
    done = subprocess.run(
        [node, str(WALLETS / "sign.mjs")],
        input=json.dumps({"wallet": wallet, **request}),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def ask_protocol_kit(safe: OwnedSafe, place: int, row: SafeTransaction) -> dict[str, Any]:
    key = "0x" + bytes(safe.owners[place].key).hex()
    return ask("protocolKit", key=key, rpcUrl=safe.rpc_url, safe=safe.address, safeTxData=row.safe_tx_data)


@pytest.mark.parametrize("version", ["1.3.0", "1.4.1"])
@pytest.mark.parametrize("allowance", [None, 5_000_000], ids=["one call", "a batch"])
def test_ethers_signs_our_typed_data(desk: Desk, version: str, allowance: int | None) -> None:
    safe = desk.new_safe(version=version)
    prepared = desk.prepare(safe, allowance=allowance)
    key = "0x" + bytes(safe.owners[0].key).hex()
    answer = ask("ethers", key=key, typedData=prepared.typed_data)

    desk.execute(prepared, [answer["signature"]])
    assert fresh(prepared).delegation.status == "ACTIVE"
    assert [item.kind for item in prepared.safe_transaction.confirmations.all()] == ["eip712"]


@pytest.mark.parametrize("version", ["1.3.0", "1.4.1"])
def test_the_protocol_kit_builds_and_signs_the_same_transaction(desk: Desk, version: str) -> None:
    safe = desk.new_safe(owners=2, threshold=2, version=version)
    prepared = desk.prepare(safe)
    row = prepared.safe_transaction
    first, second = (ask_protocol_kit(safe, place, row) for place in range(2))

    assert first["safeTxHash"] == second["safeTxHash"] == row.safe_tx_hash
    assert {name: str(value) for name, value in first["fields"].items()} == {
        name: str(value) for name, value in row.safe_tx_data.items()
    }
    desk.execute(prepared, [first["signatures"]["eth_signTypedData_v4"], second["signatures"]["eth_sign"]])
    assert fresh(prepared).delegation.status == "ACTIVE"
    assert {item.kind for item in row.confirmations.all()} == {"eip712", "eth_sign"}


@pytest.mark.parametrize("version", ["1.3.0", "1.4.1"])
def test_the_safe_itself_takes_the_protocol_kits_signature_of_our_transaction(desk: Desk, version: str) -> None:
    safe = desk.new_safe(version=version)
    prepared = desk.prepare(safe)
    answer = ask_protocol_kit(safe, 0, prepared.safe_transaction)
    signature = bytes.fromhex(answer["signatures"]["eth_signTypedData_v4"][2:])

    assert safe.send(encode_exec_transaction(stored_transaction(prepared.safe_transaction), signature)).succeeded
    assert desk.delegate_on_chain(safe) == desk.delegate
