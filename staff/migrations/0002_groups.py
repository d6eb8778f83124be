"""Viewer, Operator and Approver."""

from typing import Any

from django.db import migrations

from staff.groups import write_groups


def make_groups(apps: Any, schema_editor: Any) -> None:
    write_groups(apps)


class Migration(migrations.Migration):
    dependencies = [
        ("staff", "0001_staff_and_audit_trail"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop, elidable=False)]
