"""What was asked for again, by trader: few rows that would be looked for among all of a busy trader's.

Built beside running writes. Interrupted, it is made anew: an index that was left half built is dropped first.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("positions", "0008_signatures")]

    operations = [
        # The service's own limit of 20 s would end it on a long table.
        migrations.RunSQL("SET statement_timeout = 0", "SET statement_timeout = 0"),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS execution_retries", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="perpsexecution",
            index=models.Index(
                condition=models.Q(("operation__in", ["reclaim", "faucet_payment"])),
                fields=["network", "trader_address", "operation", "created_at"],
                name="execution_retries",
            ),
        ),
        migrations.RunSQL("RESET statement_timeout", "RESET statement_timeout"),
    ]
