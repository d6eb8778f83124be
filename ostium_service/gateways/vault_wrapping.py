"""A response-wrapped AppRole secret id: unwrapped once, and only when it is what it claims to be."""

import re
from typing import Any, Final

import hvac
import requests

from ostium_service.gateways.failures import BadAnswer, Refused, System
from ostium_service.gateways.http_client import build_session
from ostium_service.gateways.resilience import Policy
from ostium_service.gateways.vault_tokens import VaultLogin, translate

_CREATION_PATH: Final = re.compile(r"auth/[^/]+(?:/[^/]+)*/role/[^/]+/secret-id")

POLICY: Final = Policy(read_seconds=3.0, total_seconds=6.0, attempts=1)


def unwrap_secret_id(login: VaultLogin, *, wrapping_token: str) -> str:
    """The secret id inside `wrapping_token`, which is used up by this.

    Refused `unwrapped_before` (by somebody else, or it has ended) or `wraps_something_else` (then it is left as it is:
    who can put another token in its place could make us log in under a role of theirs); Unreachable and BadAnswer as
    for every call of Vault. Never repeated: an answer that was lost has used the token up.
    """
    session = build_session(verify=login.cacert or True)
    try:
        # Looking it up does not use it up, as long as it is not the client's own token.
        anonymous, own = _build_client(login, session, ""), _build_client(login, session, wrapping_token)
        _require_secret_id(translate(lambda: _ask(anonymous, "lookup", {"token": wrapping_token})))
        return _take_secret_id(translate(lambda: _ask(own, "unwrap", {})))
    except Refused as refusal:
        if refusal.token in {"bad_request", "denied"}:
            raise Refused(System.VAULT, "unwrapped_before") from None
        raise
    finally:
        session.close()


def _build_client(login: VaultLogin, session: requests.Session, token: str) -> Any:
    return hvac.Client(
        url=login.addr,
        token=token,
        namespace=login.namespace or None,
        session=session,
        timeout=(POLICY.connect_seconds, POLICY.read_seconds),
        allow_redirects=False,
    )


def _require_secret_id(data: Any) -> None:
    path = data.get("creation_path") if isinstance(data, dict) else None
    if not isinstance(path, str) or not _CREATION_PATH.fullmatch(path):
        raise Refused(System.VAULT, "wraps_something_else")


def _take_secret_id(data: Any) -> str:
    secret_id = data.get("secret_id") if isinstance(data, dict) else None
    if not isinstance(secret_id, str) or not secret_id:
        raise BadAnswer(System.VAULT, "shape")
    return secret_id


def _ask(client: Any, what: str, body: dict[str, str]) -> Any:
    return client.adapter.post(url=f"/v1/sys/wrapping/{what}", json=body)["data"]
