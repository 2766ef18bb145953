"""Tables of the incidents' room.

What people write freely (descriptions, comments, reasons, proofs) may name persons: it is kept under the key of the case
where it was written, as bytes that `journal.queries.read_words` opens (docs/decisions/0023).
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from beffroi.kernel.incidents.types import OPEN_STATES


class Incident(models.Model):
    """An incident. `version` grows with each act: two people acting at once see who was first.

    `x_m`, `y_m` are its position in metres, for what is sought by distance. `duplicate_of` is the incident that it was
    united with, which holds its alarms since. `to_compare`: it opened or changed and was not compared with its
    neighbours yet. The database keeps one more column, `search`, of the words of its title and its place (migration 0007).
    `round` counts its openings and `round_at` is when the present one began: deadlines run from there. `missed` names the
    clocks whose deadline passed, between spaces. `due_clock` is the next one, `due_at` its instant, or, while the
    deadlines are paused, `due_left_s` what will remain.
    """

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
    close_comment = models.BinaryField(default=b"", db_default=b"")
    version = models.IntegerField(default=1)
    description = models.BinaryField(default=b"", db_default=b"")
    origin = models.CharField(max_length=16, default="alarm")
    channel = models.CharField(max_length=16, default="alarm")
    x_m = models.FloatField(null=True)
    y_m = models.FloatField(null=True)
    duplicate_of = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="duplicates")
    to_compare = models.BooleanField(default=True)
    associated = ArrayField(models.CharField(max_length=32), default=list)
    received_at = models.DateTimeField(null=True)
    engaged_at = models.DateTimeField(null=True)
    on_site_at = models.DateTimeField(null=True)
    safe_at = models.DateTimeField(null=True)
    assigned_by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+")
    held_until = models.DateTimeField(null=True)
    hold_reason = models.BinaryField(default=b"", db_default=b"")
    paused = models.BooleanField(default=False)
    proposed_to = models.CharField(max_length=32, blank=True, default="")
    proposed_until = models.DateTimeField(null=True)
    transferred_to = models.CharField(max_length=32, blank=True, default="")
    round = models.SmallIntegerField(default=1)
    round_at = models.DateTimeField(null=True)
    missed = models.CharField(max_length=120, blank=True, default="")
    due_clock = models.CharField(max_length=16, blank=True, default="")
    due_at = models.DateTimeField(null=True)
    due_left_s = models.IntegerField(null=True)

    as_told: ClassVar[dict[str, object]] = {}
    """The row as the journal's last line leaves it: what it changes since is told by the next one."""

    @classmethod
    def from_db(cls, db: str | None, field_names: Any, values: Any) -> Self:
        """Read a row and keep what it was."""
        row = super().from_db(db, field_names, values)
        row.__dict__["as_told"] = dict(zip(field_names, values, strict=False))
        return row

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
            models.Index(fields=["id"], condition=Q(to_compare=True), name="incidents_incident_compare"),
            models.Index(fields=["category", "-id"], name="incidents_incident_category"),
            models.Index(fields=["commune", "-id"], name="incidents_incident_commune"),
            *(
                models.Index(
                    fields=[name], condition=Q(**{f"{name}__isnull": False}), name=f"incidents_incident_{short}"
                )
                for name, short in (("due_at", "due"), ("held_until", "held"), ("proposed_until", "asked"))
            ),
        ]


class IncidentAlarm(models.Model):
    """The alarms that an incident gathers; an alarm belongs to one incident.

    `first` is the incident that held it before it was united with this one, and to which it goes back.
    """

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="alarm_links")
    alarm = models.OneToOneField("alarms.Alarm", on_delete=models.PROTECT, related_name="incident_link")
    first = models.ForeignKey(Incident, null=True, on_delete=models.PROTECT, related_name="+")


class Signal(models.Model):
    """Something that was told about an incident. `key` makes a message that is sent twice one.

    `digest` is that of what was told with the key, less the words, which are compared themselves.
    """

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="signals")
    first = models.ForeignKey(Incident, null=True, on_delete=models.PROTECT, related_name="+")
    channel = models.CharField(max_length=16)
    description = models.BinaryField(default=b"", db_default=b"")
    place = models.CharField(max_length=200, blank=True, default="")
    lon = models.FloatField()
    lat = models.FloatField()
    received_at = models.DateTimeField()
    teller_kind = models.CharField(max_length=16)
    teller = models.CharField(max_length=64)
    teller_name = models.CharField(max_length=120)
    key = models.CharField(max_length=80, null=True)
    digest = models.BinaryField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["teller", "key"], name="incidents_signal_once")]
        indexes = [models.Index(fields=["teller", "-received_at"], name="incidents_signal_teller")]


