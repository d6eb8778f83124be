"""A read that contradicts an ACTIVE row is noted first, and ends it only when a later one says the same."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delegations", "0004_newest_first")]

    operations = [
        migrations.AddField(
            model_name="delegation",
            name="doubted_block",
            field=models.BigIntegerField(
                help_text="Block of a read that contradicts ACTIVE; nothing is signed until a later block was read.",
                null=True,
            ),
        ),
        migrations.AddIndex(
            model_name="delegation",
            index=models.Index(
                condition=models.Q(("doubted_block__isnull", False)),
                fields=["network", "checked_at"],
                name="delegation_in_doubt",
            ),
        ),
    ]
