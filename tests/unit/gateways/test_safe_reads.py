"""Reading a Safe's answers, the good ones and those of contracts that are no Safe."""

import pytest
from eth_abi import encode
from eth_utils.crypto import keccak

from ostium_service.gateways.arbitrum import Call, Log
from ostium_service.gateways.failures import BadAnswer, Reverted
from ostium_service.gateways.safe import SafeTransactionData
from ostium_service.gateways.safe_reads import (
    CONTRACT_SIGNATURE_GAS,
    CONTRACT_SIGNATURE_MAGIC,
    EXECUTION_FAILURE,
    EXECUTION_SUCCESS,
    FACT_COUNT,
    GUARD_SLOT,
    Answer,
    NotASafe,
    SafeFacts,
    encode_approval_call,
    encode_contract_signature_call,
    encode_fact_calls,
    encode_guard_call,
    read_approval,
    read_contract_signature,
    read_execution,
    read_facts,
)
from ostium_service.types import Address, TxHash

SAFE = Address("0x1111111111111111111111111111111111111111")
OWNERS = (Address("0x2222222222222222222222222222222222222222"), Address("0x3333333333333333333333333333333333333333"))
MASTER_COPY = Address("0x41675C099F32341bf84BFc5382aF534df5C7461a")
GUARD = Address("0x4444444444444444444444444444444444444444")
MODULE = Address("0x5555555555555555555555555555555555555555")
HANDLER = Address("0x6666666666666666666666666666666666666666")
HASH = "0x" + "ab" * 32


def slot(address: str) -> bytes:
    return encode(["bytes"], [encode(["address"], [address])])


def answers() -> list[Answer]:
    return [
        encode(["string"], ["1.4.1"]),
        encode(["address[]"], [OWNERS]),
        encode(["uint256"], [2]),
        encode(["uint256"], [7]),
        slot(MASTER_COPY),
        slot(GUARD),
        encode(["address[]", "address"], [[MODULE], "0x" + "00" * 19 + "01"]),
        slot(HANDLER),
    ]


def facts(**changes: object) -> SafeFacts:
    known: dict[str, object] = {
        "address": SAFE,
        "version": "1.4.1",
        "owners": OWNERS,
        "threshold": 2,
        "nonce": 7,
        "master_copy": MASTER_COPY,
        "guard": GUARD,
        "modules": (MODULE,),
        "fallback_handler": HANDLER,
    }
    return SafeFacts(**{**known, **changes})  # type: ignore[arg-type]


def test_the_calls_ask_the_safe_eight_things() -> None:
    calls = encode_fact_calls(SAFE)

    assert [call.data[:4].hex() for call in calls] == [
        "ffa1ad74",
        "a0e67e2b",
        "e75235b8",
        "affed0e0",
        "5624b25b",
        "5624b25b",
        "cc2f8452",
        "5624b25b",
    ]
    assert (len(calls), {call.to for call in calls}) == (FACT_COUNT, {SAFE})
    assert f"{GUARD_SLOT:064x}" == "4a204f620c8c5ccdca3fd54d003badd85ba500436a431f0cbda4f558c93c34c8"


def test_facts_are_put_together() -> None:
    assert read_facts(SAFE, answers()) == facts()


def test_an_empty_slot_is_no_guard() -> None:
    known = answers()
    known[5] = slot("0x" + "00" * 20)

    assert read_facts(SAFE, known) == facts(guard=None)


@pytest.mark.parametrize("answer", [b"", Reverted(b""), b"\x01", encode(["bytes"], [b"\x01"])])
def test_a_release_without_open_storage_has_no_master_copy(answer: Answer) -> None:
    known = answers()
    known[4:] = [answer, answer, answer, answer]

    assert read_facts(SAFE, known) == facts(master_copy="", guard=None, modules=(), fallback_handler=None)


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("answer", [b"", Reverted(b"\x08"), b"\xff" * 64, b"\xff" * 31])
def test_an_answer_that_no_safe_gives_is_no_safe(place: int, answer: Answer) -> None:
    known = answers()
    known[place] = answer

    with pytest.raises(NotASafe):
        read_facts(SAFE, known)


