"""Every read of the commands' room. Lists are narrowed to what the person may see."""

from beffroi.kernel.commands.queries.abilities import (
    abilities,
    abilities_of,
    ability_body,
    ability_from,
    ability_named,
    commanding,
)
from beffroi.kernel.commands.queries.awaited import (
    awaited_proofs,
    doubtful,
    known_commands,
    open_by_state,
    sources_to_serve,
)
from beffroi.kernel.commands.queries.planning import Plan, circumstances, dry_run, plan, taken, taken_words
from beffroi.kernel.commands.queries.reading import (
    Filters,
    command,
    commands_of_asset,
    commands_of_incident,
    counts,
    group,
    groups,
    groups_of_incident,
    list_commands,
    to_authorise,
    waiting_for_second_person,
)
from beffroi.kernel.commands.queries.standing import standing_commands

__all__ = [
    "Filters",
    "Plan",
    "abilities",
    "abilities_of",
    "ability_body",
    "ability_from",
    "ability_named",
    "awaited_proofs",
    "circumstances",
    "command",
    "commanding",
    "commands_of_asset",
    "commands_of_incident",
    "counts",
    "doubtful",
    "dry_run",
    "group",
    "groups",
    "groups_of_incident",
    "known_commands",
    "list_commands",
    "open_by_state",
    "plan",
    "sources_to_serve",
    "standing_commands",
    "taken",
    "taken_words",
    "to_authorise",
    "waiting_for_second_person",
]
