"""One comparison of every live delegation with the chain, timed: `fill` makes the rows first."""

import json
import os
import sys
import time

import django

from benchmarks.watcher import DELEGATE, list_safes
from sandbox import addresses


def fill() -> None:
    """ACTIVE rows with their grants, as many as there are Safes."""
    from delegations.models import Delegation
    from safeguards.models import Grant

    Delegation.objects.bulk_create(
        [
            Delegation(
                user_id=f"user-{number}",
                network="testnet",
                safe_address=safe,
                delegate_address=DELEGATE,
                trading_contract=addresses.TRADING,
                status="ACTIVE",
                chain_block=0,
            )
            for number, safe in enumerate(list_safes())
        ],
        batch_size=2_000,
    )
    Grant.objects.bulk_create(
        [Grant(network="testnet", trader=safe, delegate=DELEGATE, state="active") for safe in list_safes()],
        batch_size=2_000,
    )


def main(what: str) -> None:
    """Print one line of JSON: seconds of the comparison, rows it ended."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ostium_service.settings")
    django.setup()
    from delegations.models import Delegation
    from delegations.services import sync_delegations

    if what == "fill":
        fill()
    began = time.perf_counter()
    compared = sync_delegations(actor="benchmark")
    seconds = time.perf_counter() - began
    if compared < len(list_safes()):
        sys.exit(f"only {compared} rows were compared")
    ended = Delegation.objects.filter(status="REVOKED", user_id__startswith="user-").count()
    sys.stdout.write(json.dumps({"seconds": seconds, "ended": ended}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
