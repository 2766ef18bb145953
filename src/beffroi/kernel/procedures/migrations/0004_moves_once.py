"""The token of whoever acted beside each move: the same act sent twice, by another system most often, is one."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("procedures", "0003_answers")]
    operations = [
        migrations.AddField("move", "token", models.CharField(max_length=80, null=True)),
        migrations.AddField("move", "asked", models.BinaryField(null=True)),
        migrations.AddConstraint(
            "move", models.UniqueConstraint(fields=["by", "token"], name="procedures_move_token")
        ),
    ]
