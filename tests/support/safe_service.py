"""A small Safe Transaction Service on loopback: the real one's paths, shapes and rules, as far as ours are concerned.

Like the real one it hashes what is proposed, admits only owners as senders, keeps every signature with its kind, and
answers in camelCase with most amounts as text. It checks no signature against the chain.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from eth_utils.address import is_checksum_address, to_checksum_address
from hexbytes import HexBytes
from safe_eth.safe import SafeTx
from safe_eth.safe.safe_signature import SafeSignature

from ostium_service.types import Network
from sandbox.processes import LOOPBACK

Json = dict[str, Any]
NOW = "2026-11-25T12:00:00.000000Z"


@dataclass
class FakeSafeService:
    """What it knows, and what it was asked: (method, path, Authorization header, body)."""

    url: str = ""
    owners: dict[str, list[str]] = field(default_factory=dict)
    nonces: dict[str, int] = field(default_factory=dict)
    transactions: dict[str, Json] = field(default_factory=dict)
    asked: list[tuple[str, str, str | None, Json | None]] = field(default_factory=list)
    refuse_with: tuple[int, Json] | None = None

    def know(self, safe: str, owners: list[str], nonce: int = 0) -> None:
        """A Safe that its indexer has seen."""
        self.owners[safe], self.nonces[safe] = owners, nonce

    def confirm(self, digest: str, *, owner: str, signature: str | None, kind: str = "EOA") -> None:
        """An owner signs in the Safe app, or an approval on chain is indexed."""
        self.transactions[digest]["confirmations"].append(
            {
                "owner": owner,
                "submissionDate": NOW,
                "transactionHash": None,
                "signature": signature,
                "signatureType": kind,
            }
        )

    def show(self, safe: str, fields: Json, digest: str, *, sender: str) -> None:
        """A transaction that somebody else proposed, `fields` as our API gives them, under whatever hash."""
        self.transactions[digest] = _describe(safe, {**fields, "nonce": str(fields["nonce"])}, digest, sender)

    def answer(self, method: str, path: str, body: Json | None) -> tuple[int, Json | None]:
        """Status and body of one request."""
        match [part for part in path.split("/") if part]:
            case ["api", "v1", "safes", safe]:
                if safe not in self.owners:
                    return 404, {"detail": "Not found."}
                return 200, {"address": safe, "nonce": str(self.nonces[safe]), "owners": self.owners[safe]}
            case ["api", "v2", "multisig-transactions", digest]:
                found = self.transactions.get(digest)
                return (200, found) if found else (404, {"detail": "No MultisigTransaction matches the given query."})
            case ["api", "v2", "safes", safe, "multisig-transactions"] if method == "POST" and body is not None:
                return self._take(safe, body)
        return 404, {"detail": "Not found."}

    def _take(self, safe: str, body: Json) -> tuple[int, Json | None]:
        digest = _hash(safe, body)
        parsed = SafeSignature.parse_signature(HexBytes(body["signature"] or b""), HexBytes(digest))
        signers = [item.owner for item in parsed]
        problem = ""
        if not is_checksum_address(safe) or digest != body["contractTransactionHash"]:
            problem = "Contract-transaction-hash does not match provided contract-tx-hash"
        elif body["sender"] not in self.owners.get(safe, []):
            problem = f"Sender={body['sender']} is not an owner or delegate."
        elif signers and body["sender"] not in signers:
            problem = f"Signature does not match sender={body['sender']}."
        if problem:
            return 422, {"nonFieldErrors": [problem]}
        known = self.transactions.setdefault(digest, _describe(safe, body, digest, body["sender"]))
        known["trusted"] = known["trusted"] or bool(parsed)
        there = {item["owner"] for item in known["confirmations"]}
        for item in parsed:
            if item.owner not in there:
                signature = "0x" + bytes(item.export_signature()).hex()
                self.confirm(digest, owner=item.owner, signature=signature, kind=item.signature_type.name)
        return 201, None


def _hash(safe: str, body: Json) -> str:
    tx = SafeTx(
        None,  # type: ignore[arg-type]  # only asked for what is given here
        to_checksum_address(safe),
        body["to"],
        int(body["value"]),
        HexBytes(body["data"] or b""),
        body["operation"],
        int(body["safeTxGas"]),
        int(body["baseGas"]),
        int(body["gasPrice"]),
        body["gasToken"],
        body["refundReceiver"],
        safe_nonce=int(body["nonce"]),
        safe_version="1.4.1",
        chain_id=Network.TESTNET.chain_id,
    )
    return "0x" + bytes(tx.safe_tx_hash).hex()


def _describe(safe: str, body: Json, digest: str, sender: str) -> Json:
    unset = (
        *("executionDate", "blockNumber", "transactionHash", "proposedByDelegate", "executor", "isSuccessful"),
        *("ethGasPrice", "maxFeePerGas", "maxPriorityFeePerGas", "gasUsed", "fee", "payment", "dataDecoded"),
        "signatures",
    )
    amounts = {name: str(body[name]) for name in ("value", "safeTxGas", "baseGas", "gasPrice", "nonce")}
    same = {name: body[name] for name in ("to", "data", "operation", "gasToken", "refundReceiver")}
    told = {"safe": safe, "safeTxHash": digest, "proposer": sender, "origin": json.dumps(body.get("origin"))}
    dates = {"submissionDate": NOW, "modified": NOW}
    state = {"isExecuted": False, "trusted": False, "confirmationsRequired": 1, "confirmations": []}
    return {**dict.fromkeys(unset), **same, **amounts, **told, **dates, **state}


@contextmanager
def run_safe_service() -> Iterator[FakeSafeService]:
    """A server of its own for a test."""
    state = FakeSafeService()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._respond("GET", None)

        def do_POST(self) -> None:
            self._respond("POST", json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Quiet."""

        def _respond(self, method: str, body: Json | None) -> None:
            state.asked.append((method, self.path, self.headers.get("Authorization"), body))
            status, answer = state.refuse_with or state.answer(method, self.path, body)
            content = b"" if answer is None else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    with ThreadingHTTPServer((LOOPBACK, 0), Handler) as server:
        state.url = f"http://{LOOPBACK}:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()
