"""The steps of a transaction's life, as the tests of the relay take them."""

import json
import time
from datetime import timedelta
from io import StringIO
from typing import Any

from django.core.management import call_command
from django.db import transaction

from ostium_service import composition
from ostium_service.gateways.arbitrum import SendOutcome
from ostium_service.gateways.delegate_key import SignedTransaction
from ostium_service.types import Network
from relay.clock import database_now
from relay.models import OutboundTransaction
from relay.services import Prepared, sign_and_store, wait_for_receipt
from sandbox import actors
from tests.integration.relay.conftest import World

PATIENCE = 15.0
SEND_WITHIN = timedelta(seconds=60)
FOREIGN_FEE = 10**9


def store(prepared: Prepared) -> OutboundTransaction:
    """Signed and stored, not sent."""
    with transaction.atomic():
        return sign_and_store(prepared=prepared, send_within=SEND_WITHIN)


def expire(row: OutboundTransaction) -> None:
    """Let the row's deadline pass."""
    OutboundTransaction.objects.filter(pk=row.pk).update(deadline=database_now())


def wait(row: OutboundTransaction) -> OutboundTransaction:
    """The row as it ended."""
    return wait_for_receipt(transaction_id=row.pk, deadline=time.monotonic() + PATIENCE)


def story(row: OutboundTransaction) -> list[tuple[str, str, str]]:
    """From, to and reason of every event."""
    return list(row.events.values_list("from_state", "to_state", "reason"))


def run(name: str, *arguments: str) -> dict[str, Any]:
    """The JSON that a management command prints."""
    output = StringIO()
    call_command(name, *arguments, stdout=output)
    found: dict[str, Any] = json.loads(output.getvalue())
    return found


def send_by_hand(world: World, raw: bytes, tx_hash: str) -> None:
    """Put bytes on the chain without the relay's knowledge, and see them mined."""
    assert composition.arbitrum(Network.TESTNET).send_raw(raw) is SendOutcome.ACCEPTED
    actors.wait_outcome(node=actors.open_node(world.rpc_url), transaction_hash=tx_hash)


def use_key_elsewhere(world: World, *, nonce: int) -> SignedTransaction:
    """A self-transfer, mined, by somebody who has a copy of the delegate's key."""
    key = composition.vault().delegate_key(Network.TESTNET, world.delegate)
    foreign = key.sign_transaction(
        {
            "chainId": Network.TESTNET.chain_id,
            "nonce": nonce,
            "to": world.delegate,
            "value": 0,
            "data": b"",
            "gas": 21_000,
            "maxFeePerGas": FOREIGN_FEE,
            "maxPriorityFeePerGas": 0,
        }
    )
    send_by_hand(world, foreign.raw, foreign.tx_hash)
    return foreign
