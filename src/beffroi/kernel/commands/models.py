"""Tables of the commands' room. What the sender, the engine and the timers change by the thousand is written in plain SQL."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from beffroi.kernel.commands.types import AWAITED_STATES, OPEN_STATES, CommandState

_OPEN = [str(state) for state in OPEN_STATES]
_AWAITED = [str(state) for state in AWAITED_STATES]


class Ability(models.Model):
    """What a class of equipment can be asked for, as the city's profile says it now."""

    slug = models.CharField(max_length=48, primary_key=True)
    place = models.SmallIntegerField()
    body = models.JSONField()


class Commanding(models.Model):
    """A connector that carries commands, as this version's manifests say."""

    connector = models.CharField(max_length=32, primary_key=True)


class Request(models.Model):
    """What was asked for, of one piece of equipment or of thousands. `why` is what the person wrote, under the key of its case
    (rules.case_of); `terms` is the ability as it was then, `undo_terms`
    the one that undoes it.

    `reverts` is the request that this one undoes; `undone_at` says when that was asked of this one.
    """

    id = models.UUIDField(primary_key=True)
    ability = models.CharField(max_length=48)
    terms = models.JSONField()
    undo_terms = models.JSONField(null=True)
    parameters = models.JSONField()
    effect = models.CharField(max_length=400)
    why = models.BinaryField(default=b"")
    incident = models.BigIntegerField(null=True, db_index=True)
    desk = models.CharField(max_length=48)
    communes = ArrayField(models.CharField(max_length=80))
    size = models.IntegerField()
    left_out = models.JSONField(default=dict)
    key = models.CharField(max_length=120, null=True, unique=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    authorised_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    authorised_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    returns_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)
    begun_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)
    reverts = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="reverted_by")

    class Meta:
        indexes = [
            models.Index(
                fields=["returns_at"], name="commands_to_return", condition=Q(returns_at__isnull=False, undone_at=None)
            ),
            models.Index(fields=["asked_at"], name="commands_untold", condition=Q(told_at=None)),
            models.Index(fields=["ability", "-due_at"], name="commands_of_ability"),
        ]


class Command(models.Model):
    """One request to one piece of equipment. One at most `holds` it: others are told by whom it is taken.

    `in_doubt`: marked as sent by the sender `sender`, which has not said yet that it left. `proof_low` and `proof_high`
    bound the reading that proves it. `end_reason` is of equipment or of ours; `why` is what a person wrote who denied or
    cancelled it, under the key of its case.
    """

    id = models.UUIDField(primary_key=True)
    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="commands")
    asset = models.ForeignKey("twin.Asset", on_delete=models.PROTECT, related_name="+", db_index=False)
    source = models.ForeignKey("twin.Source", on_delete=models.PROTECT, related_name="+", db_index=False)
    state = models.CharField(max_length=16)
    holds = models.BooleanField()
    in_doubt = models.BooleanField(default=False)
    rank = models.SmallIntegerField()
    attempts = models.SmallIntegerField(default=0)
    sender = models.CharField(max_length=16, blank=True, default="")
    due_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    effective_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    end_reason = models.TextField(blank=True, default="")
    ended_by = models.CharField(max_length=120, blank=True, default="")
    why = models.BinaryField(default=b"")
    proof_quantity = models.CharField(max_length=48, blank=True, default="")
    proof_low = models.FloatField(null=True)
    proof_high = models.FloatField(null=True)
    proof_value = models.FloatField(null=True)
    reverts = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="reverted_by")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["asset"], condition=Q(holds=True), name="commands_one_holds")]
        indexes = [
            models.Index(fields=["asset", "-id"], name="commands_of_asset"),
            models.Index(
                fields=["source", "rank", "due_at", "id"],
                name="commands_to_send",
                condition=Q(state=str(CommandState.AUTHORISED)),
            ),
            models.Index(fields=["expires_at"], name="commands_to_expire", condition=Q(state__in=_OPEN)),
            models.Index(fields=["source", "sent_at"], name="commands_awaited", condition=Q(state__in=_AWAITED)),
        ]
