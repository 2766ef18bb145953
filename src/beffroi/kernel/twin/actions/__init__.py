"""Every write of the twin."""

from beffroi.kernel.twin.actions.declaring import add_gateway, declare_source, note_forgotten, revoke_gateway
from beffroi.kernel.twin.actions.importing import ASSET_COLUMNS, import_assets, import_relations
from beffroi.kernel.twin.actions.setting_aside import Quarantined, bound_quarantine, quarantine
from beffroi.kernel.twin.actions.storing import (
    Tally,
    advance_position,
    claim_position,
    count,
    count_denied,
    drop_expired,
    ensure_history,
    ensure_quantities,
    identity,
    match_log,
    note_answers,
    note_pending,
    quarantine_fetched,
    set_freshness,
    store_values,
)

__all__ = [
    "ASSET_COLUMNS",
    "Quarantined",
    "Tally",
    "add_gateway",
    "advance_position",
    "bound_quarantine",
    "claim_position",
    "count",
    "count_denied",
    "declare_source",
    "drop_expired",
    "ensure_history",
    "ensure_quantities",
    "identity",
    "import_assets",
    "import_relations",
    "match_log",
    "note_answers",
    "note_forgotten",
    "note_pending",
    "quarantine",
    "quarantine_fetched",
    "revoke_gateway",
    "set_freshness",
    "store_values",
]
