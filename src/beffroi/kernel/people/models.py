"""Tables of the people's room."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q


class PersonManager(BaseUserManager["Person"]):
    """Finds people by account name."""


class Person(AbstractBaseUser):
    """An account. What it may do is in its clearances, nowhere else."""

    username = models.CharField(max_length=64, unique=True)
    display_name = models.CharField(max_length=120)
    initials = models.CharField(max_length=4)
    language = models.CharField(max_length=8, default="fr")
    palette = models.CharField(max_length=16, default="night")
    single_key_shortcuts = models.BooleanField(default=True)
    post = models.CharField(max_length=32, blank=True, default="")
    is_active = models.BooleanField(default=True)
    demonstration = models.BooleanField(default=False)

    USERNAME_FIELD = "username"
    objects: ClassVar[PersonManager] = PersonManager()


class Post(models.Model):
    """A working position of the room. `desks`: codes between spaces; blank, every desk. `place` orders the list."""

    code = models.CharField(max_length=32, unique=True)
    title = models.CharField(max_length=120)
    desks = models.CharField(max_length=400, blank=True, default="")
    place = models.SmallIntegerField()


class Clearance(models.Model):
    """A role, for a person, at a desk (blank: every desk), in a commune (blank: all), between two dates."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="clearances")
    role = models.CharField(max_length=32)
    desk = models.CharField(max_length=32, blank=True, default="")
    commune = models.CharField(max_length=80, blank=True, default="")
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField(null=True, blank=True)
    granted_by = models.CharField(max_length=64)
    reason = models.TextField()


class Token(models.Model):
    """A bearer token for the API. Only its SHA-256 is kept."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="tokens")
    name = models.CharField(max_length=80)
    digest = models.BinaryField(unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)


class SignInFailure(models.Model):
    """A sign-in that failed, kept for minutes to slow guessing down. `account` is a digest of the name typed."""

    account = models.BinaryField()
    at = models.DateTimeField(db_index=True)

    class Meta:
        indexes = [models.Index(fields=["account", "at"], name="people_failure_account")]


class Shift(models.Model):
    """A part of the day, in minutes after local midnight. `place` orders the list."""

    code = models.CharField(max_length=32, unique=True)
    title = models.CharField(max_length=120)
    begins_min = models.SmallIntegerField()
    ends_min = models.SmallIntegerField()
    place = models.SmallIntegerField()


class Duty(models.Model):
    """A person's time on duty at a post. One at a time: the partial index says so."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    post = models.CharField(max_length=32)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person"], condition=Q(ended_at=None), name="people_duty_one_at_a_time")
        ]


class Instruction(models.Model):
    """What one shift leaves to the next at a post, until it ends. Its words are kept under the key of its case."""

    post = models.CharField(max_length=32)
    kind = models.CharField(max_length=16)
    text = models.BinaryField()
    subject = models.CharField(max_length=160, blank=True, default="")
    due_at = models.DateTimeField(null=True)
    written_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    written_at = models.DateTimeField()
    end = models.CharField(max_length=16, blank=True, default="")
    ended_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True)
    end_reason = models.BinaryField(default=b"", db_default=b"")

    class Meta:
        indexes = [models.Index(fields=["post"], condition=Q(end=""), name="people_instruction_standing")]


class Handover(models.Model):
    """A shift hand-over. `content` is canonical JSON text, whose SHA-256 the journal line of the signature carries.

    What people wrote is kept under the key of its case, and inside `content` as it was kept: encrypted.
    """

    post = models.CharField(max_length=32)
    shift_out = models.CharField(max_length=120)
    shift_in = models.CharField(max_length=120)
    state = models.CharField(max_length=16)
    text = models.BinaryField(default=b"", db_default=b"")
    content = models.TextField()
    digest = models.CharField(max_length=64)
    out_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    out_at = models.DateTimeField()
    in_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    in_at = models.DateTimeField(null=True)
    remark = models.BinaryField(default=b"", db_default=b"")
    withdrawn_at = models.DateTimeField(null=True)
    withdraw_reason = models.BinaryField(default=b"", db_default=b"")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["post"], condition=Q(state="signed_out"), name="people_handover_one_waiting"
            )
        ]
        indexes = [models.Index(fields=["post", "-out_at"], name="people_handover_post")]
