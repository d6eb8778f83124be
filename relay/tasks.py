"""The worker's part: mined rows are watched until their block is safe, and signers for use by somebody else."""

from django.conf import settings
from procrastinate.contrib.django import app

from relay.services.confirming import watch_network
from relay.services.sweeping import sweep_undecided


# No `lock`: it would outlive a killed worker, and the job would never run again. Each step is guarded by state.
@app.periodic(cron="* * * * * */20", periodic_id="relay.confirm")
@app.task(name="relay.confirm_transactions", queue="relay", queueing_lock="relay.confirm")
def confirm(timestamp: int) -> None:
    """Mark what is safe, put back what the chain has forgotten, and halt signers whose key is used elsewhere."""
    del timestamp
    for network in settings.OSTIUM_NETWORKS:
        watch_network(network=network)


@app.periodic(cron="* * * * * */10", periodic_id="relay.sweep")
@app.task(name="relay.sweep_undecided", queue="relay", queueing_lock="relay.sweep")
def sweep(timestamp: int) -> None:
    """Look after transactions that nobody follows any more."""
    del timestamp
    sweep_undecided()
