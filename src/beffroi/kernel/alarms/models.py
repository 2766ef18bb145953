"""Tables of the alarms' room."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from beffroi.kernel.alarms.types import OPEN_REVISIONS, OPEN_STATES


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
    suppressed_by = models.CharField(max_length=240, blank=True, default="")
    release_delay_s = models.FloatField(default=0)
    latching = models.BooleanField(default=False)
    re_alarm_s = models.IntegerField(default=0)
    escalate_after_s = models.IntegerField(null=True)
    comparisons = models.JSONField(default=list)
    join = models.CharField(max_length=3, default="all")
    expression = models.CharField(max_length=400, blank=True, default="")
    tests = models.JSONField(default=list)
    in_force = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["code", "version"], name="alarms_definition_version"),
            models.UniqueConstraint(fields=["code"], condition=Q(in_force=True), name="alarms_definition_in_force"),
        ]


class Revision(models.Model):
    """A written change of a definition, from its draft to its end. The partial unique index allows one open at a time."""

    code = models.CharField(max_length=64)
    state = models.CharField(max_length=16)
    fields = models.JSONField(null=True)
    title = models.CharField(max_length=160)
    desk = models.CharField(max_length=32)
    base_version = models.IntegerField(default=0)
    version = models.IntegerField(null=True)
    reason = models.TextField()
    author = models.CharField(max_length=160)
    author_name = models.CharField(max_length=160)
    written_at = models.DateTimeField()
    proposed_at = models.DateTimeField(null=True)
    reviewer = models.CharField(max_length=160, blank=True, default="")
    reviewer_name = models.CharField(max_length=160, blank=True, default="")
    reviewed_at = models.DateTimeField(null=True)
    review_reason = models.TextField(blank=True, default="")
    what_if = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["code"],
                condition=Q(state__in=[str(state) for state in OPEN_REVISIONS]),
                name="alarms_revision_one_open",
            )
        ]
        indexes = [models.Index(fields=["code", "-id"], name="alarms_revision_code")]


class ProfileEntry(models.Model):
    """What the city's profile file last said of a definition, as a digest; empty when it was taken out of the file."""

    code = models.CharField(max_length=64, primary_key=True)
    digest = models.CharField(max_length=64, blank=True)


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
    commanded = models.ForeignKey("Commanded", null=True, on_delete=models.PROTECT, related_name="explains")
    stale_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+")
    rung = models.SmallIntegerField(default=0)
    escalated_at = models.DateTimeField(null=True)
    shelving = models.ForeignKey("Shelving", null=True, on_delete=models.PROTECT, related_name="+")
    withdrawal = models.ForeignKey("Withdrawal", null=True, on_delete=models.PROTECT, related_name="recorded")

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
            models.Index(
                fields=["acknowledged_at"], condition=Q(acknowledged_at__isnull=False), name="alarms_alarm_acknowledged"
            ),
            models.Index(fields=["stale_at"], condition=Q(stale_at__isnull=False), name="alarms_alarm_stale"),
        ]


class Announcement(models.Model):
    """An alarm was put before people, once more perhaps: what load, floods and chattering are counted from.

    Never changed. An alarm's own row keeps the last announcement only.
    """

    alarm = models.ForeignKey(Alarm, on_delete=models.PROTECT, related_name="announcements", db_index=False)
    asset = models.ForeignKey("twin.Asset", on_delete=models.PROTECT, related_name="+", db_index=False)
    code = models.CharField(max_length=64)
    desk = models.CharField(max_length=32)
    priority = models.SmallIntegerField()
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["at"], name="alarms_announcement_at")]


class Flood(models.Model):
    """A flood of a post. The partial unique index makes two watchers that open the same flood make one."""

    post = models.CharField(max_length=32)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    peak = models.IntegerField()
    alarms = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["post"], condition=Q(closed_at__isnull=True), name="alarms_flood_one_open")
        ]
        indexes = [models.Index(fields=["post", "-opened_at"], name="alarms_flood_opened")]


class Watching(models.Model):
    """How far one watch over the announcements has come: what it has looked at is never looked at again."""

    name = models.CharField(max_length=48, primary_key=True)
    looked_at = models.DateTimeField()


