"""Tables of dispatch."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from beffroi.kernel.dispatch.types import LIVE_STATES

LIVE = [str(state) for state in LIVE_STATES]


class Unit(models.Model):
    """A crew: what the city's profile says of it, then its duty. `in_use`: the profile still names it.

    Every act on a crew, its missions or its distress locks this row first: two people who send it at once come in an
    order. `shares`: its people let their position be taken. `reason` is why it is unavailable.
    """

    slug = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=80)
    callsign = models.CharField(max_length=32)
    kind = models.CharField(max_length=32)
    desk = models.CharField(max_length=32)
    post = models.CharField(max_length=32)
    skills = ArrayField(models.CharField(max_length=32), default=list)
    vehicle = models.CharField(max_length=16)
    asset = models.ForeignKey("twin.Asset", null=True, on_delete=models.SET_NULL, related_name="+")
    base_lon = models.FloatField()
    base_lat = models.FloatField()
    crew = ArrayField(models.CharField(max_length=64), default=list)
    anonymous = models.BooleanField(default=False)
    alone = models.BooleanField(default=False)
    place = models.SmallIntegerField(default=0)
    in_use = models.BooleanField(default=True)
    duty = models.CharField(max_length=16, default="off")
    duty_since = models.DateTimeField(null=True)
    duty_until = models.DateTimeField(null=True)
    headcount = models.SmallIntegerField(default=0)
    shares = models.BooleanField(default=False)
    reason = models.CharField(max_length=16, blank=True, default="")
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(fields=["duty_until"], condition=Q(duty_until__isnull=False), name="dispatch_unit_until")
        ]


class Aboard(models.Model):
    """A person's time in a crew. One at a time: the partial index says so."""

    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="aboard")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person"], condition=Q(ended_at=None), name="dispatch_aboard_one_at_a_time")
        ]


class Mission(models.Model):
    """A mission. One live one for each crew: the partial unique index holds it, whatever the code believes.

    `instructions`, `hazards` and `reason` are what people wrote, as `keep_words` returns it: under the key of the incident's
    case. `checked` holds, for each line of the list, when it was checked (microseconds) or null. `silence` is what is watched,
    `due_at` when it becomes one, `silent` what became one. `moved_at`, `moved_lon`, `moved_lat`: when and where the crew
    was last seen moving on its way; they go with the mission's end. `sign_at`: its last sign of life.
    """

    incident = models.ForeignKey("incidents.Incident", on_delete=models.PROTECT, related_name="+")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="missions")
    state = models.CharField(max_length=16)
    priority = models.SmallIntegerField()
    title = models.CharField(max_length=200)
    instructions = models.BinaryField(default=b"")
    hazards = models.BinaryField(default=b"")
    checklist = ArrayField(models.CharField(max_length=200), default=list)
    checked = models.JSONField(default=list)
    lon = models.FloatField()
    lat = models.FloatField()
    address = models.CharField(max_length=200, blank=True, default="")
    commune = models.CharField(max_length=80, blank=True, default="")
    travel_s = models.IntegerField(null=True)
    proposed_at = models.DateTimeField()
    proposed_by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+")
    proposed_name = models.CharField(max_length=120)
    accepted_at = models.DateTimeField(null=True)
    departed_at = models.DateTimeField(null=True)
    arrived_at = models.DateTimeField(null=True)
    safe_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=16, blank=True, default="")
    reason = models.BinaryField(default=b"")
    silence = models.CharField(max_length=16, blank=True, default="")
    due_at = models.DateTimeField(null=True)
    silent = models.CharField(max_length=16, blank=True, default="")
    sign_at = models.DateTimeField(null=True)
    moved_at = models.DateTimeField(null=True)
    moved_lon = models.FloatField(null=True)
    moved_lat = models.FloatField(null=True)
    last_act = models.CharField(max_length=16, blank=True, default="")
    last_name = models.CharField(max_length=120, blank=True, default="")
    last_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["unit"], condition=Q(state__in=LIVE), name="dispatch_mission_one_live")
        ]
        indexes = [
            models.Index(fields=["incident", "id"], name="dispatch_mission_incident"),
            models.Index(fields=["unit", "-id"], name="dispatch_mission_unit"),
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="dispatch_mission_due"),
        ]


class LastPosition(models.Model):
    """Where a crew on duty was last; one row for each, gone when it goes off duty or when `erase_at` comes."""

    unit = models.OneToOneField(Unit, on_delete=models.PROTECT, primary_key=True, related_name="last_position")
    lon = models.FloatField()
    lat = models.FloatField()
    accuracy_m = models.FloatField(null=True)
    observed_at = models.DateTimeField()
    coarse = models.BooleanField(default=False)
    erase_at = models.DateTimeField(db_index=True)


class TrackPoint(models.Model):
    """A point of a crew's way during a mission; gone when `erase_at` comes."""

    mission = models.ForeignKey(Mission, on_delete=models.PROTECT, related_name="track")
    at = models.DateTimeField()
    lon = models.FloatField()
    lat = models.FloatField()
    erase_at = models.DateTimeField(db_index=True)

    class Meta:
        indexes = [models.Index(fields=["mission", "at"], name="dispatch_track_mission")]


class Distress(models.Model):
    """Somebody of a crew asks for help, or does not answer. One stands for each crew: the partial index says so."""

    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="distresses")
    mission = models.ForeignKey(Mission, null=True, on_delete=models.PROTECT, related_name="+")
    incident = models.ForeignKey("incidents.Incident", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16)
    raised_at = models.DateTimeField()
    raised_by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+")
    lon = models.FloatField(null=True)
    lat = models.FloatField(null=True)
    place = models.CharField(max_length=200, blank=True, default="")
    commune = models.CharField(max_length=80, blank=True, default="")
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["unit"], condition=Q(ended_at=None), name="dispatch_distress_one_standing")
        ]


class Answer(models.Model):
    """What an act that a phone sent was answered, by its token: sent again, it is answered the same, and not done again."""

    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    token = models.CharField(max_length=80)
    act = models.CharField(max_length=32)
    about = models.CharField(max_length=64)
    digest = models.BinaryField()
    answer = models.BinaryField()
    erase_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "token"], name="dispatch_answer_once")]


class Look(models.Model):
    """Who looked at where a crew is or was, in which hour. Told to the journal once an hour for each person."""

    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    hour = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "hour"], name="dispatch_look_once")]


class Setting(models.Model):
    """An entry of the city's profile, as the room reads it: skills, cards or times, in its order."""

    kind = models.CharField(max_length=16)
    code = models.CharField(max_length=64)
    place = models.SmallIntegerField()
    body = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "code"], name="dispatch_setting_once")]
