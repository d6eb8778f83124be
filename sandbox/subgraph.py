"""The venue's subgraph, answered from the index: a GraphQL schema in graph-node's manner over `entities`.

Numbers are strings, lists have `where`, `first` (100, at most 1000), `skip`, `orderBy` and `orderDirection`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    build_schema,
    graphql_sync,
)

from sandbox.entities import ENTITIES
from sandbox.indexer import Snapshot

DEFAULT_PAGE = 100
LARGEST_PAGE = 1000
LARGEST_SKIP = 5000

COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "not": lambda value, wanted: bool(value != wanted),
    "gt": lambda value, wanted: value is not None and bool(value > wanted),
    "gte": lambda value, wanted: value is not None and bool(value >= wanted),
    "lt": lambda value, wanted: value is not None and bool(value < wanted),
    "lte": lambda value, wanted: value is not None and bool(value <= wanted),
    "in": lambda value, wanted: value in wanted,
    "not_in": lambda value, wanted: value not in wanted,
}

BASE_SDL = """
scalar BigInt
scalar Bytes
enum OrderDirection { asc desc }
enum _SubgraphErrorPolicy_ { allow deny }
input Block_height { hash: Bytes number: Int number_gte: Int }
type _Block_ { hash: Bytes number: Int! timestamp: Int parentHash: Bytes }
type _Meta_ { block: _Block_! deployment: String! hasIndexingErrors: Boolean! }
"""

POLICY = "block: Block_height, subgraphError: _SubgraphErrorPolicy_! = deny"


@dataclass(frozen=True, slots=True)
class QueryContext:
    """What one request is answered from."""

    snapshot: Snapshot


def filter_type(kind: str) -> str:
    """The input type of a field's filter; a reference is filtered by its id."""
    bare = kind.removesuffix("!")
    return "String" if bare in ENTITIES else bare


def build_sdl() -> str:
    """The whole schema as text."""
    parts = [BASE_SDL]
    queries = ["_meta(block: Block_height): _Meta_"]
    for name, (single, plural, fields) in ENTITIES.items():
        parts.append(f"type {name} {{ " + " ".join(f"{field}: {kind}" for field, kind in fields.items()) + " }")
        parts.append(f"enum {name}_orderBy {{ " + " ".join(fields) + " }")
        inputs: list[str] = []
        for field, kind in fields.items():
            bare = filter_type(kind)
            inputs.append(f"{field}: {bare}")
            for comparison in COMPARISONS:
                listed = comparison.endswith("in")
                inputs.append(f"{field}_{comparison}: " + (f"[{bare}!]" if listed else bare))
        parts.append(f"input {name}_filter {{ " + " ".join(inputs) + " }")
        queries.append(f"{single}(id: ID!, {POLICY}): {name}")
        queries.append(
            f"{plural}(skip: Int = 0, first: Int = {DEFAULT_PAGE}, orderBy: {name}_orderBy, "
            f"orderDirection: OrderDirection, where: {name}_filter, {POLICY}): [{name}!]!"
        )
    parts.append("type Query { " + " ".join(queries) + " }")
    return "\n".join(parts)


@cache
def load_schema() -> GraphQLSchema:
    """The executable schema with its resolvers."""
    schema = build_schema(build_sdl())
    big_integer = schema.type_map["BigInt"]
    raw_bytes = schema.type_map["Bytes"]
    if not isinstance(big_integer, GraphQLScalarType) or not isinstance(raw_bytes, GraphQLScalarType):
        raise TypeError("scalars expected")
    define_scalar(big_integer, parse=int)
    # graph-node compares bytes, not their spelling, so an EIP-55 address finds its rows too.
    define_scalar(raw_bytes, parse=lambda value: str(value).lower())
    query = schema.query_type
    if query is None:
        raise TypeError("query type expected")
    query.fields["_meta"].resolve = resolve_meta
    for name, (single, plural, fields) in ENTITIES.items():
        query.fields[single].resolve = make_single_resolver(name)
        query.fields[plural].resolve = make_list_resolver(name)
        references = {field: kind.removesuffix("!") for field, kind in fields.items() if kind[:-1] in ENTITIES}
        connect_references(schema, name=name, references=references)
    return schema


