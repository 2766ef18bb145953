"""Django's view of the rooms: which have tables. Kept here so that no framework file appears in a room."""

from __future__ import annotations

from django.apps import AppConfig


class JournalRoom(AppConfig):
    """Tables and templates of the room."""

    name = "beffroi.kernel.journal"
    label = "journal"


class PeopleRoom(AppConfig):
    """Tables and templates of the room."""

    name = "beffroi.kernel.people"
    label = "people"


class PlacesRoom(AppConfig):
    """Tables and templates of the room."""

    name = "beffroi.kernel.places"
    label = "places"


class TwinRoom(AppConfig):
    """Tables and templates of the room."""

    name = "beffroi.kernel.twin"
    label = "twin"


class AlarmsRoom(AppConfig):
    """Tables and templates of the room."""

    name = "beffroi.kernel.alarms"
    label = "alarms"


class CommandsRoom(AppConfig):
    """Tables and templates of the room."""

    name = "beffroi.kernel.commands"
    label = "commands"


class IncidentsRoom(AppConfig):
    """Tables and templates of the room."""

    name = "beffroi.kernel.incidents"
    label = "incidents"


class DispatchRoom(AppConfig):
    """Tables and templates of the room."""

    name = "beffroi.kernel.dispatch"
    label = "dispatch"


class ProceduresRoom(AppConfig):
    """Tables and templates of the room."""

    name = "beffroi.kernel.procedures"
    label = "procedures"


class Console(AppConfig):
    """Tables and templates of the room."""

    name = "beffroi.console"
    label = "console"
