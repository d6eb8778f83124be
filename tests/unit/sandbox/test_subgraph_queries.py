"""GraphQL answers from a snapshot made by hand: all eight documents of the SDK, and the paging rules."""

import inspect
import re
from collections.abc import Mapping
from typing import Any

import pytest
from graphql import parse, validate
from ostium_python_sdk.subgraph import SubgraphClient

from sandbox.subgraph import answer_query, load_schema
from tests.unit.sandbox.snapshots import TRADER, make_snapshot

DOCUMENTS = re.findall(r'gql\(\s*"""(.*?)"""', inspect.getsource(SubgraphClient), re.DOTALL)


def ask(query: str, orders: list[Mapping[str, Any]] | None = None, **variables: Any) -> dict[str, Any]:
    """The answer from a snapshot with these orders."""
    snapshot = make_snapshot(Order=orders or [])
    return answer_query(body={"query": query, "variables": variables}, snapshot=snapshot)


def make_orders(count: int) -> list[Mapping[str, Any]]:
    """Orders 1000, 1001, ... of two traders in turn; every third has no execution time."""
    return [
        {
            "id": str(1000 + number),
            "trader": TRADER if number % 2 == 0 else "0x" + "22" * 20,
            "executedAt": None if number % 3 == 0 else 5000 - number,
            "isPending": number % 3 == 0,
            "pair": "0",
        }
        for number in range(count)
    ]


def test_the_sdk_has_eight_documents_and_all_are_valid() -> None:
    assert len(DOCUMENTS) == 8
    assert [validate(load_schema(), parse(document)) for document in DOCUMENTS] == [[]] * 8


def test_numbers_are_strings_and_references_are_objects() -> None:
    assert ask('{ pair(id: "0") { id longOI isNegativeRolloverAllowed group { id maxLeverage } } }') == {
        "data": {
            "pair": {
                "id": "0",
                "longOI": "123",
                "isNegativeRolloverAllowed": False,
                "group": {"id": "0", "maxLeverage": "10000"},
            }
        }
    }


def test_a_missing_entity_is_null() -> None:
    assert ask('{ pair(id: "99") { id } metaData(id: "ostium") { liqMarginThresholdP } }') == {
        "data": {"pair": None, "metaData": {"liqMarginThresholdP": "25"}}
    }


@pytest.mark.parametrize(("arguments", "expected"), [("", 100), ("(first: 1000)", 130), ("(skip: 120)", 10)])
def test_the_default_page_is_a_hundred(arguments: str, expected: int) -> None:
    rows = ask(f"{{ orders{arguments} {{ id }} }}", make_orders(130))["data"]["orders"]

    assert len(rows) == expected


def test_a_missing_first_variable_takes_the_default() -> None:
    query = "query($n: Int) { orders(first: $n) { id } }"

    assert len(ask(query, make_orders(130))["data"]["orders"]) == 100
    assert len(ask(query, make_orders(130), n=7)["data"]["orders"]) == 7


def test_order_by_with_missing_values_and_ties() -> None:
    query = "{ orders(orderBy: executedAt, orderDirection: %s) { id executedAt } }"
    orders = make_orders(6)

    descending = ask(query % "desc", orders)["data"]["orders"]
    ascending = ask(query % "asc", orders)["data"]["orders"]

    assert [row["id"] for row in descending] == ["1001", "1002", "1004", "1005", "1000", "1003"]
    assert [row["id"] for row in ascending] == ["1000", "1003", "1005", "1004", "1002", "1001"]


def test_bytes_are_compared_without_case() -> None:
    query = "query($t: Bytes!) { orders(where: {trader: $t}) { trader } }"

    rows = ask(query, make_orders(3), t=TRADER.upper().replace("X", "x"))["data"]["orders"]

    assert [row["trader"] for row in rows] == [TRADER, TRADER]


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ("{isPending: false}", ["1001", "1002"]),
        ("{executedAt_gte: 4999}", ["1001"]),
        ('{executedAt_lt: "4999"}', ["1002"]),
        ("{executedAt: null}", ["1000", "1003"]),
        ("{executedAt_not: null}", ["1001", "1002"]),
        ('{id_in: ["1003", "1001"], isPending: true}', ["1003"]),
        ("{executedAt_in: [4999, 4998]}", ["1001", "1002"]),
        ('{pair: "0", id_not_in: ["1000"]}', ["1001", "1002", "1003"]),
    ],
)
def test_where(where: str, ids: list[str]) -> None:
    rows = ask(f"{{ orders(where: {where}) {{ id }} }}", make_orders(4))["data"]["orders"]

    assert [row["id"] for row in rows] == ids


def test_meta_names_the_block() -> None:
    assert ask("{ _meta { block { number hash timestamp } deployment hasIndexingErrors } }") == {
        "data": {
            "_meta": {
                "block": {"number": 100, "hash": "0xaa", "timestamp": 1_790_000_000},
                "deployment": "sandbox",
                "hasIndexingErrors": False,
            }
        }
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("first: 1001", "The value of the `first` argument must be between 0 and 1000"),
        ("first: -1", "The value of the `first` argument must be between 0 and 1000"),
        ("skip: 5001", "The value of the `skip` argument must be between 0 and 5000"),
    ],
)
def test_pages_out_of_bounds(arguments: str, message: str) -> None:
    assert ask(f"{{ orders({arguments}) {{ id }} }}") == {"errors": [{"message": message}]}
