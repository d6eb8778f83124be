"""The token, the faucet, the vault, and who may turn which knob."""

from typing import Any

import pytest
from eth_account.signers.local import LocalAccount

from sandbox import actors, addresses
from sandbox.actors import USDC
from sandbox.artifacts import get_contract
from sandbox.deploy import FAUCET_AMOUNT, FAUCET_WAIT_SECONDS, VAULT_FUNDS, name_bytes
from sandbox.listing import GROUPS, LISTINGS
from tests.integration.sandbox.venue import BTC, E18, Order, Revert, Venue, find_event


def test_the_token_has_six_decimals_and_the_mainnet_words(venue: Venue, trader: LocalAccount) -> None:
    token = [venue.read("Usdc", function) for function in ("name", "symbol", "decimals")]
    assert token == ["USD Coin", "USDC", 6]
    who = trader.address
    too_much = 50_000 * USDC + 1
    refused = venue.refusal(who, "transfer", addresses.ADMIN, too_much, contract="Usdc")
    assert refused == Revert("Error", ("ERC20: transfer amount exceeds balance",))
    refused = venue.refusal(addresses.ADMIN, "transferFrom", who, addresses.ADMIN, 1, contract="Usdc")
    assert refused == Revert("Error", ("ERC20: transfer amount exceeds allowance",))
    refused = venue.refusal(who, "mint", who, 1, contract="Usdc")
    assert refused == Revert("Error", ("FiatToken: caller is not a minter",))


def test_the_faucet_pays_its_caller_once_a_day(venue: Venue) -> None:
    caller = actors.create_account(rpc_url=venue.rpc_url)
    faucet = get_contract("Faucet")

    def request() -> bool:
        data = faucet.encode("requestTokens")
        return actors.send_signed(rpc_url=venue.rpc_url, account=caller, to=faucet.address, data=data).succeeded

    assert venue.read("Faucet", "tokenAmount") == FAUCET_AMOUNT
    assert venue.read("Faucet", "waitTime") == FAUCET_WAIT_SECONDS
    assert request() is True
    assert venue.usdc(caller.address) == FAUCET_AMOUNT
    assert venue.read("Faucet", "nextRequestTime", caller.address) == venue.now() + FAUCET_WAIT_SECONDS
    assert request() is False
    assert venue.refusal(caller.address, "requestTokens", contract="Faucet") == Revert("NotAllowed")
    actors.pass_time(rpc_url=venue.rpc_url, seconds=FAUCET_WAIT_SECONDS)
    assert request() is True
    assert venue.usdc(caller.address) == 2 * FAUCET_AMOUNT


def test_the_vault_pays_for_the_callbacks_only(venue: Venue, trader: LocalAccount) -> None:
    assert venue.read("Vault", "totalAssets") == VAULT_FUNDS
    refused = venue.refusal(trader.address, "sendAssets", 1, trader.address, contract="Vault")
    assert refused == Revert("NotCallbacks", (trader.address.lower(),))


def test_fees_pile_up_and_only_the_administrator_claims_them(venue: Venue, trader: LocalAccount) -> None:
    before = venue.read("TradingStorage", "devFees")
    venue.open_position(trader)
    collected = venue.read("TradingStorage", "devFees") - before
    assert collected == 7 * USDC + 100_000
    refused = venue.refusal(trader.address, "claimFees", 1, contract="TradingStorage")
    assert refused == Revert("NotGov", (trader.address.lower(),))
    mine = venue.usdc(addresses.ADMIN)
    venue.admin("TradingStorage", "claimFees", collected)
    assert venue.usdc(addresses.ADMIN) == mine + collected


@pytest.mark.parametrize(
    ("contract", "function", "arguments"),
    [
        ("Trading", "pause", ()),
        ("Trading", "done", ()),
        ("Trading", "setMarketOrdersTimeout", (1,)),
        ("Trading", "setTriggerTimeout", (1,)),
        ("Trading", "setMaxAllowedCollateral", (1,)),
        ("TradingCallbacks", "pause", ()),
        ("TradingCallbacks", "setCloseFeeParams", (1, 1)),
        ("TradingCallbacks", "setMaxSl_P", (1,)),
        ("TradingStorage", "setMaxTradesPerPair", (1,)),
        ("TradingStorage", "setMaxPendingMarketOrders", (1,)),
        ("TradingStorage", "setMaxOpenInterest", (0, 1)),
        ("PairInfos", "updateRolloverFees", (0, 1)),
        ("PairInfos", "updatePairBrokerPremium", (0, 1)),
        ("PairInfos", "setPairOpeningFees", (0, (0, 0, 0, 0, 0, 0))),
        ("PairsStorage", "setPairMaxLeverage", (0, 1)),
        ("PairsStorage", "updateFee", (0, (bytes(32), 1, 1, 1))),
        ("Faucet", "setFaucetParams", (1, 1)),
        ("Registry", "setContracts", ([], [])),
    ],
)
def test_knobs_are_the_administrators(
    venue: Venue, trader: LocalAccount, contract: str, function: str, arguments: tuple[Any, ...]
) -> None:
    refused = venue.refusal(trader.address, function, *arguments, contract=contract)
    assert refused == Revert("NotGov", (trader.address.lower(),))
    assert venue.refusal(addresses.ADMIN, function, *arguments, contract=contract) is None


