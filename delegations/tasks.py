"""The worker's part: submitted Safe transactions followed to their end, rows compared with the chain."""

from uuid import UUID

from procrastinate.contrib.django import app

from delegations import services

ACTOR = "worker"
POLL_SECONDS = 2


@app.task(name="delegations.follow_safe_transaction", queue="delegations")
def follow_safe_transaction(safe_transaction_id: str) -> None:
    """Take one step, and come back until the transaction is at its end."""
    if not services.follow_safe_transaction(safe_transaction_id=UUID(safe_transaction_id), actor=ACTOR):
        later = follow_safe_transaction.configure(schedule_in={"seconds": POLL_SECONDS})
        later.defer(safe_transaction_id=safe_transaction_id)


@app.periodic(cron="* * * * * */15", periodic_id="delegations.sweep")
@app.task(name="delegations.sweep_submissions", queue="delegations", queueing_lock="delegations.sweep")
def sweep_submissions(timestamp: int) -> None:
    """Look after transactions that lost their job, and after those that clients send by themselves."""
    del timestamp
    services.sweep_submissions(actor=ACTOR)


@app.periodic(cron="* * * * * */10", periodic_id="delegations.watch")
@app.task(name="delegations.watch_events", queue="delegations", queueing_lock="delegations.watch")
def watch_events(timestamp: int) -> None:
    """Notice within seconds what the venue says about delegates."""
    del timestamp
    services.watch_events(actor=ACTOR)


@app.periodic(cron="* * * * *", periodic_id="delegations.gather")
@app.task(name="delegations.gather_confirmations", queue="delegations", queueing_lock="delegations.gather")
def gather_confirmations(timestamp: int) -> None:
    """Pick up signatures that owners left in their Safe app."""
    del timestamp
    services.gather_pending(actor=ACTOR)


@app.periodic(cron="* * * * *", periodic_id="delegations.sync")
@app.task(name="delegations.sync_delegations", queue="delegations", queueing_lock="delegations.sync")
def sync_delegations(timestamp: int) -> None:
    """Compare every live row with the chain: nothing that happened outside stays unseen for more than a minute."""
    del timestamp
    services.sync_delegations(actor=ACTOR)
