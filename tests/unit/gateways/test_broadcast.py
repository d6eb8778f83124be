"""What nodes say about a transaction they do not take, in their own words."""

import pytest

from ostium_service.gateways.broadcast import SendOutcome, classify_send_error
from ostium_service.gateways.jsonrpc import NodeError

O = SendOutcome  # noqa: E741


@pytest.mark.parametrize(
    ("message", "outcome"),
    [
        ("already known", O.ALREADY_KNOWN),
        ("ALREADY_EXISTS: already known", O.ALREADY_KNOWN),
        ("AlreadyKnown", O.ALREADY_KNOWN),
        ("transaction already imported", O.ALREADY_KNOWN),
        ("Transaction with the same hash was already imported.", O.ALREADY_KNOWN),
        ("Known transaction", O.ALREADY_KNOWN),
        ("known transaction: 0x1234", O.ALREADY_KNOWN),
        ("nonce too low", O.NONCE_TOO_LOW),
        ("nonce too low: address 0x11, tx: 1 state: 2", O.NONCE_TOO_LOW),
        ("nonce too low: next nonce 5, tx nonce 3", O.NONCE_TOO_LOW),
        ("Transaction nonce is too low. Try incrementing the nonce.", O.NONCE_TOO_LOW),
        ("OldNonce, Current nonce: 5, nonce of rejected tx: 3", O.NONCE_TOO_LOW),
        ("nonce too high", O.NONCE_TOO_HIGH),
        ("nonce too high: address 0x11, tx: 9 state: 2", O.NONCE_TOO_HIGH),
        ("replacement transaction underpriced", O.UNDERPRICED),
        ("transaction underpriced: tip needed 1, tip permitted 0", O.UNDERPRICED),
        ("max fee per gas less than block base fee: address 0x11, maxFeePerGas: 1, baseFee: 2", O.FEE_TOO_LOW),
        ("max fee per gas less than block base fee", O.FEE_TOO_LOW),
        ("FeeTooLow, MaxFeePerGas too low", O.FEE_TOO_LOW),
        ("insufficient funds for gas * price + value: address 0x11 have 0 want 1", O.INSUFFICIENT_FUNDS),
        ("Insufficient funds for gas * price + value", O.INSUFFICIENT_FUNDS),
        ("insufficient funds for transfer", O.INSUFFICIENT_FUNDS),
        ("invalid sender", O.REJECTED),
        ("invalid chain id for signer: have 1 want 421614", O.REJECTED),
        ("intrinsic gas too low: have 20000, want 21000", O.REJECTED),
        ("transaction type not supported", O.REJECTED),
        ("unknown transaction type", O.REJECTED),
        ("unknown transaction", O.UNKNOWN),
        ("max priority fee per gas higher than max fee per gas", O.REJECTED),
        ("rlp: expected input list for types.DynamicFeeTx", O.REJECTED),
        ("exceeds block gas limit", O.REJECTED),
        ("execution reverted", O.REJECTED),
        ("tx fee (1.00 ether) exceeds the configured cap (0.10 ether)", O.REJECTED),
        ("context deadline exceeded", O.UNKNOWN),
        ("sequencer temporarily not available", O.UNKNOWN),
        ("internal error", O.UNKNOWN),
        ("queue full", O.UNKNOWN),
        ("some words of the year 2030", O.UNKNOWN),
        ("", O.UNKNOWN),
    ],
)
def test_wordings(message: str, outcome: SendOutcome) -> None:
    assert classify_send_error(NodeError(-32000, message, None)) is outcome


def test_the_worse_of_two_clues_counts() -> None:
    message = "already known, but invalid sender"
    assert classify_send_error(NodeError(-32000, message, None)) is O.REJECTED


@pytest.mark.parametrize("code", [-32700, -32600, -32601, -32602])
def test_a_node_that_never_looked_rejected_it(code: int) -> None:
    assert classify_send_error(NodeError(code, "some words", None)) is O.REJECTED


@pytest.mark.parametrize("code", [-32603, -32000, -32005, 0, 3])
def test_an_unknown_text_of_any_other_kind_proves_nothing(code: int) -> None:
    assert classify_send_error(NodeError(code, "some words", None)) is O.UNKNOWN
