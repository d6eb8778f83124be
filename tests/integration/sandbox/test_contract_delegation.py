"""Delegation: the one slot, signatures, and acting for a trader."""

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount

from sandbox import actors, addresses
from sandbox.actors import ZERO_ADDRESS
from sandbox.artifacts import get_contract
from tests.integration.sandbox.venue import BTC, E18, Order, Revert, Venue, find_event, names_of

TYPE_HASH = "dfebf82da7085298ffac1f7b1253b4b5a9602044b9d7148f4e6bf908f7196723"
DOMAIN = "1aeb413f2c234d7192d95912f690bb9c6fdc6bff6df8aa2aa8d21b9257577b47"
ACTING_FOR_SLOT = "0x" + "00" * 31 + "02"


@pytest.fixture
def delegate(venue: Venue) -> LocalAccount:
    return actors.create_account(rpc_url=venue.rpc_url)


def sign_delegation(
    delegator: LocalAccount, delegate: str, *, nonce: int, expiry: int, contract: str = addresses.TRADING
) -> tuple[int, bytes, bytes]:
    """EIP-712 as a wallet signs it, by eth_account's own encoder."""
    fields = ("delegator", "address"), ("delegate", "address"), ("nonce", "uint256"), ("expiry", "uint256")
    signed = Account.sign_typed_data(
        delegator.key,
        domain_data={"name": "Ostium", "version": "1", "chainId": 421614, "verifyingContract": contract},
        message_types={"Delegation": [{"name": name, "type": kind} for name, kind in fields]},
        message_data={
            "delegator": delegator.address,
            "delegate": delegate,
            "nonce": nonce,
            "expiry": expiry,
        },
    )
    return signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big")


def wrap(trader: str, function: str, *arguments: object) -> tuple[str, bytes]:
    return trader, get_contract("Trading").encode(function, *arguments)


def test_golden_eip712_values(venue: Venue) -> None:
    assert venue.read("Trading", "DELEGATION_TYPEHASH").hex() == TYPE_HASH
    assert venue.read("Trading", "DOMAIN_SEPARATOR").hex() == DOMAIN


def test_set_overwrite_and_remove(venue: Venue, trader: LocalAccount, delegate: LocalAccount) -> None:
    who = trader.address
    other = "0x" + "22" * 20
    assert venue.refusal(who, "setDelegate", ZERO_ADDRESS) == Revert("NullAddr")
    assert venue.refusal(who, "removeDelegate") == Revert("NoDelegate", (who.lower(),))
    events = venue.act(trader, "setDelegate", delegate.address)
    assert (names_of(events), events[0].arguments) == (
        ["DelegateAdded"],
        {"delegator": who, "delegate": delegate.address},
    )
    assert names_of(venue.act(trader, "setDelegate", other)) == ["DelegateAdded"]
    assert venue.read("Trading", "delegations", who).lower() == other
    assert venue.read("Trading", "delegatableNonces", who) == 2
    removed = venue.act(trader, "removeDelegate")
    assert removed[0].arguments["delegate"].lower() == other
    assert names_of(removed) == ["DelegateRemoved"]
    assert venue.read("Trading", "delegations", who) == ZERO_ADDRESS


def test_a_delegate_opens_edits_and_closes_for_the_trader(
    venue: Venue, trader: LocalAccount, delegate: LocalAccount
) -> None:
    venue.act(trader, "setDelegate", delegate.address)
    # The trade names the delegate as its trader: that field is ignored.
    order = Order().arguments(delegate.address)
    opened = venue.act(delegate, "delegatedAction", *wrap(trader.address, "openTrade", *order))
    initiated = find_event(opened, "MarketOpenOrderInitiated")
    assert initiated.arguments["trader"] == trader.address
    assert opened[0].arguments["from"] == trader.address
    venue.settle(initiated.arguments["orderId"], 90_000 * E18)
    assert venue.trade(trader.address)["collateral"] == 989_900_000
    assert venue.trade(delegate.address)["leverage"] == 0
    venue.act(delegate, "delegatedAction", *wrap(trader.address, "updateSl", BTC, 0, 89_000 * E18))
    assert venue.trade(trader.address)["sl"] == 89_000 * E18
    before = venue.usdc(trader.address)
    close = wrap(trader.address, "closeTradeMarket", BTC, 0, 10_000, 90_000 * E18, 100)
    closing = venue.act(delegate, "delegatedAction", *close)
    venue.settle(closing[-1].arguments["orderId"], 90_000 * E18)
    assert venue.usdc(trader.address) == before + 989_900_000
    assert venue.usdc(delegate.address) == 0


