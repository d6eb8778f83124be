"""Takes secrets out of every log line: by the field's name, by the value's shape, and by known value.

It runs last before a line is written, on everything: context, event, exception text. A 32-byte hash looks like a
private key, so hashes are only shown under a name that ends in `hash`; in free text they are cut.
"""

import re
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import Any, Final

MARK: Final = "[redacted]"
_MAX_DEPTH: Final = 8
_MAX_TEXT: Final = 8192
_CUT_MARGIN: Final = 512
_LARGEST_SHOWN_INTEGER: Final = 1 << 200
_SHORTEST_KNOWN_SECRET: Final = 6

_SECRET_NAME: Final = re.compile(
    r"secret|private|privkey|mnemonic|seed|passphrase|passw|passwd|^pwd$|authorization|signature|^sig$|cookie|token|"
    r"api_?key|apikey|keystore|credential|^dsn$|database_url|raw_?tx|raw_?transaction|signed|^raw$|^key$|body|payload|"
    r"^headers$|session",
    re.IGNORECASE,
)
_HASH_NAME: Final = re.compile(r"(hash|hashes|topic|topics)$", re.IGNORECASE)
_PLAIN_NAME: Final = re.compile(r"^(token_address|idempotency_key_hash|signed_at|signature_count)$")
_HASH: Final = re.compile(r"0x[0-9a-f]{64}", re.IGNORECASE)

_NAMED = (
    r"private_?key|priv_?key|mnemonic|seed_?phrase|secret_?key|secret_?id|keystore|passw(?:or)?d|passphrase|"
    r"hmac_?secret(?:_?previous)?|client_?token|x-vault-token|x-signature|signature|api_?key|access_?token|secret|cookie"
)
_PATTERNS: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*-----|\Z)", re.DOTALL), MARK),
    # Userinfo, path and query of a URL may each hold a password or an API key: scheme and host are what is left.
    (re.compile(r"\b([a-z][a-z0-9+.-]{1,20})://[^\s'\"]*@[^\s'\"]*", re.IGNORECASE), r"\1://" + MARK),
    (re.compile(r"\b([a-z][a-z0-9+.-]{1,20})://([^\s/?#'\"]*)[/?#][^\s'\"]*", re.IGNORECASE), r"\1://\2/"),
    (re.compile(r"(with url: )\S+", re.IGNORECASE), r"\1" + MARK),
    (re.compile(r"\?[^\s'\"?]*=[^\s'\"]*"), "?" + MARK),
    (re.compile(r"\b(authorization\W{1,4})(?:\w+\s+)?[^\s,'\"}]+", re.IGNORECASE), r"\1" + MARK),
    (re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9+/_.=-]{8,}", re.IGNORECASE), r"\1 " + MARK),
    (
        re.compile(
            rf"((?<!\w)\w{{0,40}}?(?:{_NAMED})\w{{0,40}}\\*[\"']?\s*[:=]\s*)"
            r"(\\+\"[^\"]*\"|\"(?:[^\"\\]|\\.)*\"?|'(?:[^'\\]|\\.)*'?|[^\s,;}]+)",
            re.IGNORECASE,
        ),
        r"\1" + MARK,
    ),
    (re.compile(r"\b(?:hv[sbr]\.[A-Za-z0-9_-]{8,}|[sbr]\.[A-Za-z0-9]{20,})"), MARK),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"), MARK),
    (re.compile(r"\b[a-z]prv[1-9A-HJ-NP-Za-km-z]{100,}"), MARK),
    (re.compile(r"(?:0x)?[0-9a-f]{64,}", re.IGNORECASE), MARK),
    (re.compile(r"\bb(?:'(?:[^'\\]|\\.){12,}'|\"(?:[^\"\\]|\\.){12,}\")"), MARK),
    (re.compile(r"(?<![0-9])[0-9]{70,}(?![0-9])"), MARK),
    (re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{43,}={1,2}"), MARK),
    (re.compile(r"\b(?:[a-z]{3,8}[ \t]+){11,23}[a-z]{3,8}\b", re.IGNORECASE), MARK),
)

# A word, an id in hex, a time, or a method and a path of short plain steps: nothing that any of the patterns cuts, and
# most of what is logged.
_HARMLESS: Final = re.compile(
    r"[A-Za-z0-9_]{1,42}|[0-9a-f-]{1,42}|[0-9TZ:.+-]{1,42}|(?:GET|POST)\ (?:/[a-z0-9_-]{1,30}){1,5}/?"
)

# The logging set-up itself writes these over whatever a caller gave.
_SET_LAST: Final = frozenset({"level", "logger", "timestamp"})

_known: tuple[str, ...] = ()
"""Longest first, since one may hold another."""


def learn_secrets(values: Iterable[str]) -> None:
    """Cut these exact values too, wherever they appear. Values under 6 characters are left out: they are words."""
    global _known  # noqa: PLW0603
    found = {*_known, *(value for value in values if len(value) >= _SHORTEST_KNOWN_SECRET)}
    _known = tuple(sorted(found, key=len, reverse=True))


def redact(_logger: Any, _method: str, event_dict: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog processor: the same line without its secrets."""
    return {
        str(name): value if name in _SET_LAST else redact_value(value, name=str(name))
        for name, value in event_dict.items()
    }


def redact_value(value: Any, *, name: str = "", depth: int = 0) -> Any:
    """`value` as it may be shown under `name`."""
    if _HASH_NAME.search(name) and isinstance(value, str) and _HASH.fullmatch(value):
        return value
    if _SECRET_NAME.search(name) and not _PLAIN_NAME.search(name):
        return MARK
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return MARK if abs(value) >= _LARGEST_SHOWN_INTEGER else value
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return f"[{len(value)} bytes]"
    if depth >= _MAX_DEPTH:
        return MARK
    return _redact_container(value, name=name, depth=depth)


def redact_text(text: str) -> str:
    """Free text with every known secret and every secret's shape cut out, at most 8192 characters of it."""
    # The end of what is cut off might be half a secret that no pattern knows any more, so that end is not shown.
    end = None if len(text) <= _MAX_TEXT else -_CUT_MARGIN
    text = text[:_MAX_TEXT]
    for secret in _known:
        text = text.replace(secret, MARK)
    if _HARMLESS.fullmatch(text):
        return text
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text if end is None else text[:end] + "..."


def _redact_container(value: Any, *, name: str, depth: int) -> Any:
    if isinstance(value, Mapping):
        return {
            redact_text(str(key)): redact_value(item, name=str(key), depth=depth + 1) for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact_value(item, name=name, depth=depth + 1) for item in value]
    return redact_text(_describe(value))


def _describe(value: object) -> str:
    describe: Callable[[object], str] = repr if isinstance(value, BaseException) else str
    try:
        return describe(value)
    except Exception:  # noqa: BLE001  a log line must not fail because an object cannot be shown
        return f"[{type(value).__name__}]"
