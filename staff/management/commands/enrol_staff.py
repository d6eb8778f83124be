"""Make an account for the staff pages, or give one a new second factor. The secret is shown once, here."""

import json
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from environ import FileAwareEnv

from staff.enrolment import enrol
from staff.groups import ACTIONS

PASSWORD_VARIABLE = "STAFF_PASSWORD"  # noqa: S105


class Command(BaseCommand):
    """One JSON line with the name, the groups and the otpauth URI for the authenticator."""

    help = "Make a staff account with its second factor, or replace the second factor of one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The name, and for a new account what it may do."""
        parser.add_argument("username")
        parser.add_argument("--group", action="append", default=[], choices=[*ACTIONS], dest="groups")
        parser.add_argument("--superuser", action="store_true", help="may also manage accounts")

    def handle(self, *args: Any, **options: Any) -> None:
        """The password of a new account comes from STAFF_PASSWORD or STAFF_PASSWORD_FILE, never from the line."""
        password = FileAwareEnv().str(PASSWORD_VARIABLE, default="")
        is_new = not User.objects.filter(username=options["username"]).exists()
        if is_new and not password:
            raise CommandError(f"set {PASSWORD_VARIABLE} or {PASSWORD_VARIABLE}_FILE to the new account's password")
        if password:
            try:
                validate_password(password)
            except ValidationError as error:
                raise CommandError(" ".join(error.messages)) from error
        uri = enrol(
            username=options["username"],
            password=password,
            groups=options["groups"],
            is_superuser=options["superuser"],
        )
        self.stdout.write(json.dumps({"username": options["username"], "groups": options["groups"], "otpauth": uri}))