class Chatter(models.Model):
    """A time during which an alarm chattered, on one asset."""

    alarm = models.ForeignKey(Alarm, on_delete=models.PROTECT, related_name="chatters")
    asset = models.ForeignKey("twin.Asset", on_delete=models.PROTECT, related_name="+", db_index=False)
    code = models.CharField(max_length=64)
    desk = models.CharField(max_length=32)
    began_at = models.DateTimeField()
    last_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    raises = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["code", "asset"], condition=Q(ended_at__isnull=True), name="alarms_chatter_one_open"
            )
        ]
        indexes = [models.Index(fields=["-began_at"], name="alarms_chatter_began")]


class Tally(models.Model):
    """Sums of one slot of ten minutes, one desk, one definition: what figures over long periods are read from.

    `slot` is the slot's beginning, a whole multiple of ten minutes. Acknowledgements count in the slot of their instant;
    their times in seconds, from the last announcement.
    """

    slot = models.DateTimeField()
    desk = models.CharField(max_length=32)
    code = models.CharField(max_length=64)
    priority = models.SmallIntegerField()
    announced = models.IntegerField(default=0)
    acknowledged = models.IntegerField(default=0)
    acknowledge_total_s = models.FloatField(default=0)
    acknowledge_longest_s = models.FloatField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["slot", "desk", "code", "priority"], name="alarms_tally_slot")]


class Verdict(models.Model):
    """What a person said of an alarm when its incident was closed: was it of use?"""

    alarm = models.OneToOneField(Alarm, on_delete=models.PROTECT, related_name="verdict")
    code = models.CharField(max_length=64)
    desk = models.CharField(max_length=32)
    useful = models.BooleanField()
    by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["at"], name="alarms_verdict_at")]


class Priority(models.Model):
    """What the city's profile says of a priority, as it was put in force."""

    priority = models.SmallIntegerField(primary_key=True)
    escalate_after_s = models.IntegerField()
    shelve_max_s = models.IntegerField()


class Commanded(models.Model):
    """A command that is in force on an asset and that explains alarms, as the commands' room said; once, until it is over."""

    command = models.UUIDField(unique=True)
    asset = models.ForeignKey("twin.Asset", on_delete=models.PROTECT, related_name="+")
    ability = models.CharField(max_length=48)
    title = models.CharField(max_length=160)
    by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+")
    since = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["asset"], condition=Q(ended_at=None), name="alarms_commanded_in_force")]


class Shelving(models.Model):
    """A definition put aside on an asset, by somebody, until an end. One at a time; `alarm` is what was put aside.

    `reason` stands under the key of the alarm's case.
    """

    code = models.CharField(max_length=64)
    asset = models.ForeignKey("twin.Asset", on_delete=models.PROTECT, related_name="+")
    alarm = models.ForeignKey(Alarm, on_delete=models.PROTECT, related_name="+")
    by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    reason = models.BinaryField(default=b"")
    since = models.DateTimeField()
    until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["code", "asset"], condition=Q(ended_at=None), name="alarms_shelving_one_in_force"
            ),
        ]
        indexes = [models.Index(fields=["until"], condition=Q(ended_at=None), name="alarms_shelving_ends")]


class Withdrawal(models.Model):
    """A source, an asset, or a definition (`code`) on an asset that is out of service, until somebody puts it back.

    `reason` and `end_reason` stand under the key of its own case.
    """

    source = models.ForeignKey("twin.Source", null=True, on_delete=models.PROTECT, related_name="+")
    asset = models.ForeignKey("twin.Asset", null=True, on_delete=models.PROTECT, related_name="+")
    code = models.CharField(max_length=64, blank=True, default="")
    title = models.CharField(max_length=160, blank=True, default="")
    desk = models.CharField(max_length=32, blank=True, default="")
    by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    reason = models.BinaryField(default=b"")
    since = models.DateTimeField()
    until = models.DateTimeField()
    reminded_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+")
    end_reason = models.BinaryField(default=b"")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(source=None, asset__isnull=False) | Q(source__isnull=False, asset=None, code=""),
                name="alarms_withdrawal_of_one_thing",
            ),
            models.UniqueConstraint(
                fields=["source"], condition=Q(ended_at=None, source__isnull=False), name="alarms_withdrawal_source"
            ),
            models.UniqueConstraint(
                fields=["asset", "code"], condition=Q(ended_at=None, source=None), name="alarms_withdrawal_asset"
            ),
        ]
