"""Tables of the incidents' room."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from beffroi.kernel.incidents.types import OPEN_STATES


class Incident(models.Model):
    """An incident. `version` grows with each act: two people acting at once see who was first."""

    title = models.CharField(max_length=200)
    category = models.CharField(max_length=64)
    priority = models.SmallIntegerField()
    state = models.CharField(max_length=32)
    desk = models.CharField(max_length=32)
    place = models.CharField(max_length=200, blank=True, default="")
    commune = models.CharField(max_length=80, blank=True, default="")
    lon = models.FloatField()
    lat = models.FloatField()
    asset = models.ForeignKey("twin.Asset", null=True, on_delete=models.PROTECT, related_name="+")
    owner = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+")
    taken_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+")
    close_reason = models.CharField(max_length=32, blank=True, default="")
    close_comment = models.TextField(blank=True, default="")
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(
                fields=["priority", "opened_at"],
                condition=Q(state__in=[str(state) for state in OPEN_STATES]),
                name="incidents_incident_open",
            ),
            models.Index(fields=["-opened_at"], name="incidents_incident_opened"),
            models.Index(
                fields=["asset"],
                condition=Q(state__in=[str(state) for state in OPEN_STATES]),
                name="incidents_incident_asset_open",
            ),
        ]


class IncidentAlarm(models.Model):
    """The alarms that an incident gathers; an alarm belongs to one incident."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="alarm_links")
    alarm = models.OneToOneField("alarms.Alarm", on_delete=models.PROTECT, related_name="incident_link")
