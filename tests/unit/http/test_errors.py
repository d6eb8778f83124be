"""The catalogue is the contract's, and no text of it sets off what the caller greps for."""

import re
from pathlib import Path

import pytest

from ostium_service.http import errors
from ostium_service.http.errors import CATALOGUE, ServiceError
from ostium_service.http.errors_page import render_errors_page
from ostium_service.http.wording import MEANT_BY, reword

# Section 6 of the contract: code, status, and whether it is retryable.
CONTRACT = """
UNAUTHORIZED 401 no, SERVER_MISCONFIGURED 500 no, NOT_FOUND 404 no, METHOD_NOT_ALLOWED 405 no, LENGTH_REQUIRED 411 no,
PAYLOAD_TOO_LARGE 413 no, UNSUPPORTED_MEDIA_TYPE 415 no, INVALID_JSON 400 no, VALIDATION_ERROR 400 no,
SECRET_IN_PAYLOAD 400 no, INVALID_NETWORK 400 no, RATE_LIMITED 429 yes, IDEMPOTENCY_IN_PROGRESS 409 yes,
IDEMPOTENCY_KEY_REUSED 409 no, OSTIUM_DISABLED 503 no, NETWORK_PAUSED 503 no, TRADER_NOT_ALLOWED 403 no,
LIMIT_EXCEEDED 403 no, INVALID_MARKET 400 no, AMBIGUOUS_MARKET 400 no, MARKET_CLOSED 409 no, DAY_TRADE_CLOSED 409 no,
TRADING_PAUSED 503 no, PRICE_STALE 503 yes, LEVERAGE_TOO_HIGH 400 no, LEVERAGE_TOO_LOW 400 no,
TRIGGER_PRICE_REQUIRED 400 no, INVALID_STOP_LOSS 400 no, INVALID_TAKE_PROFIT 400 no, POSITION_TOO_SMALL 400 no,
COLLATERAL_TOO_HIGH 400 no, EXPOSURE_LIMIT 409 no, MAX_TRADES_REACHED 409 no, MAX_PENDING_ORDERS 409 no,
POSITION_NOT_FOUND 404 no, ORDER_NOT_FOUND 404 no, POSITION_CHANGED 409 no, TRIGGER_PENDING 409 yes,
ORDER_NOT_RECLAIMABLE 409 no, INSUFFICIENT_BALANCE 400 no, ALLOWANCE_MISSING 400 no, SAFE_WALLET_MISSING 400 no,
SAFE_VERSION_UNSUPPORTED 400 no, DELEGATION_NOT_ACTIVE 400 no, DELEGATION_SUSPENDED 403 no, DELEGATION_NOT_FOUND 404 no,
DELEGATE_UNKNOWN 400 no, DELEGATE_GAS_LOW 400 no, DELEGATE_KEY_MISSING 503 no, INVALID_SIGNATURE 400 no,
SIGNER_NOT_OWNER 400 no, SAFE_NONCE_STALE 409 no, SAFE_TX_NOT_FOUND 404 no, SAFE_TX_REVERTED 409 no,
TX_REVERTED 409 no, ORDER_CANCELLED 409 no, EXECUTION_EXPIRED 409 no, FAUCET_NOT_AVAILABLE 400 no,
FAUCET_UNAVAILABLE 503 yes, EXECUTION_NOT_FOUND 404 no,
MARKETS_FETCH_FAILED 502 yes, MARKET_DETAILS_FAILED 502 yes, FUNDING_FETCH_FAILED 502 yes,
ROLLOVER_FETCH_FAILED 502 yes, PRICE_FETCH_FAILED 502 yes, BALANCE_FETCH_FAILED 502 yes,
POSITIONS_FETCH_FAILED 502 yes, ORDERS_FETCH_FAILED 502 yes, HISTORY_FETCH_FAILED 502 yes,
METRICS_FETCH_FAILED 502 yes, ORDER_TRACKING_FAILED 502 yes,
OPEN_POSITION_FAILED 502 no, CLOSE_POSITION_FAILED 502 no, UPDATE_SL_FAILED 502 no, UPDATE_TP_FAILED 502 no,
CANCEL_ORDER_FAILED 502 no, UPDATE_ORDER_FAILED 502 no, ADD_COLLATERAL_FAILED 502 no, REMOVE_COLLATERAL_FAILED 502 no,
RECLAIM_FAILED 502 no, FAUCET_REQUEST_FAILED 502 no,
CHAIN_UNAVAILABLE 503 yes, VAULT_UNAVAILABLE 503 yes, OSTIUM_SERVICE_TIMEOUT 504 yes, OSTIUM_INTERNAL_ERROR 500 no
"""


