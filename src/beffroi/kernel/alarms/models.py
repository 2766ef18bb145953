"""Tables of the alarms' room."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from beffroi.kernel.alarms.types import OPEN_STATES


class Definition(models.Model):
    """A definition as it was put in force; a change is a new version, the old ones stay for their alarms."""

    code = models.CharField(max_length=64)
    version = models.IntegerField()
    title = models.CharField(max_length=160)
    asset_class = models.CharField(max_length=32)
    quantity = models.CharField(max_length=48, null=True)
    operator = models.CharField(max_length=2, null=True)
    threshold = models.FloatField(null=True)
    silence_periods = models.FloatField(null=True)
    on_delay_s = models.FloatField()
    off_delay_s = models.FloatField()
    dead_band = models.FloatField(default=0)
    cause = models.TextField()
    consequence = models.TextField()
    response = models.TextField()
    allowable_time_s = models.IntegerField()
    priority = models.SmallIntegerField()
    desk = models.CharField(max_length=32)
    opens_incident = models.BooleanField()
    suppressed_by = models.CharField(max_length=120, blank=True, default="")
    release_delay_s = models.FloatField(default=0)
    latching = models.BooleanField(default=False)
    re_alarm_s = models.IntegerField(default=0)
    escalate_after_s = models.IntegerField(null=True)
    in_force = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["code", "version"], name="alarms_definition_version"),
            models.UniqueConstraint(fields=["code"], condition=Q(in_force=True), name="alarms_definition_in_force"),
        ]


class Alarm(models.Model):
    """An occurrence. The partial unique index makes two engines that raise the same alarm make one."""

    definition = models.ForeignKey(Definition, on_delete=models.PROTECT)
    asset = models.ForeignKey("twin.Asset", on_delete=models.PROTECT, related_name="+")
    code = models.CharField(max_length=64)
    state = models.CharField(max_length=32)
    priority = models.SmallIntegerField()
    desk = models.CharField(max_length=32)
    value = models.FloatField(null=True)
    raised_at = models.DateTimeField()
    announced_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+")
    returned_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    suppressed_by = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="explains")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["code", "asset"],
                condition=Q(state__in=[str(state) for state in OPEN_STATES]),
                name="alarms_alarm_one_open",
            )
        ]
        indexes = [
            models.Index(
                fields=["state"],
                condition=Q(state__in=[str(state) for state in OPEN_STATES]),
                name="alarms_alarm_open",
            ),
            models.Index(fields=["-raised_at"], name="alarms_alarm_raised"),
            models.Index(fields=["-announced_at"], name="alarms_alarm_announced"),
        ]
