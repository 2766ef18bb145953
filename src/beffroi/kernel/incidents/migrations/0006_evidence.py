import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# What is encrypted does not compress: the database is told not to try.
PLAIN = """
ALTER TABLE incidents_evidence ALTER COLUMN picture SET STORAGE EXTERNAL;
ALTER TABLE incidents_evidence ALTER COLUMN thumbnail SET STORAGE EXTERNAL;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('incidents', '0005_states'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Evidence',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('kind', models.CharField(max_length=16)),
                ('mission', models.BigIntegerField(null=True)),
                ('step', models.CharField(blank=True, default='', max_length=64)),
                ('taken_at', models.DateTimeField()),
                ('attached_at', models.DateTimeField()),
                ('token', models.CharField(max_length=80, null=True)),
                ('asked', models.BinaryField()),
                ('sha256', models.BinaryField()),
                ('size_bytes', models.IntegerField()),
                ('width_px', models.IntegerField()),
                ('height_px', models.IntegerField()),
                ('picture', models.BinaryField()),
                ('thumbnail', models.BinaryField()),
                ('attached_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('incident', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='evidence', to='incidents.incident')),
            ],
            options={
                'indexes': [
                    models.Index(fields=['incident', 'attached_at'], name='incidents_evidence_incident'),
                    models.Index(condition=models.Q(('mission__isnull', False)), fields=['mission'], name='incidents_evidence_mission'),
                ],
                'constraints': [models.UniqueConstraint(fields=('attached_by', 'token'), name='incidents_evidence_once')],
            },
        ),
        migrations.RunSQL(PLAIN, migrations.RunSQL.noop),
    ]
