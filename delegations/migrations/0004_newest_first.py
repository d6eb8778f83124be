"""The staff's list shows the newest first."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delegations", "0003_lifecycle")]

    operations = [
        migrations.AddIndex(
            model_name="delegation", index=models.Index(fields=["-created_at"], name="delegation_newest")
        ),
    ]