def test_refusals_of_a_delegated_action_in_order(venue: Venue, trader: LocalAccount, delegate: LocalAccount) -> None:
    who, acting = trader.address, delegate.address
    short = (who, b"\x12\x34\x56")
    assert venue.refusal(acting, "delegatedAction", *short) == Revert("NotDelegate", (who.lower(), acting.lower()))
    venue.act(trader, "setDelegate", acting)
    assert venue.refusal(acting, "delegatedAction", *short) == Revert("InvalidCallData")
    forbidden = [
        wrap(who, "setDelegate", acting),
        wrap(who, "removeDelegate"),
        wrap(who, "delegatedAction", who, b""),
        wrap(who, "setDelegateWithSignature", who, acting, 0, 0, 27, bytes(32), bytes(32)),
    ]
    for call in forbidden:
        assert venue.refusal(acting, "delegatedAction", *call) == Revert("DelegateForbidden")
    no_such_function = (who, bytes.fromhex("d119af05") + bytes(320))
    assert venue.refusal(acting, "delegatedAction", *no_such_function) == Revert("DelegatedActionFailed")
    inner = wrap(who, "closeTradeMarket", BTC, 4, 10_000, 1, 1)
    assert venue.refusal(acting, "delegatedAction", *inner) == Revert("NoTradeFound", (who.lower(), BTC, 4))
    poor = wrap(who, "openTrade", *Order(collateral=90_000 * 10**6, leverage=100).arguments(who))
    assert venue.refusal(acting, "delegatedAction", *poor) == Revert(
        "Error", ("ERC20: transfer amount exceeds balance",)
    )


def test_nesting_is_refused_first(venue: Venue, trader: LocalAccount) -> None:
    """Written into the state, as no contract that is called here calls back."""
    venue.node.request(
        "anvil_setStorageAt", addresses.TRADING, ACTING_FOR_SLOT, "0x" + trader.address[2:].rjust(64, "0")
    )
    assert venue.read("Trading", "_msgSender") == trader.address
    assert venue.refusal(trader.address, "delegatedAction", trader.address, b"") == Revert("DelegateReentrant")


def test_a_failed_action_leaves_nobody_acting(venue: Venue, trader: LocalAccount, delegate: LocalAccount) -> None:
    venue.act(trader, "setDelegate", delegate.address)
    venue.act(delegate, "delegatedAction", *wrap(trader.address, "openTrade", *Order().arguments(trader.address)))
    assert venue.refusal(delegate.address, "closeTradeMarket", BTC, 0, 0, 1, 1) == Revert(
        "NoTradeFound", (delegate.address.lower(), BTC, 0)
    )


def test_a_signature_sets_the_delegate(venue: Venue, trader: LocalAccount, delegate: LocalAccount) -> None:
    expiry = venue.now() + 1000
    signature = sign_delegation(trader, delegate.address, nonce=0, expiry=expiry)
    call = (trader.address, delegate.address, 0, expiry, *signature)
    events = venue.act(delegate, "setDelegateWithSignature", *call)
    assert names_of(events) == ["DelegateAdded"]
    assert venue.read("Trading", "delegations", trader.address) == delegate.address
    assert venue.refusal(delegate.address, "setDelegateWithSignature", *call) == Revert("InvalidNonce")


def test_refusals_of_a_signature_in_order(venue: Venue, trader: LocalAccount, delegate: LocalAccount) -> None:
    now = venue.now()
    acting = delegate.address
    other_contract = sign_delegation(trader, acting, nonce=0, expiry=now + 1000, contract=addresses.VAULT)

    def refuse(delegator: str, acting: str, nonce: int, expiry: int) -> Revert | None:
        arguments = (delegator, acting, nonce, expiry, *other_contract)
        return venue.refusal(delegate.address, "setDelegateWithSignature", *arguments)

    assert refuse(ZERO_ADDRESS, acting, 1, now - 10) == Revert("NullAddr")
    assert refuse(trader.address, ZERO_ADDRESS, 1, now - 10) == Revert("NullAddr")
    assert refuse(trader.address, acting, 1, now - 10) == Revert("SignatureExpired")
    assert refuse(trader.address, acting, 1, now + 1000) == Revert("InvalidNonce")
    assert refuse(trader.address, acting, 0, now + 1000) == Revert("InvalidSignature")


def test_setting_a_delegate_makes_an_older_signature_useless(
    venue: Venue, trader: LocalAccount, delegate: LocalAccount
) -> None:
    expiry = venue.now() + 1000
    signature = sign_delegation(trader, delegate.address, nonce=0, expiry=expiry)
    venue.act(trader, "setDelegate", addresses.ADMIN)
    call = (trader.address, delegate.address, 0, expiry, *signature)
    assert venue.refusal(delegate.address, "setDelegateWithSignature", *call) == Revert("InvalidNonce")
