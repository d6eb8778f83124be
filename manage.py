#!/usr/bin/env python
"""Django's command line for the service."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ostium_service.settings")
    from django.core.management import execute_from_command_line

    from ostium_service.development import ensure_database

    ensure_database(sys.argv[1] if len(sys.argv) > 1 else "")

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
