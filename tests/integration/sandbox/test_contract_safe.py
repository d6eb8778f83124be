"""Safe on the local chain: canonical code at canonical addresses, and Safes that work against the venue."""

import pytest
from eth_account.signers.local import LocalAccount
from eth_typing import Hash32
from safe_eth.safe.safe_deployments import safe_deployments

from sandbox import actors, addresses
from sandbox.abis import Contract
from sandbox.actors import ZERO_ADDRESS
from sandbox.artifacts import SAFE_ETH_FILES, get_contract, load_safe_creation_code, load_safe_json
from sandbox.deploy import compute_create2_address
from tests.integration.sandbox.venue import Venue

DEPLOYERS = {"1.3.0": addresses.DETERMINISTIC_DEPLOYER, "1.4.1": addresses.SAFE_SINGLETON_FACTORY}
L2_NAMES = {"1.3.0": "GnosisSafeL2", "1.4.1": "SafeL2"}
# keccak of the fallback handler's slot name, and slot 0: where a proxy keeps its handler and its singleton.
HANDLER_SLOT = "0x6c9a6c4a39284e37ed1cf53d337577d14212a4870fb976a4366c693b939918d5"
SINGLETON_SLOT = "0x" + "00" * 32


def test_the_addresses_are_safes_own_and_prove_the_code() -> None:
    """CREATE2 binds the address to deployer, salt and creation code; the table is safe-eth-py's for this chain."""
    codes = load_safe_creation_code()
    for version, contracts in addresses.SAFE_CONTRACTS.items():
        for name, address in contracts.items():
            assert address in safe_deployments[version][name][str(addresses.CHAIN_ID)]
            assert compute_create2_address(deployer=DEPLOYERS[version], code=codes[version, name]) == address
    assert len(codes) == sum(len(contracts) for contracts in addresses.SAFE_CONTRACTS.values())


def test_code_is_there(venue: Venue) -> None:
    for contracts in addresses.SAFE_CONTRACTS.values():
        for address in contracts.values():
            assert len(str(venue.node.request("eth_getCode", address, "latest"))) > 400


def bind_safe(version: str, address: str) -> Contract:
    return Contract(address=address, abi=load_safe_json(SAFE_ETH_FILES[version, L2_NAMES[version]])["abi"])


def call(venue: Venue, contract: Contract, function: str, *arguments: object) -> object:
    data = "0x" + contract.encode(function, *arguments).hex()
    answer = venue.node.request("eth_call", {"to": contract.address, "data": data}, "latest")
    return contract.functions[function].decode(bytes.fromhex(str(answer)[2:]))


def read_slot_address(venue: Venue, address: str, slot: str) -> str:
    return "0x" + str(venue.node.request("eth_getStorageAt", address, slot, "latest"))[-40:]


@pytest.mark.parametrize("version", ["1.3.0", "1.4.1"])
@pytest.mark.parametrize("use_l2", [True, False])
def test_a_safe_is_created_by_the_real_factory(venue: Venue, version: str, use_l2: bool) -> None:
    owners = [actors.create_account(rpc_url=venue.rpc_url, wei=0).address for _ in range(3)]
    address = actors.deploy_safe(
        rpc_url=venue.rpc_url, owners=owners, threshold=2, version=version, salt_nonce=7, use_l2=use_l2
    )
    safe = bind_safe(version, address)
    assert call(venue, safe, "VERSION") == version
    assert call(venue, safe, "getOwners") == owners
    assert call(venue, safe, "getThreshold") == 2
    assert call(venue, safe, "nonce") == 0
    contracts = addresses.SAFE_CONTRACTS[version]
    singleton = contracts[actors.SINGLETONS[version, use_l2]]
    assert read_slot_address(venue, address, SINGLETON_SLOT) == singleton.lower()
    assert read_slot_address(venue, address, HANDLER_SLOT) == contracts["CompatibilityFallbackHandler"].lower()


def execute(venue: Venue, owner: LocalAccount, safe: Contract, to: str, data: bytes) -> bool:
    """execTransaction with the owner's signature of the Safe transaction hash."""
    fields = (to, 0, data, 0, 0, 0, 0, ZERO_ADDRESS, ZERO_ADDRESS)
    nonce = call(venue, safe, "nonce")
    digest = call(venue, safe, "getTransactionHash", *fields, nonce)
    assert isinstance(digest, bytes)
    signed = owner.unsafe_sign_hash(Hash32(digest))
    signature = signed.r.to_bytes(32, "big") + signed.s.to_bytes(32, "big") + bytes([signed.v])
    encoded = safe.encode("execTransaction", *fields, signature)
    return actors.send_signed(rpc_url=venue.rpc_url, account=owner, to=safe.address, data=encoded).succeeded


@pytest.mark.parametrize("version", ["1.3.0", "1.4.1"])
def test_a_safe_delegates_and_trades(venue: Venue, version: str) -> None:
    owner = actors.create_account(rpc_url=venue.rpc_url)
    delegate = actors.create_account(rpc_url=venue.rpc_url)
    address = actors.deploy_safe(rpc_url=venue.rpc_url, owners=[owner.address], threshold=1, version=version)
    safe = bind_safe(version, address)
    actors.mint_usdc(rpc_url=venue.rpc_url, address=address, units=2000 * actors.USDC)
    trading, usdc = get_contract("Trading"), get_contract("Usdc")
    assert execute(venue, owner, safe, trading.address, trading.encode("setDelegate", delegate.address))
    approval = usdc.encode("approve", addresses.TRADING_STORAGE, 2000 * actors.USDC)
    assert execute(venue, owner, safe, usdc.address, approval)
    assert venue.read("Trading", "delegations", address) == delegate.address
    trade = (1000 * actors.USDC, 90_000 * 10**18, 0, 0, address, 1000, 0, 0, True, False)
    order = trading.encode("openTrade", trade, (ZERO_ADDRESS, 0), 0, 100)
    opened = venue.act(delegate, "delegatedAction", address, order)
    venue.settle(opened[-1].arguments["orderId"], 90_000 * 10**18)
    assert venue.trade(address)["collateral"] == 989_900_000
    # setDelegate(0) reverts inside the Safe, which then reverts with GS013.
    assert not execute(venue, owner, safe, trading.address, trading.encode("setDelegate", ZERO_ADDRESS))
    assert execute(venue, owner, safe, trading.address, trading.encode("removeDelegate"))
    assert venue.read("Trading", "delegations", address) == ZERO_ADDRESS
