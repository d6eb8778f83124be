"""Every example of the API page is sent, about a trader who exists: it works, or is refused as its page says."""

from typing import Any

from ostium_service.http.openapi import build_document
from tests.contract.test_fuzz import point_at
from tests.integration.positions.conftest import Desk
from tests.support.callers import SignedCaller
from tests.support.conformance import check_answer

OPEN = "/v1/positions/open"
FIRST = (OPEN, "/v1/orders/update")
"""What the others are about, and what has to come before it is cancelled."""

REFUSED = {
    "SAFE_TX_NOT_FOUND": {
        "/v1/allowance/execute one owner",
        "/v1/delegations/execute one owner",
        "/v1/delegations/revoke/execute two owners",
    },
    "SAFE_WALLET_MISSING": {"/v1/allowance/prepare a limit of its own", "/v1/delegations/prepare with an allowance"},
    "DELEGATION_NOT_FOUND": {
        "/v1/delegations/report what the client sent",
        "/v1/delegations/revoke/prepare the present one",
    },
    "EXECUTION_NOT_FOUND": {"/v1/executions/get by its id"},
    "ORDER_NOT_FOUND": {"/v1/orders/cancel by its id"},
    "ORDER_NOT_RECLAIMABLE": {"/v1/positions/reclaim an unanswered order"},
}
"""The trader here is no Safe, and the ids and hashes of the examples are nobody's; every other example works."""


def list_examples() -> dict[tuple[str, str], dict[str, Any]]:
    """Bodies by path and name, those of FIRST first."""
    found = {
        (path, name): example["value"]
        for path, item in build_document()["paths"].items()
        if path.startswith("/v1/")
        for name, example in item["post"]["requestBody"]["content"]["application/json"]["examples"].items()
    }
    return dict(sorted(found.items(), key=lambda item: (item[0][0] not in FIRST, item[0][0] != OPEN, item[0])))


def test_every_example_is_answered_as_its_page_says(slow_desk: Desk, signed: SignedCaller) -> None:
    refused: dict[str, set[str]] = {}
    examples = list_examples()
    for number, ((path, name), body) in enumerate(examples.items()):
        response = signed.send(path, point_at(slow_desk, body), request_id=f"example-{number}")
        answer = response.json()
        check_answer(path=path, status=response.status_code, body=answer)
        if not answer["success"]:
            refused.setdefault(answer["error"]["code"], set()).add(f"{path} {name}")
    assert refused == REFUSED
