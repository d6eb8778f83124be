"""The worker's part: readings that the staff pages show."""

from procrastinate.contrib.django import app

from staff import services


@app.periodic(cron="* * * * * */30", periodic_id="staff.gas")
@app.task(name="staff.read_gas", queue="staff", queueing_lock="staff.gas")
def read_gas(timestamp: int) -> None:
    """What the signers have for gas."""
    del timestamp
    services.read_gas()


@app.periodic(cron="* * * * * */20", periodic_id="staff.positions")
@app.task(name="staff.refresh_positions", queue="staff", queueing_lock="staff.positions")
def refresh_positions(timestamp: int) -> None:
    """Open positions, a few traders at a turn."""
    del timestamp
    services.refresh_positions()
