"""Where the oracle's word on an execution stands, so that a vanished block is noticed. Adds columns without a rewrite."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("positions", "0004_more_operations")]

    operations = [
        migrations.AddField(
            model_name="perpsexecution",
            name="settlement_tx_hash",
            field=models.CharField(blank=True, db_default="", default="", max_length=66),
        ),
        migrations.AddField(
            model_name="perpsexecution", name="settlement_block", field=models.BigIntegerField(null=True)
        ),
        migrations.AddField(
            model_name="perpsexecution",
            name="settlement_block_hash",
            field=models.CharField(blank=True, db_default="", default="", max_length=66),
        ),
        migrations.AddField(
            model_name="perpsexecution", name="settlement_confirmed_at", field=models.DateTimeField(null=True)
        ),
    ]
