"""The signature of a request: HMAC-SHA256 over `<timestamp>:<METHOD>:<path>:<body>`, lower-case hex."""

import hashlib
import hmac


def sign_request(*, secret: str, timestamp_ms: int, method: str, path: str, body: bytes) -> str:
    """The `x-signature` of exactly these bytes; `timestamp_ms` is epoch milliseconds, sent as `x-timestamp`."""
    message = f"{timestamp_ms}:{method.upper()}:{path}:".encode() + body
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
