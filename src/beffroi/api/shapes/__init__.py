"""What the API answers. The OpenAPI document is drawn from these, and the answers are encoded from them.

Instants are RFC 3339 in UTC. Positions are WGS 84. A field is added without notice; none is taken away within v1.
"""

from beffroi.api.shapes.alarms import Alarm, AlarmDefinition, AlarmDefinitions, Alarms
from beffroi.api.shapes.commands import (
    Command,
    CommandAbilities,
    CommandAbility,
    CommandAsked,
    CommandDryRun,
    CommandGroup,
    CommandGroups,
    CommandLeftOut,
    CommandParameter,
    Commands,
    CommandsMoved,
)
from beffroi.api.shapes.dispatch import (
    Candidate,
    Candidates,
    ChecklistItem,
    Distress,
    Distresses,
    Mission,
    Missions,
    OwnCrew,
    Unit,
    UnitPosition,
    Units,
)
from beffroi.api.shapes.evidence import Evidence, EvidenceList
from beffroi.api.shapes.incidents import Categories, Category, Incident, IncidentDetail, Incidents, Transfer
from beffroi.api.shapes.journal import Actor, Line, Lines, Proof, ProofSeal
from beffroi.api.shapes.load import AlarmFigures, FloodNow, PostLoad, PostLoads, WorstAlarm
from beffroi.api.shapes.places import Address, Addresses
from beffroi.api.shapes.status import JournalMarks, OpenCount, QuarantineMarks, ReadingTotals, Status
from beffroi.api.shapes.streets import Closure, Closures, StreetWay
from beffroi.api.shapes.twin import Asset, AssetDetail, Assets, Reading, Readings, Source, Sources

__all__ = [
    "Actor",
    "Address",
    "Addresses",
    "Alarm",
    "AlarmDefinition",
    "AlarmDefinitions",
    "AlarmFigures",
    "Alarms",
    "Asset",
    "AssetDetail",
    "Assets",
    "Candidate",
    "Candidates",
    "Categories",
    "Category",
    "ChecklistItem",
    "Closure",
    "Closures",
    "Command",
    "CommandAbilities",
    "CommandAbility",
    "CommandAsked",
    "CommandDryRun",
    "CommandGroup",
    "CommandGroups",
    "CommandLeftOut",
    "CommandParameter",
    "Commands",
    "CommandsMoved",
    "Distress",
    "Distresses",
    "Evidence",
    "EvidenceList",
    "FloodNow",
    "Incident",
    "IncidentDetail",
    "Incidents",
    "JournalMarks",
    "Line",
    "Lines",
    "Mission",
    "Missions",
    "OpenCount",
    "OwnCrew",
    "PostLoad",
    "PostLoads",
    "Proof",
    "ProofSeal",
    "QuarantineMarks",
    "Reading",
    "ReadingTotals",
    "Readings",
    "Source",
    "Sources",
    "Status",
    "StreetWay",
    "Transfer",
    "Unit",
    "UnitPosition",
    "Units",
    "WorstAlarm",
]
