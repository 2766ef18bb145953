"""The decisions of the commands' room. Pure."""

from beffroi.kernel.commands.rules.abilities import parse_abilities
from beffroi.kernel.commands.rules.asking import (
    SOURCE_SILENT_AFTER,
    Circumstances,
    case_of,
    check_parameters,
    check_request,
    effect_of,
    rank_of,
    sort_out,
    target_of,
    undo_parameters,
)
from beffroi.kernel.commands.rules.awaiting import CLOCK_APART, AwaitedProof, AwaitedProofs
from beffroi.kernel.commands.rules.pacing import Pace
from beffroi.kernel.commands.rules.states import (
    TABLE,
    acknowledged_expiry,
    holds_asset,
    next_state,
    sending_expiry,
)

__all__ = [
    "CLOCK_APART",
    "SOURCE_SILENT_AFTER",
    "TABLE",
    "AwaitedProof",
    "AwaitedProofs",
    "Circumstances",
    "Pace",
    "acknowledged_expiry",
    "case_of",
    "check_parameters",
    "check_request",
    "effect_of",
    "holds_asset",
    "next_state",
    "parse_abilities",
    "rank_of",
    "sending_expiry",
    "sort_out",
    "target_of",
    "undo_parameters",
]
