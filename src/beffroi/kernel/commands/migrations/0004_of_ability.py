from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('commands', '0003_why_under_its_case'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='request',
            index=models.Index(fields=['ability', '-due_at'], name='commands_of_ability'),
        ),
    ]
