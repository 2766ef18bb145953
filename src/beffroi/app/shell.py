"""What every command shares: Django made ready, and who gives the command."""

from __future__ import annotations

import getpass
import os

from beffroi.kernel.journal.types import Actor, ActorKind


def set_up_django() -> None:
    """Make the database and the rooms usable in this process."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "beffroi.app.django")
    import django

    django.setup()


def actor() -> Actor:
    """Return who gives a command: the system's account on this machine, named as such in the journal."""
    user = getpass.getuser()
    return Actor(ActorKind.SYSTEM, f"shell:{user}", f"{user}, en ligne de commande")
