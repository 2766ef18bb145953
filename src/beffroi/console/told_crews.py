"""What lines about crews, missions and distress say, as sentences. The rest is in `told`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from django.utils.translation import gettext_lazy as _

from beffroi.kernel.dispatch.types import Outcome, Silence, Unavailability
from beffroi.kernel.journal.types import Line

SENTENCES: Mapping[str, object] = {
    "propose_mission": _("A proposé une mission à"),
    "accept_mission": _("Mission acceptée par"),
    "refuse_mission": _("Mission refusée par"),
    "depart_for_mission": _("Équipage en route"),
    "arrive_on_site": _("Équipage sur place"),
    "make_site_safe": _("Mise en sécurité faite par"),
    "finish_mission": _("Fin de mission"),
    "cancel_mission": _("A rappelé l’équipage"),
    "check_item": _("Point de la liste vérifié par"),
    "note_mission": _("L’équipage a noté"),
    "give_sign": _("Signe de vie de"),
    "fall_silent": _("Silence de l’équipage"),
    "go_on_duty": _("Équipage en service"),
    "go_off_duty": _("Équipage hors service"),
    "take_break": _("Équipage en pause"),
    "end_break": _("Équipage de nouveau disponible"),
    "set_unavailable": _("Équipage indisponible"),
    "share_position": _("Interrupteur de position de"),
    "look_at_positions": _("A regardé où sont les équipages"),
    "open_track": _("A ouvert le trajet de"),
    "erase_track": _("Trajet effacé à son terme"),
    "raise_distress": _("DÉTRESSE"),
    "answer_distress": _("A répondu à la détresse de"),
    "end_distress": _("A levé la détresse de"),
    "publish_units": _("A mis en vigueur les équipages"),
}

SILENCES: Mapping[str, object] = {
    Silence.NO_ANSWER: _("la mission n’est pas acceptée"),
    Silence.NO_MOVE: _("ni mouvement ni arrivée"),
    Silence.NO_SIGN: _("seul sur place, sans signe de vie"),
}
OUTCOMES: Mapping[str, object] = {
    Outcome.REPAIRED: _("réparé"),
    Outcome.MADE_SAFE: _("mis en sécurité"),
    Outcome.NOTHING_FOUND: _("rien trouvé"),
    Outcome.NOT_DONE: _("non fait"),
}
UNAVAILABLE: Mapping[str, object] = {
    Unavailability.REFUELLING: _("carburant"),
    Unavailability.BREAKDOWN: _("panne"),
    Unavailability.ESCORT: _("escorte"),
    Unavailability.PAPERWORK: _("rédaction"),
    Unavailability.OTHER: _("autre motif"),
}
_ON_OFF = {True: _("activée"), False: _("coupée")}


def parts_of(line: Line) -> Iterator[str]:
    """Yield what a sentence about a crew says after its verb: which crew, how it ended, what was silent, who told it."""
    content = line.content
    if content.get("crew"):
        yield str(content["crew"])
    for key, said in (("outcome", OUTCOMES), ("silence", SILENCES), ("reason", UNAVAILABLE)):
        if content.get(key) in said:
            yield str(said[content[key]])
    if line.verb == "share_position":
        yield str(_ON_OFF[bool(content.get("shares"))])
    if content.get("by_radio") is True:
        yield str(_("par radio"))
    if line.purpose:
        yield line.purpose
    personal = line.personal.content if line.personal else {}
    yield from (str(personal[key]) for key in ("instructions", "reason") if personal.get(key))
