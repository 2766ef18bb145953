"""Every write of dispatch: crews on duty, missions, positions, distress."""

from beffroi.kernel.dispatch.actions.distress import answer_distress, end_distress, raise_distress
from beffroi.kernel.dispatch.actions.duty import (
    end_break,
    end_duty,
    go_on_duty,
    set_unavailable,
    share_position,
    take_break,
)
from beffroi.kernel.dispatch.actions.engaging import cancel_mission, propose_mission
from beffroi.kernel.dispatch.actions.noting import note_mission
from beffroi.kernel.dispatch.actions.passing import pass_time
from beffroi.kernel.dispatch.actions.positions import (
    erase_positions,
    look_at_positions,
    open_track,
    report_position,
)
from beffroi.kernel.dispatch.actions.profile import publish_units
from beffroi.kernel.dispatch.actions.working import (
    accept_mission,
    arrive,
    check_item,
    depart,
    finish,
    give_sign,
    make_safe,
    refuse_mission,
)

__all__ = [
    "accept_mission",
    "answer_distress",
    "arrive",
    "cancel_mission",
    "check_item",
    "depart",
    "end_break",
    "end_distress",
    "end_duty",
    "erase_positions",
    "finish",
    "give_sign",
    "go_on_duty",
    "look_at_positions",
    "make_safe",
    "note_mission",
    "open_track",
    "pass_time",
    "propose_mission",
    "publish_units",
    "raise_distress",
    "refuse_mission",
    "report_position",
    "set_unavailable",
    "share_position",
    "take_break",
]
