"""Writes docs/errors.md from the catalogue."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from ostium_service.http.errors_page import render_errors_page


class Command(BaseCommand):
    """`--check` writes nothing and fails when the page is out of date."""

    help = "Write docs/errors.md from the error catalogue."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="fail instead of writing when the page differs")

    def handle(self, *args: Any, **options: Any) -> None:
        page: Path = settings.BASE_DIR / "docs" / "errors.md"
        text = render_errors_page()
        if options["check"]:
            if not page.is_file() or page.read_text() != text:
                self.stderr.write("docs/errors.md is out of date: run `python manage.py write_errors_page`.")
                raise SystemExit(1)
            return
        page.write_text(text)
        self.stdout.write(f"{len(text.splitlines())} lines written to docs/errors.md")
