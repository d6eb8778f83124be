"""One execution a signed request, whatever unsigned headers say; and how far a late answer was looked for.

The index is built beside running writes, as in 0006.
"""

from django.db import migrations, models

BUILD = """
CREATE UNIQUE INDEX CONCURRENTLY one_execution_per_signature
ON perps_executions (operation, network, trader_address, signature)
WHERE (NOT signature = '' AND NOT state = 'REJECTED')
"""


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("positions", "0007_moves")]

    operations = [
        migrations.AddField(
            model_name="perpsexecution",
            name="signature",
            field=models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
        migrations.AddField(
            model_name="perpsexecution", name="searched_to", field=models.BigIntegerField(null=True)
        ),
        # The service's own limit of 20 s would end it on a long table.
        migrations.RunSQL("SET statement_timeout = 0", "SET statement_timeout = 0"),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS one_execution_per_signature", migrations.RunSQL.noop),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(BUILD, "DROP INDEX CONCURRENTLY IF EXISTS one_execution_per_signature")
            ],
            state_operations=[
                migrations.AddConstraint(
                    model_name="perpsexecution",
                    constraint=models.UniqueConstraint(
                        condition=~models.Q(signature="") & ~models.Q(state="REJECTED"),
                        fields=("operation", "network", "trader_address", "signature"),
                        name="one_execution_per_signature",
                    ),
                ),
            ],
        ),
        migrations.RunSQL("RESET statement_timeout", "RESET statement_timeout"),
    ]
