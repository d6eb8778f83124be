"""Search, filters, export and the figures."""

import csv
import io
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from delegations.models import Delegation
from positions.models import PerpsExecution
from relay.models import Signer
from staff.figures import read_figures
from tests.integration.staff.conftest import LogIn
from tests.support.staff_rows import DELEGATE, SAFE, StaffRows

LIST = "/admin/delegations/delegation/"


@pytest.mark.parametrize(
    "text",
    [
        *("user-7", "user", SAFE, SAFE.lower(), DELEGATE, "0x" + "a1" * 32, "0x" + "A1" * 32),
        *("0x" + "b2" * 32, "0x" + "c3" * 32),
    ],
)
def test_a_delegation_is_found_by_user_safe_delegate_and_hash(log_in: LogIn, rows: StaffRows, text: str) -> None:
    answer = log_in("vera", "Viewer").get(LIST, {"q": text})
    assert [row.pk for row in answer.context["cl"].result_list] == [rows.delegation.pk]


@pytest.mark.parametrize("text", ["user-8", "0x" + "d4" * 32, "0x" + "11" * 20, "%", "' OR 1=1 --"])
def test_what_is_not_there_is_not_found(log_in: LogIn, rows: StaffRows, text: str) -> None:
    assert list(log_in("vera", "Viewer").get(LIST, {"q": text}).context["cl"].result_list) == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"stage": "active"}, 1),
        ({"stage": "failed"}, 0),
        ({"network": "testnet"}, 1),
        ({"suspended__exact": "1"}, 0),
        ({"drift": "yes"}, 0),
        ({"drift": "unread"}, 0),
    ],
)
def test_filters(log_in: LogIn, rows: StaffRows, query: dict[str, str], found: int) -> None:
    answer = log_in("vera", "Viewer").get(LIST, query)
    assert (answer.status_code, len(answer.context["cl"].result_list)) == (HTTPStatus.OK, found)


@pytest.mark.parametrize("text", ["800001", "first-trade", "0x" + "c3" * 32, SAFE])
def test_a_trade_is_found(log_in: LogIn, rows: StaffRows, text: str) -> None:
    answer = log_in("vera", "Viewer").get("/admin/positions/perpsexecution/", {"q": text})
    assert [row.pk for row in answer.context["cl"].result_list] == [rows.execution.pk]


def test_the_export_is_the_filtered_list_and_needs_its_permission(log_in: LogIn, rows: StaffRows) -> None:
    Delegation.objects.filter(pk=rows.delegation.pk).update(user_id="=HYPERLINK(1)")
    answer = log_in("otto", "Operator").get(f"{LIST}export.csv", {"stage": "active"})
    lines = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    assert [(line["safe_address"], line["user_id"], line["stage"]) for line in lines] == [
        (SAFE, "'=HYPERLINK(1)", "active")
    ]
    assert log_in("vera", "Viewer").get(f"{LIST}export.csv").status_code == HTTPStatus.FORBIDDEN


def test_home_shows_what_waits_for_a_person(log_in: LogIn, rows: StaffRows) -> None:
    cache.clear()
    Delegation.objects.filter(pk=rows.delegation.pk).update(suspended=True, chain_delegate="")
    old = timezone.now() - timedelta(minutes=3)
    PerpsExecution.objects.filter(pk=rows.execution.pk).update(state="SENT", created_at=old)
    figures = read_figures()
    assert [item["count"] for item in figures["waiting"]] == [1, 1, 1, 1, 1]
    assert (figures["drift"]["live"], figures["drift"]["compared"]) == (1, 1)
    assert figures["money"]["traders"] == 1
    assert figures["stages"] == [("active", 1)]
    assert figures["money"]["collateral"] == 1200
    low = [item.signer.address for item in figures["gas"] if item.is_low]
    assert low == [DELEGATE]
    assert Signer.objects.filter(state="halted").count() == 1
    assert log_in("vera", "Viewer").get("/admin/").status_code == HTTPStatus.OK


@pytest.mark.parametrize("query", [{}, {"q": SAFE}, {"q": "0x" + "c3" * 32}, {"stage": "active"}, {"drift": "yes"}])
def test_a6_a_list_takes_few_queries(
    log_in: LogIn, rows: StaffRows, django_assert_max_num_queries: Any, query: dict[str, str]
) -> None:
    client = log_in("vera", "Viewer")
    with django_assert_max_num_queries(19):
        assert client.get(LIST, query).status_code == HTTPStatus.OK


def test_a6_home_takes_few_queries(log_in: LogIn, rows: StaffRows, django_assert_max_num_queries: Any) -> None:
    client = log_in("vera", "Viewer")
    cache.clear()
    with django_assert_max_num_queries(19):
        assert client.get("/admin/").status_code == HTTPStatus.OK


def test_every_number_of_the_home_page_leads_to_the_rows_it_counts(log_in: LogIn, rows: StaffRows) -> None:
    """Failures by code and by the oracle's reason, in the 24 hours that are shown."""
    cache.clear()
    key = {"fingerprint": "f" * 64, "request": {}, "request_id": "r", "leased_until": timezone.now()}
    for number, (state, code, reason) in enumerate((("REJECTED", "GAS_LOW", "GAS_LOW"), ("REJECTED", "", "SLIPPAGE"))):
        PerpsExecution.objects.create(
            operation="open",
            network="testnet",
            trader_address=SAFE,
            idempotency_key=f"k-{number}",
            state=state,
            error_code=code,
            reason=reason,
            **key,
        )
    figures = read_figures()
    assert figures["outcomes"] == [("REJECTED", 2), ("SETTLED", 1)]
    assert [(item["name"], item["count"]) for item in figures["failures"]] == [("GAS_LOW", 1), ("SLIPPAGE", 1)]
    assert (figures["busiest"], sum(sum(bar.counts.values()) for bar in figures["bars"])) == (3, 3)
    client = log_in("vera", "Viewer")
    for item in figures["failures"]:
        place = f"/admin/positions/perpsexecution/?{item['query']}&created_at__gte={figures['since']}"
        assert client.get(place).context["cl"].result_count == 1, place
    for item in figures["waiting"]:
        assert client.get(f"{reverse(item['view'])}?{item['query']}").status_code == HTTPStatus.OK
