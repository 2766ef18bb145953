"""Streets as addresses name them, sought by trigrams; a box for each commune."""

from django.db import migrations, models

NO_TEXT_INDEX = "DROP INDEX places_address_folded;"
TEXT_INDEX = "CREATE INDEX places_address_folded ON places_address USING gin (folded gin_trgm_ops);"
STREET_INDEX = "CREATE INDEX places_thoroughfare_folded ON places_thoroughfare USING gin (folded gin_trgm_ops);"


class Migration(migrations.Migration):
    dependencies = [("places", "0002_search")]
    operations = [
        migrations.RunSQL(NO_TEXT_INDEX, TEXT_INDEX),
        migrations.RemoveField("address", "folded"),
        migrations.AddIndex(
            "address", models.Index(fields=["commune", "street"], name="places_address_street")
        ),
        *(
            migrations.AddField("commune", side, models.FloatField(default=0), preserve_default=False)
            for side in ("west", "south", "east", "north")
        ),
        migrations.CreateModel(
            name="Thoroughfare",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("street", models.CharField(max_length=120)),
                ("commune", models.CharField(max_length=80)),
                ("folded", models.CharField(max_length=240)),
                ("lon", models.FloatField()),
                ("lat", models.FloatField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("commune", "street"), name="places_thoroughfare_once")
                ],
            },
        ),
        migrations.RunSQL(STREET_INDEX, "DROP INDEX places_thoroughfare_folded;"),
    ]
