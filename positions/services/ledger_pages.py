"""The ledger, page by page, newest first."""

import base64
import binascii
from datetime import datetime
from typing import Any
from uuid import UUID

from delegations.selectors import safes_of
from ostium_service.http import errors
from ostium_service.types import Address, Network
from positions.models import PerpsExecution
from positions.selectors import Place, find_page
from positions.services.answers import describe_execution


def list_executions(
    *, network: Network, trader: Address | None, user_id: str | None, limit: int, cursor: str | None
) -> dict[str, Any]:
    """A page of a trader's executions, or of all Safes that a user has delegated; `nextCursor` is null at the end.

    ValidationError for a cursor that no page has given.
    """
    traders = [trader] if trader is not None else safes_of(user_id=user_id or "", network=network)
    after = None if cursor is None else _read_cursor(cursor)
    rows = find_page(network=network, traders=traders, after=after, limit=limit + 1)
    page = rows[:limit]
    return {
        "network": network,
        "executions": [describe_execution(execution=row) for row in page],
        "nextCursor": _write_cursor(page[-1]) if len(rows) > limit else None,
    }


def _write_cursor(row: PerpsExecution) -> str:
    return base64.urlsafe_b64encode(f"{row.created_at.isoformat()} {row.pk}".encode()).decode()


def _read_cursor(cursor: str) -> Place:
    try:
        moment, key = base64.b64decode(cursor, altchars=b"-_", validate=True).decode("ascii").split(" ")
        place = Place(datetime.fromisoformat(moment), UUID(key))
    except (ValueError, binascii.Error) as error:
        raise _refuse_cursor() from error
    if place.created_at.tzinfo is None:
        raise _refuse_cursor()
    return place


def _refuse_cursor() -> errors.ValidationError:
    return errors.ValidationError(details=[{"field": "cursor", "message": "Not a cursor of this list."}])
