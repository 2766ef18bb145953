"""Tables of the procedures' room."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from beffroi.kernel.procedures.types import OPEN_REVISIONS, RunStatus


class Version(models.Model):
    """A version of a procedure, as it was put in force. Versions stay: runs name theirs. `body` is the whole of it.

    `text` is what was written, with its comments; empty for versions from before it was kept.
    """

    code = models.CharField(max_length=48)
    version = models.IntegerField()
    title = models.CharField(max_length=120)
    desk = models.CharField(max_length=48)
    body = models.JSONField()
    text = models.TextField(blank=True, default="", db_default="")
    in_force = models.BooleanField(default=True)
    published_at = models.DateTimeField()
    published_by = models.CharField(max_length=120)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["code", "version"], name="procedures_version_once"),
            models.UniqueConstraint(fields=["code"], condition=Q(in_force=True), name="procedures_version_in_force"),
        ]


class Revision(models.Model):
    """A written change of a procedure, from its draft to its end. The partial unique index allows one open at a time."""

    code = models.CharField(max_length=48)
    state = models.CharField(max_length=16)
    text = models.TextField(blank=True)
    body = models.JSONField(null=True)
    title = models.CharField(max_length=120)
    desk = models.CharField(max_length=48)
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

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["code"],
                condition=Q(state__in=[str(state) for state in OPEN_REVISIONS]),
                name="procedures_revision_one_open",
            )
        ]
        indexes = [models.Index(fields=["code", "-id"], name="procedures_revision_code")]


class ProfileEntry(models.Model):
    """What the city's profile last said of a procedure, as a digest; empty when its file was taken away."""

    code = models.CharField(max_length=48, primary_key=True)
    digest = models.CharField(max_length=64, blank=True)


class Run(models.Model):
    """A run of a procedure on an incident. `state` is all that it remembers, its steps as they were when it began.

    `wake_at` is the instant at which it moves by itself; `watches`: it waits for something beside time (equipment, a crew,
    the incident), and is looked at each second. `moves` counts its events: the next one has this number.
    """

    incident = models.ForeignKey("incidents.Incident", on_delete=models.PROTECT, related_name="+")
    code = models.CharField(max_length=48)
    version = models.IntegerField()
    title = models.CharField(max_length=120)
    desk = models.CharField(max_length=48)
    commune = models.CharField(max_length=80, blank=True, default="")
    state = models.JSONField()
    status = models.CharField(max_length=16, default="running")
    started_at = models.DateTimeField()
    started_by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=120, blank=True, default="")
    wake_at = models.DateTimeField(null=True)
    watches = models.BooleanField(default=False)
    moves = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["incident", "code"], condition=Q(status=RunStatus.RUNNING), name="procedures_run_one_at_a_time"
            )
        ]
        indexes = [
            models.Index(fields=["incident", "id"], name="procedures_run_incident"),
            models.Index(fields=["wake_at"], condition=Q(wake_at__isnull=False), name="procedures_run_wake"),
            models.Index(fields=["id"], condition=Q(status=RunStatus.RUNNING), name="procedures_run_running"),
        ]


class Move(models.Model):
    """An event of a run, as it was judged: never changed. Doing them again from the first gives the run's state.

    What people wrote is not here: it is in the journal, under the key of the incident's case. `token` is that of whoever
    acted, and `asked` the digest of what they sent with it: the same act sent twice is one.
    """

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="+")
    number = models.IntegerField()
    at = models.DateTimeField()
    verb = models.CharField(max_length=16)
    step = models.CharField(max_length=200, blank=True, default="")
    by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+")
    by_name = models.CharField(max_length=120, blank=True, default="")
    body = models.JSONField(default=dict)
    token = models.CharField(max_length=80, null=True)
    asked = models.BinaryField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "number"], name="procedures_move_once"),
            models.UniqueConstraint(fields=["by", "token"], name="procedures_move_token"),
        ]


class Message(models.Model):
    """A line told to a post, a desk or a person by a step (or because a step is late), and who said seen."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="+")
    step = models.CharField(max_length=200)
    incident = models.ForeignKey("incidents.Incident", on_delete=models.PROTECT, related_name="+")
    to_post = models.CharField(max_length=48, blank=True, default="")
    to_desk = models.CharField(max_length=48, blank=True, default="")
    to_name = models.CharField(max_length=120)
    text = models.TextField()
    told_at = models.DateTimeField()
    wants_answer = models.BooleanField(default=False)
    urgent = models.BooleanField(default=False)
    seen_by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+")
    seen_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["told_at"], condition=Q(seen_at=None), name="procedures_message_unseen"),
            models.Index(fields=["incident"], name="procedures_message_incident"),
        ]


class Contact(models.Model):
    """Where whoever told an incident wants to be written to; encrypted with the key of the incident's case.

    `told_round` is the round of the incident about whose end they were written to; 0: none yet.
    """

    incident = models.ForeignKey("incidents.Incident", on_delete=models.PROTECT, related_name="+")
    address = models.BinaryField()
    left_at = models.DateTimeField()
    told_round = models.SmallIntegerField(default=0, db_default=0)
    by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+")


class Letter(models.Model):
    """A letter of the outbox, written in the transaction of the step that sends it, or without a run the answer to whoever
    told an incident; its address is encrypted.

    `state`: waiting for its turn (`due_at`), sending (marked before it leaves: what is found so later is in doubt and is never
    sent again by itself), sent, refused, in doubt, given up.
    """

    run = models.ForeignKey(Run, null=True, on_delete=models.PROTECT, related_name="+")
    step = models.CharField(max_length=200)
    incident = models.ForeignKey("incidents.Incident", on_delete=models.PROTECT, related_name="+")
    to_name = models.CharField(max_length=120)
    address = models.BinaryField()
    message_id = models.CharField(max_length=120, unique=True)
    subject = models.CharField(max_length=200)
    text = models.TextField()
    state = models.CharField(max_length=16, default="waiting")
    written_at = models.DateTimeField()
    due_at = models.DateTimeField()
    attempts = models.SmallIntegerField(default=0)
    marked_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        indexes = [
            models.Index(
                fields=["due_at"], condition=Q(state__in=["waiting", "sending"]), name="procedures_letter_due"
            ),
            models.Index(fields=["incident"], name="procedures_letter_incident"),
        ]
