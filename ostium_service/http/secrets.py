"""Recognises user secrets in a request body, by the field's name or by the value's shape.

A private key and a transaction hash look alike: 32 bytes in hex. So the field's name decides: under a name that means
a hash, a signature or call data they pass, everywhere else they are refused. One gap is left on purpose: 64 hex
digits WITHOUT 0x pass as an idempotency key, because callers derive those keys with SHA-256.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

_SECRET_NAMES: Final = (
    "privatekey",
    "privkey",
    "mnemonic",
    "seedphrase",
    "seedwords",
    "recoveryphrase",
    "secretphrase",
    "secretrecovery",
    "secretkey",
    "keystore",
)
_HASH_NAME: Final = re.compile(r".*(hash|hashes|signature|signatures|txid)|(call)?data|digest|salt|r|s")
_KEY_HEX: Final = re.compile(r"(?<![0-9a-zA-Z])(0[xX])?[0-9a-fA-F]{64}(?![0-9a-zA-Z])")
_PEM: Final = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY")
_EXTENDED_KEY: Final = re.compile(r"(?<![0-9a-zA-Z])[a-z]prv[1-9A-HJ-NP-Za-km-z]{100,}")
_KEYSTORE_TEXT: Final = re.compile(r'"ciphertext"\s*:.*"kdf|"kdf.*"ciphertext"\s*:', re.DOTALL | re.IGNORECASE)
_MNEMONIC_LENGTHS: Final = frozenset({12, 15, 18, 21, 24})
_MNEMONIC_WORD: Final = re.compile(r"[a-z]{3,8}")
# One word, shorter than anything that is looked for: most names and values.
_HARMLESS: Final = re.compile(r"[A-Za-z0-9_]{1,42}")
_NO_NAME: Final = re.compile(r"[^a-z0-9]")


def find_secret(payload: Any) -> str | None:
    """The path of the first field that is a secret by name or shape, without its value; None when there is none."""
    return next(_secret_paths(payload, path="", name=""), None)


def looks_like_secret(text: str, *, name: str) -> bool:
    """Whether `text`, given under the field or header `name`, has the shape of a secret."""
    if _HARMLESS.fullmatch(text):
        return False
    if _PEM.search(text) or _EXTENDED_KEY.search(text) or _KEYSTORE_TEXT.search(text) or _is_mnemonic(text.split()):
        return True
    plain = _plain(name)
    if _HASH_NAME.fullmatch(plain):
        return False
    found = _KEY_HEX.search(text)
    return found is not None and (found.group(1) is not None or plain != "idempotencykey")


def _secret_paths(value: Any, *, path: str, name: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        if _is_keystore(value):
            yield path or "(body)"
        for key, item in value.items():
            # The path ends before a secret name that is itself a secret, so nothing of it can be echoed.
            below = f"{path}.{_shown(key)}" if path else _shown(key)
            plain = _plain(key)
            if any(secret in plain for secret in _SECRET_NAMES) or looks_like_secret(key, name=""):
                yield below
            yield from _secret_paths(item, path=below, name=key)
    elif isinstance(value, list):
        if _is_mnemonic([item if isinstance(item, str) else "" for item in value]):
            yield path
        for index, item in enumerate(value):
            yield from _secret_paths(item, path=f"{path}.{index}", name=name)
    elif isinstance(value, str) and looks_like_secret(value, name=name):
        yield path


def _plain(name: str) -> str:
    return _NO_NAME.sub("", name.lower())


def _shown(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]{1,40}", key) and not looks_like_secret(key, name="") else "(field)"


def _is_mnemonic(words: list[str]) -> bool:
    return len(words) in _MNEMONIC_LENGTHS and all(
        _MNEMONIC_WORD.fullmatch(word.lower().strip(",;.")) for word in words
    )


def _is_keystore(value: Mapping[str, Any]) -> bool:
    names = {_plain(key) for key in value}
    return "ciphertext" in names and any(name.startswith("kdf") for name in names)
