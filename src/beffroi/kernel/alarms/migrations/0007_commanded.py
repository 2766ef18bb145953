import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('alarms', '0006_aside'),
        ('twin', '0005_functions_of_the_owner'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='definition',
            name='suppressed_by',
            field=models.CharField(blank=True, default='', max_length=240),
        ),
        migrations.CreateModel(
            name='Commanded',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('command', models.UUIDField(unique=True)),
                ('ability', models.CharField(max_length=48)),
                ('title', models.CharField(max_length=160)),
                ('since', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('asset', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='twin.asset')),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('ended_at', None)), fields=['asset'], name='alarms_commanded_in_force')],
            },
        ),
        migrations.AddField(
            model_name='alarm',
            name='commanded',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='explains', to='alarms.commanded'),
        ),
    ]
