"""R7: every client of an outside system refuses a certificate that nobody it trusts has signed, before it says a word.

M3 is the price feed's row of it: the venue's own SDK would have taken that answer.
"""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from ostium_service.gateways.arbitrum import Arbitrum, SendOutcome
from ostium_service.gateways.delegate_key import DelegateKey
from ostium_service.gateways.failures import Unreachable
from ostium_service.gateways.ostium_prices import OstiumPrices
from ostium_service.gateways.ostium_subgraph import OstiumSubgraph
from ostium_service.gateways.vault import Vault, VaultLogin
from tests.integration.gateways.vault_admin import NET, QUICK, TlsVault

APP_ROLE = {"role_id": "planted-role", "secret_id": "planted-secret"}


@dataclass
class Impostor:
    """Speaks TLS with a certificate of its own authority; `heard` is all it ever got to read."""

    url: str
    heard: list[bytes] = field(default_factory=list)
    visits: int = 0


@pytest.fixture(params=["127.0.0.1", "127.0.0.2"], ids=["right-name", "wrong-name"])
def impostor(request: pytest.FixtureRequest, tls_vault: TlsVault) -> Iterator[Impostor]:
    """One whose certificate is for the name it is called by, and one whose is not."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls_vault.certificate, tls_vault.key)
    with socket.create_server((request.param, 0)) as listener:
        made = Impostor(f"https://{request.param}:{listener.getsockname()[1]}")
        thread = threading.Thread(target=_listen, args=(listener, context, made), daemon=True)
        thread.start()
        yield made
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def _listen(listener: socket.socket, context: ssl.SSLContext, impostor: Impostor) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        impostor.visits += 1
        connection.settimeout(2)
        with connection, suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
            impostor.heard.append(secured.recv(65_536))


@pytest.fixture(autouse=True)
def _no_way_round(monkeypatch: pytest.MonkeyPatch, tls_vault: TlsVault) -> None:
    """What an environment may name must not make the certificate good, nor switch the check off."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(tls_vault.authority))
    monkeypatch.setenv("PYTHONHTTPSVERIFY", "0")
    monkeypatch.setenv("VAULT_SKIP_VERIFY", "true")


def _node(url: str) -> Arbitrum:
    return Arbitrum(NET, rpc_url=url, policy=QUICK)


CLIENTS: dict[str, Callable[[str], object]] = {
    "rpc": lambda url: _node(url).block("latest"),
    "rpc_batch": lambda url: _node(url).read_state([]),
    "subgraph": lambda url: OstiumSubgraph(url, policy=QUICK).pairs(),
    "M3-prices": lambda url: OstiumPrices(url, policy=QUICK).latest(),
    "vault_token": lambda url: Vault(VaultLogin(addr=url, token="planted-token"), policy=QUICK).health(),
    "vault_role": lambda url: Vault(VaultLogin(addr=url, **APP_ROLE), policy=QUICK).health(),
}


@pytest.mark.parametrize("name", CLIENTS)
def test_r7_a_read_refuses_an_unknown_certificate_and_says_nothing(name: str, impostor: Impostor) -> None:
    with pytest.raises(Unreachable, match="tls"):
        CLIENTS[name](impostor.url)
    assert impostor.visits > 0
    assert impostor.heard == []


@pytest.mark.parametrize("where", ["submit", "rpc"])
def test_r7_a_signed_transaction_is_not_told_to_an_unknown_certificate(where: str, impostor: Impostor) -> None:
    closed = "http://127.0.0.1:9"
    node = Arbitrum(
        NET,
        rpc_url=impostor.url if where == "rpc" else closed,
        submit_url=impostor.url if where == "submit" else "",
        policy=QUICK,
    )
    fields = {"chainId": NET.chain_id, "nonce": 0, "to": "0x" + "11" * 20, "value": 0, "data": b"", "gas": 21_000}
    signed = DelegateKey.generate().sign_transaction({**fields, "maxFeePerGas": 1, "maxPriorityFeePerGas": 0})
    assert node.send_raw(signed.raw) is SendOutcome.UNKNOWN
    assert impostor.visits > 0
    assert impostor.heard == []


def test_r7_the_trusted_authority_vouches_for_the_right_name_only(impostor: Impostor, tls_vault: TlsVault) -> None:
    vault = Vault(VaultLogin(addr=impostor.url, cacert=str(tls_vault.authority), token="planted-token"), policy=QUICK)
    is_right = "127.0.0.1" in impostor.url
    with pytest.raises(Unreachable, match="cut" if is_right else "tls"):
        vault.health()
    assert bool(impostor.heard) is is_right
