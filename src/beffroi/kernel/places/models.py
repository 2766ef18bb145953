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


class StreetBase(models.Model):
    """One row: what the streets in force were read from. Processes that hold them in memory read them again when it changes.

    `stamp` is a digest over the files taken in, in their order: the same streets always have the same one.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    stamp = models.CharField(max_length=64)


class Closure(models.Model):
    """Streets closed to traffic. `segments` lists their identifiers; `incident` is a number, of a room above.

    It ends by itself at `until`: `begun_at` and `ended_at` are when its beginning and its end were told.
    """

    segments = models.JSONField()
    street = models.CharField(max_length=240)
    commune = models.CharField(max_length=80)
    begins_at = models.DateTimeField()
    until = models.DateTimeField()
    reason = models.TextField()
    incident = models.BigIntegerField(null=True)
    closed_by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField()
    begun_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+")
    end_reason = models.TextField(default="")

    class Meta:
        indexes = [
            models.Index(fields=["until"], name="places_closure_open", condition=models.Q(ended_at=None)),
            models.Index(fields=["incident"], name="places_closure_incident", condition=~models.Q(incident=None)),
        ]
