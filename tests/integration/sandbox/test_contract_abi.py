"""The compiled interface against ostium-python-sdk 3.3.1 and the facts; the artifacts against their sources."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from eth_utils import keccak
from ostium_python_sdk.abi.callbacks_abi import callbacks_abi
from ostium_python_sdk.abi.faucet_testnet_abi import faucet_abi
from ostium_python_sdk.abi.pairs_info_abi import pairs_info_abi
from ostium_python_sdk.abi.pairs_storage_abi import pairs_storage_abi
from ostium_python_sdk.abi.trading_abi import trading_abi
from ostium_python_sdk.abi.trading_storage_abi import trading_storage_abi
from ostium_python_sdk.abi.usdc_abi import usdc_abi

from sandbox.abis import canonical_type
from sandbox.artifacts import ARTIFACTS, DEPLOYED_AT, get_contract, load_artifact

SDK: dict[str, list[dict[str, Any]]] = {
    "Trading": trading_abi,
    "TradingStorage": trading_storage_abi,
    "TradingCallbacks": callbacks_abi,
    "PairInfos": pairs_info_abi,
    "PairsStorage": pairs_storage_abi,
    "Faucet": faucet_abi,
    "Usdc": usdc_abi,
}

# What the venue has under no such name; everything else must be the SDK's to the letter.
SANDBOX_ONLY = {
    "TradingCallbacks": {"forceCancel(uint256,uint8,uint8)"},
    "Faucet": {"initialize(address,address,uint256,uint256)", "EnforcedPause()", "InvalidInitialization()"},
    "Usdc": {"initialize(address)", "setMinter(address,bool)"},
}

SELECTORS = {
    "Trading": {
        "openTrade": "1365e4e4",
        "closeTradeMarket": "efc10755",
        "cancelOpenLimitOrder": "c444e746",
        "updateOpenLimitOrder": "4f9a9e64",
        "updateTp": "be9267be",
        "updateSl": "e2441c04",
        "topUpCollateral": "0a21b1a1",
        "removeCollateral": "56ac637e",
        "openTradeMarketTimeout": "876d3abd",
        "closeTradeMarketTimeout": "3f21ea62",
        "setDelegate": "ca5eb5e1",
        "removeDelegate": "36fb8b15",
        "delegations": "bffe3486",
        "delegatedAction": "9a10cc32",
        "setDelegateWithSignature": "055af781",
        "delegatableNonces": "cf43af20",
        "DELEGATION_TYPEHASH": "e7a324dc",
        "DOMAIN_SEPARATOR": "3644e515",
        "isPaused": "b187bd26",
        "isDone": "8f062227",
        "marketOrdersTimeout": "410c0b7c",
        "triggerTimeout": "fc8b2698",
        "maxAllowedCollateral": "bf815d2e",
        "registry": "7b103999",
        "executeAutomationOrder": "01a69331",
    },
    "TradingStorage": {
        "getOpenTrade": "4f786488",
        "getOpenTradeInfo": "54307131",
        "getOpenLimitOrder": "806f988e",
        "hasOpenLimitOrder": "3d3aa417",
        "getPendingOrderIds": "5c76ac9e",
        "reqID_pendingMarketOrder": "b66e6b05",
        "reqID_pendingAutomationOrder": "909e44d4",
        "getPendingRemoveCollateral": "a1a79355",
        "openTradesCount": "f3608d12",
        "openLimitOrdersCount": "c55ef9b1",
        "pendingMarketOpenCount": "e71f8f4b",
        "maxTradesPerPair": "f65d9dbe",
        "maxPendingMarketOrders": "8049fde7",
        "openInterest": "7a523273",
        "orderTriggerBlock": "80a075e4",
        "limitOrderIds": "43d56819",
    },
    "PairsStorage": {
        "pairMaxLeverage": "0bdf25df",
        "pairOvernightMaxLeverage": "0d3cd59f",
        "pairOracleFee": "baceb009",
        "pairMinLevPos": "d9df69f2",
        "pairs": "c2b10883",
        "groups": "e6587a86",
        "fees": "357c1354",
        "oracle": "0616dbc4",
    },
    "TradingCallbacks": {"closeFeeDecayWindow": "c939806d", "closeFeeStartingP": "c49d205c"},
    "PairInfos": {
        "getTradeLiquidationPrice": "6269f5d3",
        "getTradeValuePure": "36efc617",
        "getPairRolloverFees": "e99bb41e",
        "pairDynamicSpreadParams": "ef02184f",
        "pairDynamicSpreadState": "8b5c9065",
        "tradeInitialAccFees": "cfd06812",
    },
    "Registry": {"getContractAddress": "0d2020dd"},
    "ArbSys": {"arbBlockNumber": "a3b1b31d"},
    "Faucet": {
        "requestTokens": "359cf2b7",
        "nextRequestTime": "666841e9",
        "tokenAmount": "eec7faa1",
        "waitTime": "ccca123b",
    },
    "Usdc": {"approve": "095ea7b3", "allowance": "dd62ed3e"},
}

TOPICS = {
    "MarketOpenOrderInitiated": "fb4a26aa",
    "MarketCloseOrderInitiatedV2": "955808f2",
    "OpenLimitPlacedV2": "608a8b19",
    "OpenLimitUpdated": "98ea8314",
    "OpenLimitCanceled": "af0078fc",
    "OracleFeeChargedLimitCancelled": "00583880",
    "TpUpdated": "9b366191",
    "SlUpdated": "2a0cf479",
    "TopUpCollateralExecuted": "b8b06ffb",
    "RemoveCollateralInitiated": "1c0cf118",
    "OracleFeeRefunded": "e2357898",
    "MarketOpenTimeoutExecutedV2": "1ae38b44",
    "MarketCloseTimeoutExecutedV2": "14d358e8",
    "MarketCloseFailed": "bd5738e3",
    "AutomationOpenOrderInitiated": "3cd9ed48",
    "AutomationCloseOrderInitiated": "f030e9b5",
    "DelegateAdded": "12dade47",
    "DelegateRemoved": "e8514dd4",
    "Paused": "0e2fb031",
    "Done": "c3a6f986",
    "MarketOpenExecuted": "c15478b6",
    "MarketOpenCanceled": "1dc35326",
    "MarketCloseExecutedV2": "caa9acf3",
    "MarketCloseCanceled": "0bdd6600",
    "LimitOpenExecuted": "444c09c4",
    "LimitCloseExecuted": "6d242839",
    "AutomationOpenOrderCanceled": "d8c35243",
    "AutomationCloseOrderCanceled": "f754b2e6",
    "RemoveCollateralExecuted": "d182bace",
    "RemoveCollateralRejected": "fa3942c9",
    "FeesChargedV2": "457c3034",
    "CloseFeeCharged": "9ec377a4",
    "DevFeeCharged": "f517fcc4",
    "VaultOpeningFeeCharged": "02ee2a74",
    "BuilderFeeCharged": "48d3d23d",
    "VaultLiqFeeCharged": "3f6d474c",
    "PriceRequestedV2": "0b34af4d",
}


def signature_of(entry: Mapping[str, Any]) -> str:
    return f"{entry['name']}({','.join(canonical_type(item) for item in entry['inputs'])})"


def collect(abi: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {signature_of(entry): entry for entry in abi if entry["type"] == kind}


@pytest.mark.parametrize("contract", sorted(SDK))
def test_everything_we_have_is_the_sdks_to_the_letter(contract: str) -> None:
    """Functions with their outputs, events with what is indexed, errors: nothing is spelled differently."""
    own = SANDBOX_ONLY.get(contract, set())
    for kind in ("function", "event", "error"):
        ours, theirs = collect(load_artifact(contract)["abi"], kind), collect(SDK[contract], kind)
        assert set(ours) - set(theirs) <= own
        for signature in set(ours) & set(theirs):
            assert shape_of(ours[signature]) == shape_of(theirs[signature]), signature


def shape_of(entry: Mapping[str, Any]) -> tuple[list[str], list[bool]]:
    outputs = [canonical_type(item) for item in entry.get("outputs", [])]
    return outputs, [bool(item.get("indexed")) for item in entry["inputs"]]


def test_trading_lacks_no_function_of_the_sdk() -> None:
    missing = set(collect(trading_abi, "function")) - set(collect(load_artifact("Trading")["abi"], "function"))
    assert missing == set()


@pytest.mark.parametrize("contract", sorted(SELECTORS))
def test_selectors_of_the_facts(contract: str) -> None:
    found = {
        entry["name"]: keccak(text=signature_of(entry))[:4].hex()
        for entry in load_artifact(contract)["abi"]
        if entry["type"] == "function"
    }
    assert {name: found[name] for name in SELECTORS[contract]} == SELECTORS[contract]


def test_topics_of_the_facts() -> None:
    found = {
        entry["name"]: keccak(text=signature_of(entry))[:4].hex()
        for contract in ("Trading", "TradingCallbacks", "PriceUpKeep")
        for entry in load_artifact(contract)["abi"]
        if entry["type"] == "event"
    }
    assert {name: found[name] for name in TOPICS} == TOPICS
    charged = {
        contract: keccak(text=signature_of(entry))[:4].hex()
        for contract in ("Trading", "TradingCallbacks")
        for entry in load_artifact(contract)["abi"]
        if entry["type"] == "event" and entry["name"] == "OracleFeeCharged"
    }
    assert charged == {"Trading": "180816fd", "TradingCallbacks": "9d91cd48"}


def test_golden_close_call_data() -> None:
    data = get_contract("Trading").encode("closeTradeMarket", 0, 0, 10_000, 91_000 * 10**18, 100)
    words = "".join(f"{value:064x}" for value in (0, 0, 0x2710, 0x13451EB0C55622E00000, 0x64))
    assert data.hex() == "efc10755" + words


def test_there_is_an_artifact_of_every_contract_and_of_nothing_else() -> None:
    """`make artifacts` compiles the sources and compares."""
    shipped = {path.name: path.read_text() for path in ARTIFACTS.glob("*.json")}
    assert sorted(shipped) == sorted(f"{name}.json" for name in DEPLOYED_AT)
    assert {json.loads(text)["compiler"].split("+")[0] for text in shipped.values()} == {"0.8.37"}
