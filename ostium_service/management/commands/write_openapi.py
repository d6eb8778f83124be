"""Writes docs/openapi.json from the views."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from ostium_service.http.openapi import render_document


class Command(BaseCommand):
    """`--check` writes nothing and fails when the file is out of date."""

    help = "Write docs/openapi.json from the views and their descriptions."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="fail instead of writing when the file differs")

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = settings.BASE_DIR / "docs" / "openapi.json"
        text = render_document()
        if options["check"]:
            if not file.is_file() or file.read_text() != text:
                self.stderr.write("docs/openapi.json is out of date: run `python manage.py write_openapi`.")
                raise SystemExit(1)
            return
        file.write_text(text)
        self.stdout.write(f"{len(text.splitlines())} lines written to docs/openapi.json")
