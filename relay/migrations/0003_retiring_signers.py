"""A signer may be on its way out: it closes what is open, and nothing else."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("relay", "0002_moves_and_events")]

    operations = [
        migrations.AlterField(
            model_name="signer",
            name="state",
            field=models.CharField(
                choices=[
                    ("active", "Active"),
                    ("halted", "Halted"),
                    ("retiring", "Retiring"),
                    ("retired", "Retired"),
                ],
                default="active",
                max_length=10,
            ),
        ),
        migrations.RemoveConstraint(model_name="signer", name="signer_state_known"),
        migrations.AddConstraint(
            model_name="signer",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["active", "halted", "retiring", "retired"])),
                name="signer_state_known",
            ),
        ),
    ]
