"""The Safe Transaction Service's client against a well-behaved server, and against every way of behaving badly."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from coincurve import PrivateKey
from eth_account import Account

from ostium_service.gateways.failures import BadAnswer, GatewayError, Refused, Unreachable
from ostium_service.gateways.resilience import Policy
from ostium_service.gateways.safe import SafeTransactionData, safe_tx_hash, transaction_fields
from ostium_service.gateways.safe_signatures import Confirmation, SignatureKind
from ostium_service.gateways.safe_transaction_service import SafeTransactionService, ServiceConfirmation
from ostium_service.types import Address, Network
from tests.integration.gateways.faulty_server import FaultyServer, answer, reply_with, stay_silent
from tests.support.safe_service import FakeSafeService, run_safe_service

CHAIN_ID = Network.TESTNET.chain_id
SAFE = Address("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")
KEY = "0x" + "11" * 32
OWNER = Account.from_key(KEY).address
STRANGER = Address("0x" + "12" * 20)
TX = SafeTransactionData(to=Address("0x" + "44" * 20), data=b"\x01\x02", nonce=31)
DIGEST = safe_tx_hash(chain_id=CHAIN_ID, safe=SAFE, tx=TX)
API_KEY = "eyJhbGciOiJIUzI1NiJ9.e30.a-secret-api-key"


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def open_service(url: str, clock: Clock | None = None, **policy: Any) -> SafeTransactionService:
    clock = clock or Clock()
    limits = Policy(**{"read_seconds": 2.0, "total_seconds": 4.0, "attempts": 2, **policy})
    return SafeTransactionService(url, api_key=API_KEY, policy=limits, clock=clock, sleep=clock.sleep)


def open_faulty(faulty: FaultyServer, clock: Clock | None = None, **policy: Any) -> SafeTransactionService:
    return open_service(faulty.url.partition("/rpc")[0], clock, **policy)


def signed(digest: str = DIGEST) -> Confirmation:
    signature = PrivateKey(bytes.fromhex(KEY[2:])).sign_recoverable(bytes.fromhex(digest[2:]), hasher=None)
    return Confirmation(OWNER, SignatureKind.EIP712, signature[:64] + bytes([signature[64] + 27]))


@pytest.fixture
def fake() -> Iterator[FakeSafeService]:
    """A service that has seen the Safe."""
    with run_safe_service() as running:
        running.know(SAFE, [OWNER], nonce=30)
        yield running


def read(service: SafeTransactionService) -> Any:
    return service.read_transaction(chain_id=CHAIN_ID, safe=SAFE, digest=DIGEST)


def test_a_proposal_is_found_again_with_its_signature(fake: FakeSafeService) -> None:
    service = open_service(fake.url + "/")
    assert read(service) is None
    service.propose(safe=SAFE, tx=TX, digest=DIGEST, confirmations=[signed()])

    found = read(service)
    assert (found.confirmations, found.is_executed) == ((ServiceConfirmation(OWNER, signed().encoded),), False)
    assert fake.transactions[DIGEST]["trusted"] is True
    assert fake.asked[1] == (
        "POST",
        f"/api/v2/safes/{SAFE}/multisig-transactions/",
        f"Bearer {API_KEY}",
        {
            **transaction_fields(TX),
            **dict.fromkeys(("value", "safeTxGas", "baseGas", "gasPrice"), 0),
            "contractTransactionHash": DIGEST,
            "sender": OWNER,
            "signature": "0x" + signed().encoded.hex(),
            "origin": "Ostium service",
        },
    )
    service.close()


def test_without_a_signature_nothing_is_proposed(fake: FakeSafeService) -> None:
    service = open_service(fake.url)
    with pytest.raises(ValueError, match="owner's signature"):
        service.propose(safe=SAFE, tx=TX, digest=DIGEST, confirmations=[])
    assert fake.asked == []
    service.close()


def test_s15_the_services_nonce_is_told_as_it_is(fake: FakeSafeService) -> None:
    service = open_service(fake.url)
    assert service.read_nonce(SAFE) == 30
    assert service.read_nonce(STRANGER) is None
    service.close()


def test_a_proposal_by_somebody_who_owns_nothing_is_not_accepted(fake: FakeSafeService) -> None:
    fake.know(SAFE, [STRANGER])
    service = open_service(fake.url)
    with pytest.raises(Refused, match="not_accepted"):
        service.propose(safe=SAFE, tx=TX, digest=DIGEST, confirmations=[signed()])
    assert fake.transactions == {}
    service.close()


def test_s7_every_kind_of_confirmation_is_kept(fake: FakeSafeService) -> None:
    """S7: safe-eth-py's parse_signatures would keep the EOA's alone, and the threshold would then miss two."""
    fake.show(SAFE, transaction_fields(TX), DIGEST, sender=OWNER)
    eth_sign = "0x" + "22" * 64 + "1f"
    contract = "0x" + OWNER[2:].lower().rjust(64, "0") + f"{65:064x}" + "00" + f"{1:064x}" + "ab"
    for kind, signature in (("EOA", "0x" + "11" * 64 + "1b"), ("ETH_SIGN", eth_sign), ("CONTRACT_SIGNATURE", contract)):
        fake.confirm(DIGEST, owner=OWNER, signature=signature, kind=kind)
    fake.confirm(DIGEST, owner=OWNER, signature=None, kind="APPROVED_HASH")
    fake.confirm(DIGEST, owner=OWNER, signature="0xnothex")
    fake.transactions[DIGEST]["confirmations"].append("no object")
    service = open_service(fake.url)

    approved = OWNER[2:].lower().rjust(64, "0") + "00" * 32 + "01"
    assert [item.signature.hex() for item in read(service).confirmations] == [
        "11" * 64 + "1b",
        eth_sign[2:],
        contract[2:],
        approved,
    ]
    service.close()


@pytest.mark.parametrize(
    "changes",
    [
        {"to": STRANGER},
        {"value": "1"},
        {"data": "0x0103"},
        {"data": None},
        {"operation": 1},
        {"refundReceiver": STRANGER},
        {"nonce": "32"},
        {"safe": STRANGER},
        {"safeTxHash": "0x" + "ab" * 32},
    ],
    ids=str,
)
def test_s16_another_transaction_under_our_hash_is_a_mismatch(fake: FakeSafeService, changes: dict[str, Any]) -> None:
    fake.show(SAFE, transaction_fields(TX), DIGEST, sender=OWNER)
    fake.confirm(DIGEST, owner=OWNER, signature="0x" + signed().encoded.hex())
    fake.transactions[DIGEST] |= changes
    service = open_service(fake.url)

    with pytest.raises(BadAnswer) as refusal:
        read(service)
    assert refusal.value.token == "hash_mismatch"
    service.close()


@pytest.mark.parametrize(
    ("reply", "failure", "token"),
    [
        (answer(b"{}", status="500 Oops"), Unreachable, "server_error"),
        (answer(b"upstream", status="502 Bad Gateway"), Unreachable, "server_error"),
        (answer(b"{}", status="429 Too Many Requests"), Unreachable, "rate_limited"),
        (answer(b'{"detail": "jwt expired"}', status="401 Unauthorized"), Refused, "unauthorized"),
        (answer(b'{"detail": "banned"}', status="403 Forbidden"), Refused, "unauthorized"),
        (answer(b'{"code": 1}', status="422 Unprocessable"), Refused, "not_accepted"),
        (answer(b"{}", status="418 Teapot"), Refused, "http_error"),
        (answer(b"<!doctype html><html>"), BadAnswer, "json"),
        (answer(b"<html>no such page</html>", status="404 Not Found"), BadAnswer, "json"),
        (answer(b"[]"), BadAnswer, "shape"),
        (answer(b"{}"), BadAnswer, "shape"),
        (answer(b"", status="302 Found", headers="Location: http://127.0.0.1:1/\r\n"), BadAnswer, "redirect"),
        (answer(b" " * (1024 * 1024 + 1)), BadAnswer, "too_large"),
        (b"", Unreachable, "connection_cut"),
    ],
)
def test_s16_trouble_has_a_name_and_no_word_of_the_service_leaves(
    faulty: FaultyServer, reply: bytes, failure: type[GatewayError], token: str
) -> None:
    faulty.script = reply_with(reply)
    service = open_faulty(faulty)
    with structlog.testing.capture_logs() as logs, pytest.raises(failure) as raised:
        read(service)
    assert (raised.value.token, str(raised.value)) == (token, f"safe_service: {token}")
    assert raised.value.__cause__ is None
    told = json.dumps(logs) + repr(raised.value)
    assert not [word for word in ("jwt expired", "banned", "doctype", API_KEY) if word in told]
    service.close()


def test_s16_a_service_that_hangs_is_given_up(faulty: FaultyServer) -> None:
    faulty.script = stay_silent(faulty)
    service = open_faulty(faulty, read_seconds=0.3, attempts=1)
    began = time.monotonic()
    with pytest.raises(Unreachable, match="too_slow"):
        read(service)
    assert time.monotonic() - began < 3
    service.close()


def limited(remaining: str, reset: str, more: str = "") -> bytes:
    headers = f"X-RateLimit-Remaining: {remaining}\r\nX-RateLimit-Reset: {reset}\r\nConnection: close\r\n{more}"
    return answer(b'{"detail": "Monthly quota exceeded."}', status="429 Too Many Requests", headers=headers)


def test_s16_a_used_up_quota_is_left_alone_for_the_seconds_it_names(faulty: FaultyServer) -> None:
    clock = Clock()
    service = open_faulty(faulty, clock)
    faulty.script = reply_with(limited("0", "90"))
    for _ in range(3):
        with pytest.raises(Unreachable) as refusal:
            read(service)
        assert (refusal.value.token, refusal.value.retry_after) == ("rate_limited", 90 - clock.now)
        clock.now += 20
    assert (len(faulty.requests), clock.slept) == (1, [])

    clock.now = 91
    faulty.script = reply_with(answer(b'{"detail": "Not found."}', status="404 Not Found"))
    assert read(service) is None
    service.close()


@pytest.mark.parametrize(
    ("reply", "pauses"),
    [
        (limited("0", "2"), [2.0]),
        (limited("0", "2591751", "Retry-After: 1\r\n"), [1.0]),
        # Of the month nothing to speak of is used: the limit was that of a second.
        (limited("49994", "2591751"), None),
    ],
    ids=["seconds", "retry-after first", "not the quota"],
)
def test_s16_a_short_pause_is_waited_for(faulty: FaultyServer, reply: bytes, pauses: list[float] | None) -> None:
    clock = Clock()
    service = open_faulty(faulty, clock)
    faulty.script = reply_with(reply)
    with pytest.raises(Unreachable, match="rate_limited"):
        read(service)
    assert len(faulty.requests) == 2
    assert clock.slept == pauses if pauses else clock.slept[0] <= 0.1
    service.close()


def test_s16_a_reset_weeks_away_is_asked_again_after_an_hour(faulty: FaultyServer) -> None:
    clock = Clock()
    service = open_faulty(faulty, clock)
    faulty.script = reply_with(limited("0", "2591751"))
    for expected in (1, 1, 2):
        with pytest.raises(Unreachable):
            read(service)
        assert len(faulty.requests) == expected
        clock.now += 1801
    service.close()


def test_s16_a_proposal_is_sent_once_whatever_becomes_of_it(faulty: FaultyServer) -> None:
    for reply in (answer(b"{}", status="503 Oops"), b"", answer(b"{}", status="422 No")):
        faulty.requests.clear()
        faulty.script = reply_with(reply)
        service = open_faulty(faulty)
        with pytest.raises((Unreachable, Refused)):
            service.propose(safe=SAFE, tx=TX, digest=DIGEST, confirmations=[signed()])
        assert len(faulty.requests) == 1
        service.close()


@pytest.mark.parametrize(
    "confirmations", [None, {}, [{"owner": OWNER, "signature": "0x"}] * 201], ids=["none", "object", "too many"]
)
def test_confirmations_that_are_no_list_are_no_answer(fake: FakeSafeService, confirmations: Any) -> None:
    fake.show(SAFE, transaction_fields(TX), DIGEST, sender=OWNER)
    fake.transactions[DIGEST]["confirmations"] = confirmations
    service = open_service(fake.url)
    with pytest.raises(BadAnswer, match="shape"):
        read(service)
    service.close()


@pytest.mark.parametrize("value", [True, -1, 1.5, "1.5", "-1", "१", "0x1", None, 2**256, "9" * 79], ids=str)
def test_an_amount_that_is_none_is_no_answer(fake: FakeSafeService, value: Any) -> None:
    fake.show(SAFE, transaction_fields(TX), DIGEST, sender=OWNER)
    fake.transactions[DIGEST]["value"] = value
    service = open_service(fake.url)
    with pytest.raises(BadAnswer, match="shape"):
        read(service)
    service.close()
