"""The queue's own command, with a worker that refuses to start half-configured, as the web process does."""

import asyncio
from typing import Any

from procrastinate.contrib.django.management.commands.procrastinate import Command as QueueCommand

from ostium_service.checks import refuse_bad_start, verify_chain_ids
from ostium_service.vault_policy import warn_of_wide_policy
from ostium_service.working import ThreadedLoops


class Command(QueueCommand):
    """`manage.py procrastinate worker` signs and sends, so it is held to the same checks as gunicorn."""

    def handle(self, *args: Any, **kwargs: Any) -> None:
        """Check before a worker starts; everything else is the queue's."""
        if kwargs.get("command") == "worker":
            refuse_bad_start()
            verify_chain_ids()
            warn_of_wide_policy()
            asyncio.set_event_loop_policy(ThreadedLoops())
        super().handle(*args, **kwargs)
