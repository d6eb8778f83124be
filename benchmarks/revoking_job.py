"""`revoke_delegation --all`, timed, over rows that it makes first."""

import io
import json
import os
import sys
import time
from typing import Any

import django

from benchmarks.revoking import DELEGATE, list_copies
from sandbox import addresses

WORDS = ("--all", "--network", "testnet", "--actor", "benchmark", "--reason", "measured", "--yes", "--json")


def fill() -> None:
    """ACTIVE rows with their grants, and nothing else that is live."""
    from delegations.models import Delegation
    from safeguards.models import Grant

    Delegation.objects.filter(status__in=Delegation.LIVE).update(status="FAILED")
    Delegation.objects.bulk_create(
        [
            Delegation(
                user_id=f"revoked-{number}",
                network="testnet",
                safe_address=safe,
                delegate_address=DELEGATE,
                trading_contract=addresses.TRADING,
                status="ACTIVE",
                chain_block=0,
            )
            for number, safe in enumerate(list_copies())
        ]
    )
    Grant.objects.bulk_create(
        [Grant(network="testnet", trader=safe, delegate=DELEGATE, state="active") for safe in list_copies()]
    )


def main() -> None:
    """Print one line of JSON: seconds and queries until the last suspension, and in all."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ostium_service.settings")
    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.db import connection

    from delegations import services

    fill()
    User.objects.create(username="benchmark", is_staff=True)
    seen = {"queries": 0.0}
    suspend = services.suspend_delegations

    def count(execute: Any, sql: Any, parameters: Any, many: bool, context: Any) -> Any:
        seen["queries"] += 1
        return execute(sql, parameters, many, context)

    def suspend_timed(**named: Any) -> int:
        done = suspend(**named)
        seen["suspended_seconds"] = time.perf_counter() - began
        seen["suspended_queries"] = seen["queries"]
        return done

    services.suspend_delegations = suspend_timed
    answer = io.StringIO()
    with connection.execute_wrapper(count):
        began = time.perf_counter()
        call_command("revoke_delegation", *WORDS, stdout=answer)
        seen["seconds"] = time.perf_counter() - began
    found = json.loads(answer.getvalue())
    if (found["suspended"], len(found["items"])) != (len(list_copies()), len(list_copies())):
        sys.exit(f"only {found['suspended']} were suspended and {len(found['items'])} prepared")
    sys.stdout.write(json.dumps(seen) + "\n")


if __name__ == "__main__":
    main()
