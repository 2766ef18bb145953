"""Tables of the journal. The database itself refuses UPDATE, DELETE and TRUNCATE (migration 0002)."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Head(models.Model):
    """One row: the last number given. Its row lock makes numbers follow the order of commitment, without gap."""

    id = models.SmallIntegerField(primary_key=True)
    seq = models.BigIntegerField()


class Line(models.Model):
    """A line of the main courante. `content` is canonical JSON text, so that its digest can be taken again."""

    seq = models.BigIntegerField(primary_key=True)
    id = models.UUIDField(unique=True)
    recorded_at = models.DateTimeField()
    effective_at = models.DateTimeField()
    actor_kind = models.CharField(max_length=16)
    actor_id = models.CharField(max_length=128)
    actor_name = models.CharField(max_length=200)
    room = models.CharField(max_length=32)
    verb = models.CharField(max_length=64)
    subject = models.CharField(max_length=160)
    related = ArrayField(models.CharField(max_length=160), default=list)
    purpose = models.TextField(default="")
    reason = models.TextField(default="")
    sensitivity = models.CharField(max_length=16)
    content = models.TextField()
    digest = models.BinaryField()
    about = models.CharField(max_length=160, default="", db_default="")
    personal = models.BinaryField(default=b"", db_default=b"")

    class Meta:
        indexes = [
            models.Index(fields=["subject", "seq"], name="journal_line_subject"),
            models.Index(fields=["recorded_at"], name="journal_line_recorded"),
        ]


class Seal(models.Model):
    """A seal over consecutive lines, chained to the one before."""

    number = models.BigIntegerField(primary_key=True)
    first_seq = models.BigIntegerField(unique=True)
    last_seq = models.BigIntegerField(unique=True)
    root = models.BinaryField()
    previous = models.BinaryField()
    digest = models.BinaryField()
    sealed_at = models.DateTimeField()


class Key(models.Model):
    """The key of a person or a case, wrapped by a master key that is not in the database; emptied when destroyed."""

    id = models.UUIDField(primary_key=True)
    subject = models.CharField(max_length=160)
    wrapped = models.BinaryField()
    master = models.CharField(max_length=64)
    made_at = models.DateTimeField()
    destroyed_at = models.DateTimeField(null=True)
    reason = models.TextField(default="")

    class Meta:
        indexes = [models.Index(fields=["subject"], name="journal_key_subject")]


class Erasure(models.Model):
    """A request to destroy the keys of a person or a case: one asks, another confirms."""

    subject = models.CharField(max_length=160)
    reason = models.TextField()
    asked_by = models.CharField(max_length=128)
    asked_by_name = models.CharField(max_length=200)
    asked_at = models.DateTimeField()
    outcome = models.CharField(max_length=16, default="")
    decided_by_name = models.CharField(max_length=200, default="")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subject"], condition=models.Q(outcome=""), name="journal_erasure_waiting")
        ]
