"""The worker's own housekeeping."""

from procrastinate import JobContext
from procrastinate.builtin_tasks import remove_old_jobs
from procrastinate.contrib.django import app

KEEP_HOURS = 24
"""Finished jobs are kept for a look back; some 45,000 periodic ones come in a day."""


@app.periodic(cron="7 * * * *", periodic_id="housekeeping.jobs")
@app.task(name="housekeeping.remove_finished_jobs", queueing_lock="housekeeping.jobs", pass_context=True)
async def remove_finished_jobs(context: JobContext, timestamp: int) -> None:
    """Delete jobs that ended well more than a day ago; failed ones stay for a person."""
    del timestamp
    await remove_old_jobs(context, max_hours=KEEP_HOURS)