class Pair(models.Model):
    """Two incidents that may be one, the elder first, and what a person or a rule made of it. A pair is proposed once."""

    elder = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="+")
    younger = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="+")
    rule = models.CharField(max_length=48)
    facts = models.JSONField()
    state = models.CharField(max_length=16)
    proposed_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["elder", "younger"], name="incidents_pair_once")]
        indexes = [
            models.Index(fields=["elder"], condition=Q(state="proposed"), name="incidents_pair_elder"),
            models.Index(fields=["younger"], condition=Q(state="proposed"), name="incidents_pair_younger"),
        ]


class Entry(models.Model):
    """An entry of the city's profile, as the room reads it: a category or a rule of correlation, in its order."""

    kind = models.CharField(max_length=16)
    code = models.CharField(max_length=48)
    place = models.IntegerField()
    body = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "code"], name="incidents_entry_once")]


class Mark(models.Model):
    """A clock that a person dated. A correction is a new row; the one recorded last holds."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="marks")
    round = models.SmallIntegerField()
    clock = models.CharField(max_length=16)
    effective_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+")
    reason = models.BinaryField(default=b"", db_default=b"")
    corrects = models.BooleanField(default=False)


class Pause(models.Model):
    """A time that the deadlines do not count, with its proof. One corrected stays, and counts no more."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="pauses")
    round = models.SmallIntegerField()
    begin = models.DateTimeField()
    end = models.DateTimeField(null=True)
    reason = models.BinaryField()
    proof = models.BinaryField()
    by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+")
    corrected = models.BooleanField(default=False)


class Transfer(models.Model):
    """A proposal to hand an incident over. One stands at a time: the partial unique index holds it."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="transfers")
    from_desk = models.CharField(max_length=32)
    to = models.CharField(max_length=32)
    reason = models.BinaryField()
    proposed_at = models.DateTimeField()
    proposed_by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+")
    due_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=16)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+")
    answer = models.BinaryField(default=b"", db_default=b"")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["incident"], condition=Q(state="proposed"), name="incidents_transfer_one_open"
            )
        ]


class Body(models.Model):
    """A desk or a body outside to which an incident may be handed over; data of the city. `place` orders the list."""

    code = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=120)
    inside = models.BooleanField()
    reach = models.TextField(blank=True, default="")
    place = models.SmallIntegerField()


class Deadline(models.Model):
    """How long a clock may wait, by category (blank: all) and priority (null: all); data of the city."""

    clock = models.CharField(max_length=16)
    within_s = models.IntegerField()
    category = models.CharField(max_length=64, blank=True, default="")
    priority = models.SmallIntegerField(null=True)


class Evidence(models.Model):
    """A picture attached to an incident. `picture` and `thumbnail` are encrypted under the key of the incident's case.

    `mission` is a number of the dispatch's room, which is above this one. `token` (with `asked`, the digest of what was
    sent) makes a picture that is sent twice one. `sha256` is of the JPEG before it was encrypted.
    """

    id = models.UUIDField(primary_key=True)
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="evidence")
    kind = models.CharField(max_length=16)
    mission = models.BigIntegerField(null=True)
    step = models.CharField(max_length=64, blank=True, default="")
    taken_at = models.DateTimeField()
    attached_at = models.DateTimeField()
    attached_by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+")
    token = models.CharField(max_length=80, null=True)
    asked = models.BinaryField()
    sha256 = models.BinaryField()
    size_bytes = models.IntegerField()
    width_px = models.IntegerField()
    height_px = models.IntegerField()
    picture = models.BinaryField()
    thumbnail = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["attached_by", "token"], name="incidents_evidence_once")]
        indexes = [
            models.Index(fields=["incident", "attached_at"], name="incidents_evidence_incident"),
            models.Index(fields=["mission"], condition=Q(mission__isnull=False), name="incidents_evidence_mission"),
        ]