def test_the_catalogue_is_the_contracts() -> None:
    expected = {
        code: (int(status), answer == "yes") for code, status, answer in re.findall(r"(\w+) (\d{3}) (yes|no)", CONTRACT)
    }
    assert {code: (error.status, error.retryable) for code, error in CATALOGUE.items()} == expected
    assert len(expected) == 85


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_each_class_is_named_like_its_code_and_says_something(code: str) -> None:
    error = CATALOGUE[code]
    assert error.__name__ == "".join(part.capitalize() for part in code.split("_"))
    assert getattr(errors, error.__name__) is error
    assert len(error.message) > 15
    assert error.message.endswith(".")


@pytest.mark.parametrize("word", sorted(MEANT_BY))
def test_no_message_uses_a_word_that_another_code_means(word: str) -> None:
    users = {code for code, error in CATALOGUE.items() if word in error.message.lower()}
    assert users <= {MEANT_BY[word]}


def test_an_error_carries_what_it_was_given() -> None:
    error = errors.TxReverted("own words", details={"reason": "x"}, headers={"Retry-After": "1"})
    assert (error.code, error.status, error.retryable) == ("TX_REVERTED", 409, False)
    assert (error.message, error.details, error.headers) == ("own words", {"reason": "x"}, {"Retry-After": "1"})
    assert str(error) == "TX_REVERTED: own words"
    assert errors.TxReverted.message != "own words"
    plain = errors.TxReverted()
    assert (plain.message, plain.details, plain.headers) == (errors.TxReverted.message, None, {})
    assert isinstance(error, ServiceError)


@pytest.mark.parametrize(
    ("text", "code", "expected"),
    [
        ("It timed out after a Timeout of 5 s", "TX_REVERTED", "It took too long after a deadline of 5 s"),
        ("WaitTimeout", "TX_REVERTED", "Waitdeadline"),
        ("It timed out", "OSTIUM_SERVICE_TIMEOUT", "It timed out"),
        ("Insufficient allowance", "TX_REVERTED", "allowance too small"),
        ("Insufficient allowance", "ALLOWANCE_MISSING", "Insufficient allowance"),
        ("allowance for it timed out", "ALLOWANCE_MISSING", "allowance for it took too long"),
        ("insufficient funds for gas * price", "CHAIN_UNAVAILABLE", "too little ether * price"),
        ("Delegation is not active", "TX_REVERTED", "no usable delegation"),
        ("safe wallet not found", "SAFE_WALLET_MISSING", "safe wallet not found"),
    ],
)
def test_words_that_callers_act_on_are_replaced(text: str, code: str, expected: str) -> None:
    assert reword(text, code=code) == expected


def test_words_are_replaced_at_any_depth_and_nothing_else_is() -> None:
    value = {"reason": "timeout", "list": [{"a": "timed out"}, ("timeout",)], "number": 5, "none": None}
    assert reword(value, code="TX_REVERTED") == {
        "reason": "deadline",
        "list": [{"a": "took too long"}, ["deadline"]],
        "number": 5,
        "none": None,
    }


@pytest.mark.parametrize("word", sorted(MEANT_BY))
def test_no_forbidden_word_is_left_after_rewording(word: str) -> None:
    left = reword(f"x {word.upper()} y", code="TX_REVERTED").lower()
    assert not [other for other in MEANT_BY if other in left]


def test_the_page_in_docs_is_the_generated_one() -> None:
    page = Path(__file__).parents[3] / "docs" / "errors.md"
    assert page.read_text() == render_errors_page(), "run: python manage.py write_errors_page"
