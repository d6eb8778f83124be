"""V4: gunicorn and the queue's worker started with a wrapped secret id, as a deployment starts them."""

import sys

import hvac
import pytest

from sandbox.openbao import ROLE_NAME
from sandbox.processes import LOOPBACK, ChildProcess
from tests.support.services import Services, wait_for


def wrap_secret_id(services: Services) -> str:
    """What the deployment gets with its own narrow token."""
    client = hvac.Client(url=services.vault.addr, token=services.vault.deployer_token)
    answer = client.auth.approle.generate_secret_id(role_name=ROLE_NAME, wrap_ttl="60s")
    return str(answer["wrap_info"]["token"])


def start_web(services: Services, token: str) -> ChildProcess:
    command = [sys.executable, "-m", "gunicorn", "--bind", f"{LOOPBACK}:{services.port}", "--workers", "2"]
    return services._start("web", command, VAULT_SECRET_ID="", VAULT_WRAPPED_SECRET_ID=token)


def test_v4_all_web_processes_share_one_wrapped_secret_id(services: Services) -> None:
    web = start_web(services, wrap_secret_id(services))
    web.wait_ready(services._is_ready, seconds=60)
    # Two processes, each with its own login: one without would break the row. A busy machine may break it once.
    wait_for(lambda: all(services._is_ready() for _ in range(20)), seconds=60, purpose="twenty ready answers in a row")
    assert web.is_running


def test_v4_a_used_wrapping_token_stops_web_and_worker(services: Services) -> None:
    token = wrap_secret_id(services)
    hvac.Client(url=services.vault.addr, token=token).sys.unwrap()
    worker = services._start(
        "worker",
        [sys.executable, "manage.py", "procrastinate", "worker"],
        VAULT_SECRET_ID="",
        VAULT_WRAPPED_SECRET_ID=token,
    )
    web = start_web(services, token)
    for child in (web, worker):
        wait_for(lambda child=child: not child.is_running, seconds=60, purpose="the refusal to start")  # type: ignore[misc]
        text = child.log_path.read_text()
        assert child.exit_status != 0
        assert "ostium.E043" in text
        assert "vault_unwrap_refused" in text
        assert token not in text


def test_a_deployment_sees_no_secret_id_without_a_wrapping(services: Services) -> None:
    client = hvac.Client(url=services.vault.addr, token=services.vault.deployer_token)
    with pytest.raises((hvac.exceptions.InvalidRequest, hvac.exceptions.Forbidden)):
        client.auth.approle.generate_secret_id(role_name=ROLE_NAME)
