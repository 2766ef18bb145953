"""Tables of the twin. The hot ones (state, history, position) are written by COPY and plain SQL in `actions`."""

from __future__ import annotations

from django.db import models


class Source(models.Model):
    """A stream of frames from one gateway or one feed. Its partition is set for ever when it is declared.

    `period_s`: how often it is heard when all is well (what is fetched: how often it is asked). Null: as its equipment is.
    An asset of the class `source` stands for it.
    """

    code = models.CharField(max_length=64, unique=True)
    connector = models.CharField(max_length=32)
    settings = models.JSONField(default=dict)
    partition = models.SmallIntegerField()
    period_s = models.IntegerField(null=True, blank=True)
    created_at = models.DateTimeField()


class Gateway(models.Model):
    """Who may publish for a source on the field bus. The password is kept as bcrypt, which the bus checks."""

    name = models.CharField(max_length=64, unique=True)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="gateways")
    password_hash = models.CharField(max_length=80)
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)


class Asset(models.Model):
    """A piece of equipment of the inventory. `period_s` null: it is not expected to report."""

    code = models.CharField(max_length=80, unique=True)
    asset_class = models.CharField(max_length=32, db_index=True)
    name = models.CharField(max_length=200)
    source = models.ForeignKey(Source, null=True, blank=True, on_delete=models.PROTECT, related_name="assets")
    address = models.CharField(max_length=128)
    lon = models.FloatField()
    lat = models.FloatField()
    x_m = models.FloatField()
    y_m = models.FloatField()
    place = models.CharField(max_length=200, blank=True, default="")
    commune = models.CharField(max_length=80, blank=True, default="")
    period_s = models.IntegerField(null=True, blank=True)
    properties = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "address"], name="twin_asset_address"),
            models.UniqueConstraint(
                fields=["source"], condition=models.Q(asset_class="source"), name="twin_asset_of_source"
            ),
        ]


class Relation(models.Model):
    """`from_asset` feeds, contains … `to_asset`."""

    from_asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="relations_out")
    kind = models.CharField(max_length=24)
    to_asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="relations_in")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["from_asset", "kind", "to_asset"], name="twin_relation_once")]


class Quantity(models.Model):
    """The number that stands for a quantity's name in the hot tables."""

    id = models.SmallAutoField(primary_key=True)
    name = models.CharField(max_length=48, unique=True)


class State(models.Model):
    """Last value of one quantity of one asset, by the instant it was observed."""

    pk = models.CompositePrimaryKey("asset_id", "quantity_id")
    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, db_index=False)
    quantity = models.ForeignKey(Quantity, on_delete=models.PROTECT, db_index=False)
    value = models.FloatField()
    observed_at = models.DateTimeField()
    received_at = models.DateTimeField()
    quality = models.SmallIntegerField()


class History(models.Model):
    """Every value stored, partitioned by the day it was received (migration 0002 owns the table)."""

    pk = models.CompositePrimaryKey("asset_id", "quantity_id", "observed_at", "received_at")
    asset = models.ForeignKey(Asset, on_delete=models.DO_NOTHING, db_constraint=False)
    quantity = models.ForeignKey(Quantity, on_delete=models.DO_NOTHING, db_constraint=False)
    value = models.FloatField()
    observed_at = models.DateTimeField()
    received_at = models.DateTimeField()
    quality = models.SmallIntegerField()

    class Meta:
        managed = False
        db_table = "twin_history"


class Freshness(models.Model):
    """Assets that do not report as expected: absent row means live. Level 1 stale, 2 silent."""

    asset = models.OneToOneField(Asset, on_delete=models.CASCADE, primary_key=True)
    level = models.SmallIntegerField()
    since = models.DateTimeField()


class Position(models.Model):
    """How far a partition of a stream has been applied, written in the transaction of what it covers.

    `pending` and `checked_at` are what its engine last knew of messages waiting: they give the lag. `log` tells which
    stream the number counts in: a stream made anew counts from 1.
    """

    pk = models.CompositePrimaryKey("stream", "partition")
    stream = models.CharField(max_length=32)
    partition = models.SmallIntegerField()
    sequence = models.BigIntegerField(default=0)
    epoch = models.BigIntegerField(default=0)
    received_at = models.DateTimeField(null=True)
    pending = models.BigIntegerField(default=0)
    checked_at = models.DateTimeField(null=True)
    log = models.CharField(max_length=40, db_default="")


class Identity(models.Model):
    """One row: what tells this post from another on one bus. Made once; a copy of the database is the same post."""

    id = models.SmallIntegerField(primary_key=True)
    name = models.CharField(max_length=12)
    made_at = models.DateTimeField()


class Counter(models.Model):
    """Reports of a source since the store began. `received = stored + quarantined + refused`, less `denied`.

    `denied` counts what the bus itself refused outside the gateway's permission; it never reached a partition.
    `answered_at` is when what is fetched last answered, with something new or not.
    """

    source = models.OneToOneField(Source, on_delete=models.CASCADE, primary_key=True)
    received = models.BigIntegerField(default=0)
    stored = models.BigIntegerField(default=0)
    quarantined = models.BigIntegerField(default=0)
    refused = models.BigIntegerField(default=0)
    denied = models.BigIntegerField(default=0)
    last_received_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)


class QuarantineDay(models.Model):
    """What lies in quarantine of one day (UTC) and source (0: none): counted where it is written and where it goes.

    `seen` only grows; `dropped` are those that went for want of room, before their time.
    """

    pk = models.CompositePrimaryKey("day", "source_id")
    day = models.DateField()
    source_id = models.BigIntegerField()
    rows = models.BigIntegerField(default=0)
    bytes = models.BigIntegerField(default=0)
    seen = models.BigIntegerField(default=0)
    dropped = models.BigIntegerField(default=0)


class Quarantine(models.Model):
    """A frame, or one entity of a frame, that could not be read or was refused: kept whole, with its reason."""

    stream = models.CharField(max_length=32)
    sequence = models.BigIntegerField()
    entry = models.IntegerField(default=0)
    source = models.ForeignKey(Source, null=True, on_delete=models.SET_NULL)
    topic = models.CharField(max_length=400)
    payload = models.BinaryField()
    received_at = models.DateTimeField(db_index=True)
    verdict = models.CharField(max_length=12)
    reason = models.TextField()