def define_scalar(scalar: GraphQLScalarType, *, parse: Callable[[Any], Any]) -> None:
    """Text on the way out; `parse` of a variable's or a literal's value on the way in."""

    def parse_literal(node: Any, _variables: Any = None) -> Any:
        return parse(node.value)

    vars(scalar).update(serialize=str, parse_value=parse, parse_literal=parse_literal)


def connect_references(schema: GraphQLSchema, *, name: str, references: Mapping[str, str]) -> None:
    """Let reference fields, kept as ids, resolve to the entity they name."""
    owner = schema.type_map[name]
    if not isinstance(owner, GraphQLObjectType):
        raise TypeError("object type expected")

    def make(field: str, target: str) -> Callable[..., Any]:
        def resolve(row: Mapping[str, Any], info: GraphQLResolveInfo) -> Any:
            return info.context.snapshot.rows(target).get(row[field])

        return resolve

    for field, target in references.items():
        owner.fields[field].resolve = make(field, target)


def resolve_meta(_root: Any, info: GraphQLResolveInfo, **_arguments: Any) -> dict[str, Any]:
    """The block the answer is as of."""
    head = info.context.snapshot.head
    block = {"hash": head.hash, "number": head.number, "timestamp": head.timestamp, "parentHash": None}
    return {"block": block, "deployment": "sandbox", "hasIndexingErrors": False}


def make_single_resolver(name: str) -> Callable[..., Any]:
    """`pair(id: ..)` and its like."""

    def resolve(_root: Any, info: GraphQLResolveInfo, *, id: str, **_arguments: Any) -> Any:  # noqa: A002
        return info.context.snapshot.rows(name).get(id)

    return resolve


def make_list_resolver(name: str) -> Callable[..., Any]:
    """`pairs(where: .., first: ..)` and its like."""

    def resolve(_root: Any, info: GraphQLResolveInfo, **arguments: Any) -> list[Mapping[str, Any]]:
        first, skip = arguments["first"], arguments["skip"]
        if not 0 <= first <= LARGEST_PAGE:
            raise GraphQLError(f"The value of the `first` argument must be between 0 and {LARGEST_PAGE}")
        if not 0 <= skip <= LARGEST_SKIP:
            raise GraphQLError(f"The value of the `skip` argument must be between 0 and {LARGEST_SKIP}")
        rows = select_rows(info.context.snapshot.rows(name).values(), where=arguments.get("where") or {})
        descending = arguments.get("orderDirection") == "desc"
        ordered = sort_rows(rows, field=arguments.get("orderBy") or "id", descending=descending)
        return ordered[skip : skip + first]

    return resolve


def select_rows(rows: Iterable[Mapping[str, Any]], *, where: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Rows for which every condition holds."""
    tests = [condition_of(name, wanted) for name, wanted in where.items()]
    return [row for row in rows if all(test(row) for test in tests)]


def condition_of(name: str, wanted: Any) -> Callable[[Mapping[str, Any]], bool]:
    """`field` or `field_comparison` as a test of a row."""
    for comparison in sorted(COMPARISONS, key=len, reverse=True):
        field = name.removesuffix(f"_{comparison}")
        if field != name:
            compare = COMPARISONS[comparison]
            return lambda row: compare(row[field], wanted)
    return lambda row: bool(row[name] == wanted)


def sort_rows(rows: list[Mapping[str, Any]], *, field: str, descending: bool) -> list[Mapping[str, Any]]:
    """By field, ties by ascending id as text; rows without a value count as the lowest."""

    def key(row: Mapping[str, Any]) -> tuple[bool, Any]:
        value = row[field]
        return (value is not None, 0 if value is None else value)

    return sorted(sorted(rows, key=lambda row: row["id"]), key=key, reverse=descending)


def answer_query(*, body: Mapping[str, Any], snapshot: Snapshot) -> dict[str, Any]:
    """The GraphQL answer to a POST body: `data`, or `errors` for a bad document (with HTTP 200, as graph-node does)."""
    variables = body.get("variables")
    result = graphql_sync(
        load_schema(),
        str(body.get("query") or ""),
        context_value=QueryContext(snapshot=snapshot),
        variable_values=variables if isinstance(variables, dict) else None,
        operation_name=body.get("operationName"),
    )
    answer: dict[str, Any] = {}
    if result.data is not None or not result.errors:
        answer["data"] = result.data
    if result.errors:
        answer["errors"] = [{"message": error.message} for error in result.errors]
    return answer
