"""The delegate's key: after a whole story it is in Vault, and nowhere that anybody could look."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from django.db import connection
from django.test import Client

from relay.models import Signer
from sandbox.openbao import VaultAccess
from sandbox.story import Stage, Story
from tests.support.services import Services
from tests.support.staff_login import log_in_staff


def read_key(vault: VaultAccess, address: str) -> int:
    path = f"{vault.addr}/v1/secret/data/ostium/delegates/testnet/{address.lower()}"
    login = {"role_id": vault.role_id, "secret_id": vault.secret_id}
    token = requests.post(f"{vault.addr}/v1/auth/approle/login", json=login, timeout=5).json()["auth"]["client_token"]
    answer = requests.get(path, headers={"X-Vault-Token": token}, timeout=5)
    return int(answer.json()["data"]["data"]["private_key"], 16)


def spellings(key: int) -> list[bytes]:
    raw = key.to_bytes(32, "big")
    texts = [raw.hex(), raw.hex().upper(), str(key), repr(raw)[2:-1], str(list(raw))[1:-1]]
    encoded = [base64.b64encode(raw).rstrip(b"="), base64.urlsafe_b64encode(raw).rstrip(b"=")]
    return [*(text.encode() for text in texts), *encoded, raw]


def database_rows() -> Iterator[bytes]:
    with connection.cursor() as cursor:
        cursor.execute("select quote_ident(tablename) from pg_tables where schemaname = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
        for table in tables:
            cursor.execute(f"select t::text from {table} t")  # noqa: S608
            yield from (row.encode() for (row,) in cursor.fetchall())


def environments(services: Services) -> Iterator[bytes]:
    for child in services.children:
        family = psutil.Process(child.pid)
        for process in [family, *family.children(recursive=True)]:
            yield Path(f"/proc/{process.pid}/environ").read_bytes()
            yield Path(f"/proc/{process.pid}/cmdline").read_bytes()


def admin_pages(client: Client) -> Iterator[bytes]:
    lists = ("relay/signer/", "relay/outboundtransaction/", "positions/perpsexecution/", "safeguards/grant/")
    rows = (f"relay/signer/{signer.pk}/change/" for signer in Signer.objects.all())
    for path in ("", *lists, "delegations/delegation/", "delegations/safetransaction/", *rows):
        response = client.get(f"/admin/{path}", secure=True)
        assert response.status_code == 200, path
        yield response.content


@pytest.mark.timeout(240)
def test_v9_after_a_whole_story_the_key_is_nowhere_but_in_vault(
    services: Services, vault_dev: VaultAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[bytes] = []
    post = requests.Session.post

    def recording(session: requests.Session, *arguments: Any, **named: Any) -> requests.Response:
        response = post(session, *arguments, **named)
        answers.append(response.content)
        return response

    services.start_web()
    services.start_worker()
    stage = Stage(service_url=services.url, hmac_secret=services.secrets.hmac, rpc_url=services.endpoints.rpc_url)
    with monkeypatch.context() as patch:
        patch.setattr(requests.Session, "post", recording)
        Story(stage, lambda _line: None).play()
    client = log_in_staff("looker", is_superuser=True)

    places = {
        "answers": answers,
        "environments": list(environments(services)),
        "metrics": [requests.get(services.url + "/metrics", timeout=5).content],
        "database": list(database_rows()),
        "admin": list(admin_pages(client)),
        "logs": [path.read_bytes() for path in services.logs.rglob("*.log")],
    }
    assert {name: bool(b"".join(texts)) for name, texts in places.items()} == dict.fromkeys(places, True)
    address = Signer.objects.get().address
    assert any(address.encode() in row for row in places["database"])
    found = [
        (place, number)
        for place, texts in places.items()
        for number, spelling in enumerate(spellings(read_key(vault_dev, address)))
        if any(spelling in text for text in texts)
    ]
    assert found == []
