"""Search by trigrams, and the nearest address by box in metres."""

from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations

FORWARD = """
CREATE INDEX places_address_folded ON places_address USING gin (folded gin_trgm_ops);
CREATE INDEX places_address_place ON places_address USING gist (point(x_m, y_m));
"""
BACKWARD = "DROP INDEX places_address_folded; DROP INDEX places_address_place;"


class Migration(migrations.Migration):
    dependencies = [("places", "0001_initial")]
    operations = [TrigramExtension(), migrations.RunSQL(FORWARD, BACKWARD)]
