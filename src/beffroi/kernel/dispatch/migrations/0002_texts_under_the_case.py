from django.db import migrations, models

# No mission was kept by a version that was given out: what tests and trials wrote in the clear goes with its column.


class Migration(migrations.Migration):

    dependencies = [
        ('dispatch', '0001_initial'),
    ]

    operations = [
        operation
        for name in ('instructions', 'hazards', 'reason')
        for operation in (
            migrations.RemoveField(model_name='mission', name=name),
            migrations.AddField(model_name='mission', name=name, field=models.BinaryField(default=b'')),
        )
    ]
