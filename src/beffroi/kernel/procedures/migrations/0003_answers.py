"""Letters without a run: the answer to whoever told an incident, once a round."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("procedures", "0002_letters")]
    operations = [
        migrations.AddField("contact", "told_round", models.SmallIntegerField(default=0, db_default=0)),
        migrations.AlterField(
            "contact",
            "incident",
            models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="incidents.incident"
            ),
        ),
        migrations.AlterField(
            "letter",
            "run",
            models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="procedures.run"
            ),
        ),
    ]
