"""The second factor of the sandbox's staff login: kept in a file, since there is no telephone to enrol."""

import base64
import hashlib
import hmac
import struct
import time
from urllib.parse import parse_qs, urlsplit

from sandbox.stackfile import RUN_DIRECTORY

PATH = RUN_DIRECTORY / "staff-otpauth"
STEP_SECONDS = 30
DIGITS = 6


def keep_second_factor(*, uri: str) -> None:
    """Write the otpauth URI down for `read_code`, readable by this user only."""
    RUN_DIRECTORY.mkdir(parents=True, exist_ok=True)
    PATH.unlink(missing_ok=True)
    PATH.touch(mode=0o600)
    PATH.write_text(uri)


def read_code() -> str:
    """The code of this moment (RFC 6238: SHA-1, 30 s, six digits). A code works once."""
    if not PATH.is_file():
        return "no sandbox has run here"
    secret = base64.b32decode(parse_qs(urlsplit(PATH.read_text()).query)["secret"][0])
    return compute_code(secret=secret, at=time.time())


def compute_code(*, secret: bytes, at: float) -> str:
    """The code of the 30 seconds around a Unix time."""
    counter = struct.pack(">Q", int(at) // STEP_SECONDS)
    digest = hmac.new(secret, counter, hashlib.sha1).digest()
    start = digest[-1] & 0x0F
    number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"