@pytest.mark.parametrize(
    ("function", "arguments", "error"),
    [
        ("handleOracleFee", (1,), "NotTradingOrCallbacks"),
        ("transferUsdc", (addresses.TRADING_STORAGE, addresses.ADMIN, 1), "NotTradingOrCallbacks"),
        ("unregisterTrade", (addresses.ADMIN, 0, 0, 1), "NotCallbacks"),
        ("updateTp", (addresses.ADMIN, 0, 0, 1), "NotTrading"),
    ],
)
def test_nobody_else_writes_to_the_storage(venue: Venue, function: str, arguments: tuple[Any, ...], error: str) -> None:
    refused = venue.refusal(addresses.ADMIN, function, *arguments, contract="TradingStorage")
    assert refused == Revert(error, (addresses.ADMIN.lower(),))


def test_a_second_initialisation_is_refused(venue: Venue) -> None:
    again = {
        "Trading": (addresses.ADMIN, 1, 1, 1),
        "TradingStorage": (addresses.ADMIN, addresses.USDC),
        "TradingCallbacks": (addresses.ADMIN,),
        "Registry": (addresses.KEEPER,),
        "PriceUpKeep": (addresses.ADMIN, addresses.ADMIN),
    }
    for contract, arguments in again.items():
        refused = venue.refusal(addresses.ADMIN, "initialize", *arguments, contract=contract)
        assert refused == Revert("InvalidInitialization")


def test_the_registry_names_every_contract(venue: Venue) -> None:
    assert venue.read("Trading", "registry") == addresses.REGISTRY
    oracle = venue.read("PairsStorage", "oracle", BTC)
    names = {
        "trading": addresses.TRADING,
        "tradingStorage": addresses.TRADING_STORAGE,
        "callbacks": addresses.CALLBACKS,
        "pairsStorage": addresses.PAIRS_STORAGE,
        "pairInfos": addresses.PAIR_INFOS,
        "priceRouter": addresses.PRICE_ROUTER,
        "vault": addresses.VAULT,
        "tradesUpKeep": addresses.KEEPER,
        f"{oracle}PriceUpkeep": addresses.PRICE_UP_KEEP,
    }
    found = {name: venue.read("Registry", "getContractAddress", name_bytes(name)) for name in names}
    assert found == names
    unknown = name_bytes("nothing")
    refused = venue.refusal(addresses.ADMIN, "getContractAddress", unknown, contract="Registry")
    assert refused == Revert("UnknownContract", (unknown,))


def test_the_listing_is_on_the_chain(venue: Venue) -> None:
    listed = [number for number in range(64) if venue.read("PairsStorage", "isPairIndexListed", number)]
    assert listed == sorted(LISTINGS)
    for number, entry in LISTINGS.items():
        pair = venue.read("PairsStorage", "pairs", number)
        assert (pair["from"], pair["to"]) == (name_bytes(entry.base), name_bytes(entry.quote))
        assert venue.read("PairsStorage", "pairFeed", number) == entry.feed
        maximum = entry.max_leverage or GROUPS[entry.group][1]
        assert venue.read("PairsStorage", "pairMaxLeverage", number) == maximum
        assert venue.read("PairsStorage", "pairOvernightMaxLeverage", number) == entry.overnight_max_leverage
        assert venue.read("PairsStorage", "pairMinLevPos", number) == 4_500_000
        assert venue.read("PairInfos", "pairOpeningFees", number)["takerFeeP"] == entry.taker_fee
        assert venue.read("TradingStorage", "openInterest", number, 2) == entry.cap_usd * USDC


def test_no_usdc_appears_or_vanishes_in_a_day_of_trading(venue: Venue, trader: LocalAccount) -> None:
    """Whatever happens between the parties, their balances add up to what was minted."""
    parties = [trader.address, addresses.TRADING_STORAGE, addresses.VAULT]
    before = sum(venue.usdc(party) for party in parties)
    for mid, order in ((95_000, Order()), (85_000, Order(leverage=5_000)), (88_000, Order(buy=False))):
        stored = venue.open_position(trader, order)
        venue.settle(venue.close(trader, BTC, stored["index"], percent=3_000, price=mid * E18), mid * E18)
        venue.settle(venue.close(trader, BTC, stored["index"], price=mid * E18), mid * E18)
    venue.force_cancel(venue.place(trader, Order()), 3)
    assert sum(venue.usdc(party) for party in parties) == before
    assert venue.usdc(addresses.TRADING_STORAGE) == venue.read("TradingStorage", "devFees")


def test_the_early_close_fee_decays_and_never_exceeds_the_profit(venue: Venue, trader: LocalAccount) -> None:
    """0.40 % of the notional at the open, nothing after 15 seconds (facts 3.8)."""
    venue.admin("TradingCallbacks", "setCloseFeeParams", 15, 400_000)
    assert venue.read("TradingCallbacks", "closeFeeStartingP") == 400_000
    full_fee = 9_899_000_000 * 400_000 // 10**8
    for waited, price in ((5, 91_000), (5, 90_009), (15, 91_000), (5, 89_000)):
        venue.open_position(trader)
        order_id = venue.close(trader, BTC, 0, price=price * E18)
        created = venue.info(trader.address)["createdAt"]
        venue.node.request("evm_setNextBlockTimestamp", created + waited)
        events = venue.settle(order_id, price * E18)
        profit = 9_899_000_000 * (price - 90_000) // 90_000
        rate = 400_000 * (15 - waited) // 15
        wanted = max(0, min(9_899_000_000 * rate // 10**8, profit))
        charged = [event.arguments["closeFee"] for event in events if event.name == "CloseFeeCharged"]
        assert sum(charged) == pytest.approx(wanted, abs=1)
        assert wanted < full_fee
        sent = find_event(events, "MarketCloseExecutedV2").arguments["usdcSentToTrader"]
        assert sent + sum(charged) == pytest.approx(989_900_000 + profit, abs=100)
