"""Which post this is, for those that share a bus."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("twin", "0005_functions_of_the_owner")]
    operations = [
        migrations.CreateModel(
            name="Identity",
            fields=[
                ("id", models.SmallIntegerField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=12)),
                ("made_at", models.DateTimeField()),
            ],
        ),
    ]
