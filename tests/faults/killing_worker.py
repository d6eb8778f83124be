"""The procrastinate worker, which dies where a test says."""

import os

import django
from django.core.management import call_command

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ostium_service.settings")
    django.setup()
    from tests.faults.killing import arm

    arm()
    call_command("procrastinate", "worker")
