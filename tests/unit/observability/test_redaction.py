"""Planted canaries: whatever way a secret takes into a log line, it does not come out."""

import json
import logging
import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from ostium_service.observability import redaction
from ostium_service.observability.redaction import MARK, learn_secrets, redact_text, redact_value
from tests.unit.observability.canaries import CANARIES, KEY, NAMES, PASSWORD, RAW, TEXTS


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_known", ())


@pytest.fixture
def logger() -> Iterator[Any]:
    structlog.contextvars.clear_contextvars()
    yield structlog.get_logger("tests.redaction")
    structlog.contextvars.clear_contextvars()


def assert_clean(text: str) -> None:
    found = [canary for canary in CANARIES if canary in text]
    assert found == [], text


@pytest.mark.parametrize("text", TEXTS)
def test_a7_no_canary_survives_in_text(text: str) -> None:
    assert_clean(redact_text(text))
    assert_clean(redact_text(f"before {text} after"))


@pytest.mark.parametrize("text", TEXTS)
def test_a7_no_way_into_a_line_lets_a_canary_out(text: str, logger: Any, written: StringIO) -> None:
    structlog.contextvars.bind_contextvars(bound=text)
    foreign = logging.getLogger("tests.foreign")
    logger.warning("as_value", value=text, nested={"a": [{"b": text}, (text,), {text}]}, plain=[text])
    logger.warning(text)
    logger.warning("with %s", text)
    foreign.warning("a line of %s", text)
    foreign.warning("extra", extra={"detail": text})
    try:
        planted_local = text
        raise ValueError(planted_local)
    except ValueError as error:
        logger.exception("caught", error=error)
        foreign.exception("caught")
        foreign.error("caught", exc_info=True, stack_info=True)
        try:
            raise RuntimeError("second") from error
        except RuntimeError:
            logger.exception("chained")
    lines = written.getvalue().splitlines()
    assert len(lines) == 9
    for line in lines:
        json.loads(line)
        assert_clean(json.dumps(json.loads(line), ensure_ascii=False))


@pytest.mark.parametrize("name", NAMES)
def test_names_of_secrets_show_no_value(name: str, logger: Any, written: StringIO) -> None:
    logger.info("named", **{name: "short"}, nested={name: ["short", {"a": "short"}]})
    assert "short" not in written.getvalue()
    assert json.loads(written.getvalue())[name] == MARK


@dataclass
class Holder:
    """An object that shows too much of itself."""

    private_key: str
    number: int


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError(KEY)


@pytest.mark.parametrize(
    "value",
    [
        RAW,
        bytearray(RAW),
        memoryview(RAW),
        int(KEY, 16),
        -int(KEY, 16),
        {"n": int(KEY, 16)},
        Holder(private_key="0x" + KEY, number=int(KEY, 16)),
        [Holder(private_key=PASSWORD, number=1)],
        {KEY: 1},
        {"0x" + KEY: {"x": RAW}},
        ValueError(f"bad key {KEY}"),
        Unprintable(),
        pickle.dumps({"private_key": KEY}),
        {"headers": {"Authorization": PASSWORD, "X-Signature": KEY}},
        {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {"i": KEY}}}}}}}}},
    ],
)
def test_objects_do_not_carry_a_canary_out(value: Any, logger: Any, written: StringIO) -> None:
    logger.info("object", value=value)
    assert_clean(written.getvalue())
    json.loads(written.getvalue())


def test_the_locals_of_a_crash_are_not_shown(logger: Any, written: StringIO) -> None:
    def sign_something() -> None:
        secret_local = PASSWORD
        another = int(KEY, 16)
        raise ZeroDivisionError(f"{len(secret_local)} {another % 7}")

    try:
        sign_something()
    except ZeroDivisionError:
        logger.exception("crashed")
    line = json.loads(written.getvalue())
    assert_clean(written.getvalue())
    assert line["exception"][0]["exc_type"] == "ZeroDivisionError"
    assert [frame["name"] for frame in line["exception"][0]["frames"]][-1] == "sign_something"
    assert '"locals"' not in json.dumps(line)


def test_known_values_are_cut_wherever_they_stand(logger: Any, written: StringIO) -> None:
    learn_secrets(["correct-horse", "https://rpc.example/abc-key", "x"])
    logger.info("it is correct-horse, x", url="see https://rpc.example/abc-key", fine="x-ray")
    assert "correct-horse" not in written.getvalue()
    assert "abc-key" not in written.getvalue()
    assert json.loads(written.getvalue())["fine"] == "x-ray"


