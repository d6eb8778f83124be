"""The testnet faucet and moving the USDC that it pays: call data and logs, exact both ways. No I/O.

The faucet pays its caller, so a delegate asks for tokens and passes them on. Amounts are USDC x 1e6.
"""

from dataclasses import dataclass

from eth_utils.crypto import keccak

from ostium_service.gateways.ostium_abi import NotEncoded, Parameter, declare, decode_values, load_functions
from ostium_service.gateways.ostium_reads import Read
from ostium_service.gateways.rpc_values import Log
from ostium_service.types import Address, UsdcUnits

_FAUCET = load_functions("faucet_testnet", ("requestTokens", "tokenAmount"))
_TRANSFER = declare("transfer(address,uint256) returns (bool)")
_TRANSFER_TOPIC = keccak(text="Transfer(address,address,uint256)")
_TOPICS_OF_TRANSFER = 3

TOKEN_AMOUNT: Read[UsdcUnits] = Read(_FAUCET["tokenAmount"], UsdcUnits)
"""What one request pays."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """An ERC-20 transfer that a log tells of; anyone may emit one, so compare the log's address."""

    sender: Address
    receiver: Address
    amount: UsdcUnits


def encode_request_tokens() -> bytes:
    """requestTokens; refused with NotAllowed before the caller's waiting time is over."""
    return _FAUCET["requestTokens"].encode()


def encode_transfer(*, receiver: Address, amount: UsdcUnits) -> bytes:
    """USDC transfer of the caller's own tokens."""
    return _TRANSFER.encode(receiver, amount)


def decode_transfer_call(data: bytes) -> tuple[Address, int] | None:
    """Receiver and amount of a `transfer`, None for anything but its one canonical encoding."""
    if data[:4] != _TRANSFER.selector:
        return None
    try:
        receiver, amount = decode_values(_TRANSFER.inputs, data[4:])
    except NotEncoded:
        return None
    return receiver, amount


def decode_transfer_log(log: Log) -> Transfer | None:
    """The transfer behind a log, None for any other log."""
    if len(log.topics) != _TOPICS_OF_TRANSFER or log.topics[0] != _TRANSFER_TOPIC:
        return None
    parameters = (Parameter("from", "address"), Parameter("to", "address"), Parameter("value", "uint256"))
    try:
        sender, receiver, amount = decode_values(parameters, b"".join(log.topics[1:]) + log.data)
    except NotEncoded:
        return None
    return Transfer(sender, receiver, UsdcUnits(amount))
