"""The two calls of a faucet request, which the gate knows on testnet only."""

import pytest

from ostium_service.gateways.ostium_contracts import DEFAULT_ADDRESSES, encode_approve
from ostium_service.gateways.ostium_faucet import encode_request_tokens, encode_transfer
from ostium_service.http.errors import DelegationNotActive, NetworkPaused, OstiumInternalError
from ostium_service.types import Address, Network, UsdcUnits
from safeguards import gate
from safeguards.gate import MAX_FAUCET_PAYMENT, authorize_call

ADDRESSES = DEFAULT_ADDRESSES[Network.TESTNET]
FAUCET = ADDRESSES.faucet or Address("")
TRADER = Address("0x1111111111111111111111111111111111111111")
SIGNER = Address("0x3333333333333333333333333333333333333333")


@pytest.fixture(autouse=True)
def grants(monkeypatch: pytest.MonkeyPatch) -> list[Address]:
    """The traders whose grant names the signer; asked in place of the table."""
    granted = [TRADER]

    def check(*, network: Network, trader: Address, signer: Address) -> None:
        if trader not in granted or signer != SIGNER:
            raise DelegationNotActive

    monkeypatch.setattr(gate, "_check_grant", check)
    return granted


def authorize(
    to: Address, data: bytes, *, value: int = 0, network: Network = Network.TESTNET, is_retiring: bool = False
) -> None:
    authorize_call(
        network=network,
        addresses=ADDRESSES,
        signer=SIGNER,
        to=to,
        value=value,
        data=data,
        our_signers={SIGNER},
        is_retiring=is_retiring,
    )


def pay(amount: int, receiver: Address = TRADER) -> bytes:
    return encode_transfer(receiver=receiver, amount=UsdcUnits(amount))


def test_asking_the_faucet_and_passing_on_what_it_paid() -> None:
    authorize(FAUCET, encode_request_tokens())
    authorize(ADDRESSES.usdc, pay(10_000_000_000))
    authorize(ADDRESSES.usdc, pay(MAX_FAUCET_PAYMENT))


REFUSED = {
    "another call of the faucet": (FAUCET, bytes.fromhex("8456cb59")),
    "trailing bytes": (FAUCET, encode_request_tokens() + b"\x00"),
    "nothing": (FAUCET, b""),
    "more than the faucet pays": (ADDRESSES.usdc, pay(MAX_FAUCET_PAYMENT + 1)),
    "a payment with trailing bytes": (ADDRESSES.usdc, pay(1) + bytes(32)),
    "a payment cut short": (ADDRESSES.usdc, pay(1)[:-1]),
    "an approval of the signer's own": (ADDRESSES.usdc, encode_approve(TRADER, UsdcUnits(1))),
    "a payment by another token": (TRADER, pay(1)),
    "the faucet's call elsewhere": (ADDRESSES.usdc, encode_request_tokens()),
}


@pytest.mark.parametrize(("to", "data"), REFUSED.values(), ids=REFUSED.keys())
def test_anything_near_it_is_refused(to: Address, data: bytes) -> None:
    with pytest.raises(OstiumInternalError) as refusal:
        authorize(to, data)
    assert refusal.value.details == {"reason": "call_refused"}


@pytest.mark.parametrize(("to", "data"), [(FAUCET, encode_request_tokens()), (ADDRESSES.usdc, pay(1))])
def test_both_are_refused_on_mainnet_and_with_a_value(to: Address, data: bytes) -> None:
    with pytest.raises(OstiumInternalError):
        authorize(to, data, network=Network.MAINNET)
    with pytest.raises(OstiumInternalError):
        authorize(to, data, value=1)


def test_a_payment_to_anybody_without_a_grant_is_refused() -> None:
    with pytest.raises(DelegationNotActive):
        authorize(ADDRESSES.usdc, pay(1, SIGNER))


def test_a_retiring_signer_passes_tokens_on_but_asks_for_no_more() -> None:
    authorize(ADDRESSES.usdc, pay(1), is_retiring=True)
    with pytest.raises(NetworkPaused):
        authorize(FAUCET, encode_request_tokens(), is_retiring=True)
