"""The client signs as the contract's vectors say."""

import pytest

from ostium_service.client import sign_request

SECRET = "a-test-secret-of-32-characters!!"


@pytest.mark.parametrize(
    ("secret", "timestamp", "method", "path", "body", "signature"),
    [
        (
            SECRET,
            1790000000000,
            "POST",
            "/v1/markets/list",
            '{"network":"testnet"}',
            "7f00b3bf0c62f8d15bfb16a5e51b5185b69c8417f4d816c75f66e49a93166b1e",
        ),
        (
            "pässword-ключ",
            1790000000123,
            "post",
            "/v1/positions/open",
            '{"network":"testnet","market":"BTC/USD","note":"é漢字"}',
            "a2173b1eb44d4a0a5db1b09ff8ad97bf1fc58636d0f399fae22a53af0653ff01",
        ),
        (
            SECRET,
            1790000000000,
            "POST",
            "/v1/markets/list",
            "",
            "31590bcaf61bbef7ab09fe1ccf337129497f33d90595593ca044cd9a980e2874",
        ),
    ],
)
def test_vectors(secret: str, timestamp: int, method: str, path: str, body: str, signature: str) -> None:
    signed = sign_request(secret=secret, timestamp_ms=timestamp, method=method, path=path, body=body.encode())
    assert signed == signature