def test_a_known_value_that_is_a_plain_word_is_cut_too() -> None:
    learn_secrets(["correcthorsebattery"])
    assert redact_text("correcthorsebattery") == MARK
    assert redact_text("correcthorse") == "correcthorse"


def test_what_operators_need_stays(logger: Any, written: StringIO) -> None:
    hashed = "0x" + KEY
    logger.info(
        "transaction_sent",
        tx_hash=hashed,
        safeTxHash=hashed,
        block_hash=hashed,
        trader="0x2A9B9c988393f46a2537B0ff11E98c2C15a95afe",
        nonce=7,
        amount="1000.5",
        wei=10**24,
        execution_id="5d5b2b5e-3c0f-4b5e-9a61-0d8a8c1f0a11",
        ok=True,
        nothing=None,
        host="https://sepolia-rollup.arbitrum.io/rpc",
        path="/srv/x/y.py",
        ratio=0.5,
        list_of_hashes=[hashed],
    )
    line = json.loads(written.getvalue())
    timestamp = line.pop("timestamp")
    assert timestamp.endswith("Z")
    assert line == {
        "event": "transaction_sent",
        "level": "info",
        "logger": "tests.redaction",
        "tx_hash": hashed,
        "safeTxHash": hashed,
        "block_hash": hashed,
        "trader": "0x2A9B9c988393f46a2537B0ff11E98c2C15a95afe",
        "nonce": 7,
        "amount": "1000.5",
        "wei": 10**24,
        "execution_id": "5d5b2b5e-3c0f-4b5e-9a61-0d8a8c1f0a11",
        "ok": True,
        "nothing": None,
        "host": "https://sepolia-rollup.arbitrum.io/",
        "path": "/srv/x/y.py",
        "ratio": 0.5,
        "list_of_hashes": [hashed],
    }


def test_only_a_hash_passes_under_the_name_of_one() -> None:
    assert redact_value("0x" + KEY, name="tx_hash") == "0x" + KEY
    assert redact_value("0x" + KEY, name="note") == MARK
    assert redact_value(KEY, name="tx_hash") == MARK
    assert redact_value("pbkdf2_sha256$1$salt$x", name="password_hash") == MARK


def test_long_text_is_cut_without_leaving_half_a_secret() -> None:
    for padding in range(8100, 8200, 3):
        text = redact_text("x " * (padding // 2) + KEY + " y" * 5000)
        assert KEY[:20] not in text
        assert text.endswith("...")


def test_a_very_long_text_is_cheap() -> None:
    for text in ("a" * 200_000, "0a_" * 70_000, "word " * 40_000, "A1/" * 70_000, '"private_key' * 20_000):
        assert len(redact_text(text)) <= 8200


@given(st.integers(min_value=2**200, max_value=2**256 - 1), st.text(max_size=20), st.text(max_size=20))
def test_no_32_byte_key_survives_in_hex_or_decimal(number: int, before: str, after: str) -> None:
    digits = f"{number:064x}"
    for shown in (digits, "0x" + digits):
        assert digits not in redact_text(f"{before} {shown} {after}")
    if number >= 10**69:
        assert str(number) not in redact_text(f"{before} {number} {after}")


def test_ids_are_on_the_line(logger: Any, written: StringIO) -> None:
    structlog.contextvars.bind_contextvars(request_id="r", execution_id="e", delegation_id="d")
    logging.getLogger("foreign").info("from a library")
    line = json.loads(written.getvalue())
    assert (line["request_id"], line["execution_id"], line["delegation_id"]) == ("r", "e", "d")


@pytest.mark.parametrize("text", ["POST /v1/prices/get", "GET /ready", "POST /v1/delegations/revoke/prepare/"])
def test_a_plain_path_is_shown(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize("text", [f"GET /v1/{KEY}", f"GET /v1/0x{KEY}/x", f"POST /v1/a?privateKey={KEY}"])
def test_a_path_is_not_plain_for_its_method(text: str) -> None:
    assert_clean(redact_text(text))


@given(st.from_regex(redaction._HARMLESS, fullmatch=True))
def test_what_is_taken_for_harmless_holds_nothing_that_a_pattern_cuts(text: str) -> None:
    cut = text
    for pattern, replacement in redaction._PATTERNS:
        cut = pattern.sub(replacement, cut)
    assert cut == text
