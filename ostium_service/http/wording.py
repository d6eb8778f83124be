"""Words that callers act on, kept out of every answer that does not mean them.

The calling backend rewrites an error's code and status when its lower-cased message contains one of these, so a
stray word could turn the refusal of a write into one that is repeated.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

MEANT_BY: Final[Mapping[str, str]] = {
    "timeout": "OSTIUM_SERVICE_TIMEOUT",
    "timed out": "OSTIUM_SERVICE_TIMEOUT",
    "allowance for": "ALLOWANCE_MISSING",
    "sufficient allowance": "ALLOWANCE_MISSING",
    "insufficient funds for gas": "DELEGATE_GAS_LOW",
    "delegate gas": "DELEGATE_GAS_LOW",
    "delegate wallet gas is low": "DELEGATE_GAS_LOW",
    "delegation is not active": "DELEGATION_NOT_ACTIVE",
    "delegation not active": "DELEGATION_NOT_ACTIVE",
    "safe wallet not found": "SAFE_WALLET_MISSING",
}
"""The word, and the one code whose texts may contain it."""

_REPLACEMENTS: Final[tuple[tuple[str, str], ...]] = (
    ("insufficient allowance", "allowance too small"),
    ("sufficient allowance", "large enough allowance"),
    ("allowance for", "allowance of"),
    ("insufficient funds for gas", "too little ether"),
    ("delegate wallet gas is low", "the delegate needs ether"),
    ("delegate gas", "the delegate's ether"),
    ("delegation is not active", "no usable delegation"),
    ("delegation not active", "no usable delegation"),
    ("safe wallet not found", "no Safe there"),
    ("timed out", "took too long"),
    ("timeout", "deadline"),
)
_PATTERN: Final = re.compile("|".join(re.escape(word) for word, _ in _REPLACEMENTS), re.IGNORECASE)


def reword(value: Any, *, code: str) -> Any:
    """`value` (text, mapping or list) with the words replaced that only another code may use."""
    if isinstance(value, str):
        return _PATTERN.sub(lambda match: _replacement(match.group(0), code), value)
    if isinstance(value, Mapping):
        return {key: reword(item, code=code) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [reword(item, code=code) for item in value]
    return value


def _replacement(found: str, code: str) -> str:
    word = found.lower()
    if any(known in word and owner == code for known, owner in MEANT_BY.items()):
        return found
    return dict(_REPLACEMENTS)[word]
