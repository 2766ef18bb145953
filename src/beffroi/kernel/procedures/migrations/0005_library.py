"""The library is changed by two persons: the text of each version, what people write of it, and what the profile said."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("procedures", "0004_moves_once")]
    operations = [
        migrations.AddField("version", "text", models.TextField(blank=True, default="", db_default="")),
        migrations.CreateModel(
            name="ProfileEntry",
            fields=[
                ("code", models.CharField(max_length=48, primary_key=True, serialize=False)),
                ("digest", models.CharField(blank=True, max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name="Revision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=48)),
                ("state", models.CharField(max_length=16)),
                ("text", models.TextField(blank=True)),
                ("body", models.JSONField(null=True)),
                ("title", models.CharField(max_length=120)),
                ("desk", models.CharField(max_length=48)),
                ("base_version", models.IntegerField(default=0)),
                ("version", models.IntegerField(null=True)),
                ("reason", models.TextField()),
                ("author", models.CharField(max_length=160)),
                ("author_name", models.CharField(max_length=160)),
                ("written_at", models.DateTimeField()),
                ("proposed_at", models.DateTimeField(null=True)),
                ("reviewer", models.CharField(blank=True, default="", max_length=160)),
                ("reviewer_name", models.CharField(blank=True, default="", max_length=160)),
                ("reviewed_at", models.DateTimeField(null=True)),
                ("review_reason", models.TextField(blank=True, default="")),
            ],
            options={
                "indexes": [models.Index(fields=["code", "-id"], name="procedures_revision_code")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["draft", "proposed"])),
                        fields=("code",),
                        name="procedures_revision_one_open",
                    )
                ],
            },
        ),
    ]
