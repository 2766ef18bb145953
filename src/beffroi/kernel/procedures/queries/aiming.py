"""What a command step is for, seen from its incident; and how far commands and missions of steps have come."""

from __future__ import annotations

from uuid import UUID

from beffroi.foundation.clock import Instant
from beffroi.foundation.errors import BeffroiError, NotFound
from beffroi.foundation.geo import point_to_metres
from beffroi.kernel.commands import queries as commands
from beffroi.kernel.commands.types import CommandState, Group, Request
from beffroi.kernel.dispatch import queries as dispatch
from beffroi.kernel.dispatch.types import Candidate, Mission, MissionState, Outcome, Point
from beffroi.kernel.incidents.types import Incident
from beffroi.kernel.people.types import Viewer
from beffroi.kernel.procedures.types import Aim, Command, Dispatch, MissionStage, Progress, Reach, Target
from beffroi.kernel.twin import queries as twin

MOST_AROUND = 200
_GOOD = (CommandState.EFFECTIVE, CommandState.REVERTED)
_REACHED = {
    MissionStage.ACCEPTED: (MissionState.ACCEPTED, MissionState.EN_ROUTE, MissionState.ON_SITE, MissionState.DONE),
    MissionStage.ON_SITE: (MissionState.ON_SITE, MissionState.DONE),
    MissionStage.DONE: (MissionState.DONE,),
}
_LOST = (MissionState.REFUSED, MissionState.CANCELLED)


def aimed_at(target: Target, incident: Incident) -> tuple[str, ...]:
    """Return the codes of the equipment that a command is for; none where the incident has no such equipment."""
    asset = twin.assets_by_id([incident.asset_id]).get(incident.asset_id) if incident.asset_id else None
    if target.reach is Reach.ASSET:
        return (asset.code,) if asset else ()
    if target.reach is Reach.FEEDER:
        if asset is None or asset.asset_class == "lighting_cabinet":
            return (asset.code,) if asset else ()
        feeder = twin.upstream([asset.id], "feeds").get(asset.id)
        return (twin.assets_by_id([feeder])[feeder].code,) if feeder else ()
    most = 1 if target.reach is Reach.NEAREST else MOST_AROUND
    x_m, y_m = point_to_metres(incident.lon, incident.lat)
    found = twin.nearest(x_m, y_m, asset_class=target.asset_class, within_m=float(target.within_m), limit=most)
    return tuple(each.code for each, _far in found)


def request_of(step: Command, incident: Incident, *, reason: str, key: str = "") -> Request:
    """Return the request that a command step makes. Raises NotFound where there is nothing to ask it of."""
    codes = aimed_at(step.target, incident)
    if not codes:
        told = "the incident has no such equipment, and none is near: skip the step with its reason"
        raise NotFound(told, key="nothing-aimed-at")
    return Request(
        ability=step.ability,
        parameters=dict(step.parameters),
        assets=codes,
        reason=reason,
        incident=incident.id,
        hold_s=step.hold_s or None,
        key=key,
    )


def aim(step: Command, incident: Incident, *, seen_by: Viewer, at: Instant) -> Aim:
    """Return what a command step would do if this person sent it now: every piece by name, the effect, what is refused."""
    try:
        request = request_of(step, incident, reason=step.title)
        run = commands.dry_run(request, seen_by=seen_by, at=at)
    except BeffroiError as error:
        return Aim((), (), "", refused=error.reason)
    refused = "" if run.touched else "; ".join(dict.fromkeys(each.reason for each in run.left_out))
    names = tuple(each.name or each.code for each in run.touched)
    return Aim(tuple(each.code for each in run.touched), names, run.effect, run.dangerous, refused)


def progress_of(step: Command | Dispatch, reference: str, *, missions: tuple[Mission, ...] = ()) -> Progress:
    """Return how far the command or the mission that a step asked for has come. Raises NotFound."""
    if isinstance(step, Dispatch):
        found = next((each for each in missions if str(each.number) == reference), None)
        if found is None:
            raise NotFound(f"there is no mission {reference}")
        return _of_mission(step, found)
    kind, _, name = reference.partition(":")
    if kind == "command":
        one = commands.command(UUID(name))
        good = one.state in _GOOD
        return Progress(good or not one.is_open, good, str(one.state), one.end_reason)
    return _of_group(commands.group(UUID(name)))


def candidates(step: Dispatch, incident: Incident, *, seen_by: Viewer, at: Instant) -> tuple[Candidate, ...]:
    """Return the crews that may be sent for a dispatch step, the nearest that has the skills first, with its reason."""
    place = Point(incident.lon, incident.lat)
    return dispatch.nearest(place, skills=step.skills, seen_by=seen_by, at=at, limit=5)


def _of_group(group: Group) -> Progress:
    good = sum(group.counts.get(state, 0) for state in _GOOD)
    told = f"{good} / {group.size}"
    if group.open:
        furthest = CommandState.ASKED if group.counts.get(CommandState.ASKED) else CommandState.SENT
        return Progress(False, False, str(furthest), told)
    return Progress(True, good == group.size, "effective" if good == group.size else "failed", told)


def _of_mission(step: Dispatch, mission: Mission) -> Progress:
    told = mission.callsign or mission.unit_name
    if mission.state in _LOST or (mission.state is MissionState.DONE and mission.outcome == Outcome.NOT_DONE):
        return Progress(True, False, str(mission.state), told)
    reached = mission.state in _REACHED[step.done_when]
    return Progress(reached, reached, str(mission.state), told)
