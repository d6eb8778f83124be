"""A user's secret is refused wherever it stands, and is not said again; what merely looks like one passes."""

import json
from io import StringIO
from typing import Any

import pytest

from ostium_service.http.errors import SecretInPayload
from ostium_service.http.parsers import parse_object
from tests.unit.http.caller import Send

KEY = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
MNEMONIC = "legal winner thank year wave sausage worth useful legal winner thank yellow"
KEYSTORE = {
    "version": 3,
    "id": "x",
    "Crypto": {"cipher": "aes-128-ctr", "ciphertext": "d172bf743a674da9", "kdf": "scrypt", "mac": "2103"},
}
PEM = "-----BEGIN EC PRIVATE KEY-----\nMHQCAQEEIBkg4LVWM9nuwNSk3yByxZpYRTBnVJ\n-----END EC PRIVATE KEY-----"
XPRV = "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi"


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ({"privateKey": "hunter2"}, "privateKey"),
        ({"private_key": None}, "private_key"),
        ({"PRIVATE-KEY": 1}, "PRIVATE-KEY"),
        ({"delegatePrivateKey": "x"}, "delegatePrivateKey"),
        ({"mnemonic": ["a"]}, "mnemonic"),
        ({"seedPhrase": "x"}, "seedPhrase"),
        ({"secretKey": "x"}, "secretKey"),
        ({"keystore": {}}, "keystore"),
        ({"a": [{"b": {"Mnemonic": "x"}}]}, "a.0.b.Mnemonic"),
        ({"note": KEY}, "note"),
        ({"note": "0x" + KEY}, "note"),
        ({"note": "0X" + KEY.upper()}, "note"),
        ({"note": f"my key is 0x{KEY}, keep it"}, "note"),
        ({"userId": f"key:{KEY}"}, "userId"),
        ({"metadata": KEY}, "metadata"),
        ({"notes": ["x", KEY]}, "notes.1"),
        ({"idempotencyKey": "0x" + KEY}, "idempotencyKey"),
        ({"note": MNEMONIC}, "note"),
        ({"note": MNEMONIC.upper()}, "note"),
        ({"note": MNEMONIC.replace(" ", ",  ")}, "note"),
        ({"hash": MNEMONIC}, "hash"),
        ({"words": MNEMONIC.split()}, "words"),
        ({"note": " ".join(MNEMONIC.split() * 2)}, "note"),
        ({"note": PEM}, "note"),
        ({"note": XPRV}, "note"),
        ({"file": KEYSTORE}, "file.Crypto"),
        ({"file": json.dumps(KEYSTORE)}, "file"),
        (KEYSTORE["Crypto"], "(body)"),
        ({KEY: 1}, "(field)"),
        ({"a": {"0x" + KEY: 1}}, "a.(field)"),
    ],
)
def test_a_secret_is_refused_and_only_its_place_is_named(payload: Any, field: str) -> None:
    with pytest.raises(SecretInPayload) as caught:
        parse_object(json.dumps(payload).encode())
    assert caught.value.details == {"field": field}
    assert "hunter2" not in str(caught.value)
    assert KEY not in repr(caught.value).lower()


@pytest.mark.parametrize(
    "payload",
    [
        {"txHash": "0x" + KEY},
        {"transactionHash": "0x" + KEY},
        {"safeTxHash": KEY},
        {"safe_tx_hash": "0x" + KEY},
        {"signature": "0x" + KEY},
        {"signature": "0x" + KEY * 2 + "1b"},
        {"signatures": ["0x" + KEY, "0x" + KEY * 2 + "1b"]},
        {"signatures": [{"signer": "0x" + "1" * 40, "data": "0x" + KEY}]},
        {"safeTxData": {"data": "0xca5eb5e1" + KEY, "value": "0", "nonce": 0}},
        {"safeTxData": {"data": "0x" + KEY}},
        {"idempotencyKey": KEY},
        {"idempotencyKey": "ostium-hub-1790000000000"},
        {"allowanceAmount": str(2**256 - 1)},
        {"note": "a note of twelve words that is not a mnemonic because it is"},
        {"note": "x" * 64},
        {"note": KEY + "0"},
        {"market": "BTC/USD", "traderAddress": "0x" + "1" * 40, "network": "testnet"},
        {"privacy": "x", "secretary": "x", "seed": "x", "keys": "x"},
    ],
)
def test_what_a_caller_may_really_send_passes(payload: Any) -> None:
    assert set(parse_object(json.dumps(payload).encode())) == set(payload)


def test_the_refusal_never_repeats_the_secret(send: Send, written: StringIO) -> None:
    response = send("/v1/markets/list", {"network": "testnet", "deep": [{"privateKey": KEY, "note": MNEMONIC}]})
    body = response.json()
    body.pop("meta")
    assert response.status_code == 400
    assert body == {
        "success": False,
        "error": {
            "code": "SECRET_IN_PAYLOAD",
            "message": SecretInPayload.message,
            "details": {"field": "deep.0.privateKey"},
            "retryable": False,
        },
    }
    assert "request_finished" in written.getvalue()
    for text in (response.content.decode(), str(response.headers), written.getvalue()):
        assert KEY not in text
        assert "sausage" not in text


def test_a_key_in_the_idempotency_header_is_refused(send: Send) -> None:
    response = send("/v1/markets/list", {"network": "testnet"}, headers={"HTTP_IDEMPOTENCY_KEY": "0x" + KEY})
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "SECRET_IN_PAYLOAD"
    assert KEY not in response.content.decode()


def test_a_key_as_request_id_is_not_taken_up(send: Send) -> None:
    for value in (KEY, "0x" + KEY):
        response = send("/v1/markets/list", {"network": "testnet"}, headers={"HTTP_X_REQUEST_ID": value})
        assert KEY not in response.content.decode()
        assert KEY not in response["x-request-id"]