@pytest.mark.parametrize(
    ("owners", "threshold"),
    [((), 0), ((), 1), (OWNERS, 0), (OWNERS, 3), (tuple(f"0x{n:040x}" for n in range(1, 102)), 1)],
)
def test_impossible_owners_are_no_safe(owners: tuple[str, ...], threshold: int) -> None:
    known = answers()
    known[1:3] = [encode(["address[]"], [owners]), encode(["uint256"], [threshold])]

    with pytest.raises(NotASafe):
        read_facts(SAFE, known)


def test_text_that_is_no_text_is_no_safe() -> None:
    known = answers()
    known[0] = encode(["bytes"], [b"\xff\xfe"])

    with pytest.raises(NotASafe):
        read_facts(SAFE, known)


def test_an_approval_is_read_from_the_chain() -> None:
    call = encode_approval_call(safe=SAFE, owner=OWNERS[0], digest=bytes.fromhex(HASH[2:]))

    assert call.data.hex() == "7d832974" + OWNERS[0][2:].rjust(64, "0") + HASH[2:]
    assert read_approval(encode(["uint256"], [1])) is True
    assert read_approval(bytes(32)) is False
    for bad in (b"", Reverted(b"")):
        with pytest.raises(BadAnswer):
            read_approval(bad)


def test_the_guard_is_asked_as_the_safe_would() -> None:
    tx = SafeTransactionData(to=MODULE, data=b"\x01", nonce=7)
    call = encode_guard_call(facts=facts(), tx=tx, executor=OWNERS[0])

    assert call is not None
    assert (call.to, call.sender, call.data[:4].hex()) == (GUARD, SAFE, "75f0bb52")
    assert encode_guard_call(facts=facts(guard=None), tx=tx, executor=OWNERS[0]) is None


def log(topic: bytes, *, address: Address = SAFE, digest: str = HASH, indexed: bool = True) -> Log:
    word = bytes.fromhex(digest[2:])
    topics = (topic, word) if indexed else (topic,)
    return Log(address, topics, bytes(32) if indexed else word + bytes(32), 1, "0x", TxHash("0x"), 0)


@pytest.mark.parametrize("indexed", [True, False], ids=["1.4.1", "1.3.0"])
def test_the_safe_says_how_it_went(indexed: bool) -> None:
    other = [
        log(EXECUTION_SUCCESS, digest="0x" + "cd" * 32, indexed=indexed),
        log(EXECUTION_SUCCESS, address=MODULE, indexed=indexed),
        log(keccak(text="Other(bytes32)"), indexed=indexed),
    ]

    assert read_execution(safe=SAFE, safe_tx_hash=HASH, logs=other) is None
    success = [*other, log(EXECUTION_SUCCESS, indexed=indexed)]
    assert read_execution(safe=SAFE, safe_tx_hash=HASH, logs=success) is True
    failure = [*other, log(EXECUTION_FAILURE, indexed=indexed)]
    assert read_execution(safe=SAFE, safe_tx_hash=HASH, logs=failure) is False


def test_calls_are_plain_reads() -> None:
    assert all(call == Call(to=SAFE, data=call.data) for call in encode_fact_calls(SAFE))


@pytest.mark.parametrize(
    ("answer", "is_yes"),
    [
        (CONTRACT_SIGNATURE_MAGIC, True),
        (bytes.fromhex("1626ba7e").ljust(32, b"\x00"), False),
        (b"\x00" * 31 + b"\x01", False),
        (b"", False),
        (b"\x20\xc1\x3b\x0b", False),
        (CONTRACT_SIGNATURE_MAGIC[:31] + b"\x01", False),
        (Reverted(b""), False),
    ],
)
def test_s5_only_the_magic_of_these_releases_is_a_contracts_yes(answer: Answer, is_yes: bool) -> None:
    assert read_contract_signature(answer) is is_yes


def test_s5_an_owner_contract_is_asked_with_capped_gas_in_the_safes_name() -> None:
    call = encode_contract_signature_call(safe=SAFE, owner=OWNERS[0], preimage=b"\x19\x01", signature=b"s")

    assert (call.to, call.sender, call.gas) == (OWNERS[0], SAFE, CONTRACT_SIGNATURE_GAS)
    assert call.data[:4] == CONTRACT_SIGNATURE_MAGIC[:4]
