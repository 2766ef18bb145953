"""Tables of the places' room. Positions twice: WGS 84 for exchange, metres for searching (docs/decisions/0003)."""

from __future__ import annotations

from django.db import models


class Commune(models.Model):
    """A municipality. `outline` is its GeoJSON geometry in WGS 84; its box in degrees finds it before shapely decides."""

    code = models.CharField(max_length=16, primary_key=True)
    name = models.CharField(max_length=80)
    population = models.IntegerField()
    outline = models.JSONField()
    west = models.FloatField()
    south = models.FloatField()
    east = models.FloatField()
    north = models.FloatField()


class Street(models.Model):
    """A stretch of street between two junctions. `line` is a list of [lon, lat]."""

    id = models.CharField(max_length=40, primary_key=True)
    name = models.CharField(max_length=120)
    street_class = models.CharField(max_length=24)
    commune = models.CharField(max_length=80)
    oneway = models.BooleanField()
    bridge = models.BooleanField()
    speed_kmh = models.FloatField()
    line = models.JSONField()


class Address(models.Model):
    """A street number."""

    id = models.CharField(max_length=48, primary_key=True)
    number = models.CharField(max_length=12)
    street = models.CharField(max_length=120)
    commune = models.CharField(max_length=80)
    lon = models.FloatField()
    lat = models.FloatField()
    x_m = models.FloatField()
    y_m = models.FloatField()

    class Meta:
        indexes = [models.Index(fields=["commune", "street"], name="places_address_street")]


class Thoroughfare(models.Model):
    """A street as addresses name it, drawn from them: what people type is sought here, then the number in it.

    `folded` has no accents, lower case, a space at both ends, and is indexed by trigrams. The position is an address
    in the middle of it.
    """

    street = models.CharField(max_length=120)
    commune = models.CharField(max_length=80)
    folded = models.CharField(max_length=240)
    lon = models.FloatField()
    lat = models.FloatField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["commune", "street"], name="places_thoroughfare_once")]
