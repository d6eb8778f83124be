"""The sweep looks at submitted transactions in turn, the longest unseen first."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delegations", "0005_doubted_block")]

    operations = [
        migrations.AddField(
            model_name="safetransaction",
            name="looked_at",
            field=models.DateTimeField(help_text="When the worker's sweep looked for its end last.", null=True),
        ),
    ]
