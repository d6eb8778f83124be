"""Built beside running writes. Interrupted, it is made anew: an index that was left half built is dropped first."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("positions", "0005_settlement_blocks")]

    operations = [
        # The service's own limit of 20 s would end it on a long table.
        migrations.RunSQL("SET statement_timeout = 0", "SET statement_timeout = 0"),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS execution_unconfirmed", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="perpsexecution",
            index=models.Index(
                condition=models.Q(("settlement_block__isnull", False), ("settlement_confirmed_at__isnull", True)),
                fields=["network", "settlement_block"],
                name="execution_unconfirmed",
            ),
        ),
        migrations.RunSQL("RESET statement_timeout", "RESET statement_timeout"),
    ]
