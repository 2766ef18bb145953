from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('people', '0002_sign_in_failures'),
    ]

    operations = [
        migrations.CreateModel(
            name='Post',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=32, unique=True)),
                ('title', models.CharField(max_length=120)),
                ('desks', models.CharField(blank=True, default='', max_length=400)),
                ('place', models.SmallIntegerField()),
            ],
        ),
        migrations.AddField(
            model_name='person',
            name='post',
            field=models.CharField(blank=True, default='', max_length=32),
        ),
    ]
