"""What a crew is told when its act comes too late: what became of the mission, by whom and when, and what to do now."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.kernel.dispatch.types import Mission, MissionState

TITLES: Mapping[str, object] = {
    MissionState.CANCELLED: gettext_lazy("Mission annulée par %(by)s à %(at)s."),
    MissionState.REFUSED: gettext_lazy("Mission refusée par %(by)s à %(at)s."),
    MissionState.DONE: gettext_lazy("Mission terminée par %(by)s à %(at)s."),
    MissionState.ON_SITE: gettext_lazy("%(by)s a déjà écrit « sur place » à %(at)s."),
    MissionState.EN_ROUTE: gettext_lazy("%(by)s a déjà écrit « en route » à %(at)s."),
    MissionState.ACCEPTED: gettext_lazy("%(by)s a déjà accepté la mission à %(at)s."),
    MissionState.PROPOSED: gettext_lazy("Cette mission attend encore votre réponse."),
}
ADVICE: Mapping[str, object] = {
    MissionState.CANCELLED: gettext_lazy(
        "N’y allez pas, ou arrêtez : mettez le lieu en sécurité, appelez le poste si vous y êtes. Vous êtes disponible."
    ),
    MissionState.REFUSED: gettext_lazy(
        "N’y allez pas : le poste envoie une autre équipe. Appelez-le si vous y êtes déjà."
    ),
    MissionState.DONE: gettext_lazy("Rien de plus à faire ici. Appelez le poste si le travail n’est pas fini."),
    MissionState.ON_SITE: gettext_lazy("Continuez : c’est déjà noté."),
    MissionState.EN_ROUTE: gettext_lazy("Continuez : c’est déjà noté."),
    MissionState.ACCEPTED: gettext_lazy("Continuez : c’est déjà noté."),
    MissionState.PROPOSED: gettext_lazy("Répondez d’abord : « J’y vais », ou refusez avec le motif."),
}


def title_of(mission: Mission) -> str:
    """Return what became of a mission, by whom and when."""
    return str(TITLES[mission.state]) % {"by": mission.last_by or _("le poste"), "at": _hour(mission.last_at)}


def advice(mission: Mission | None, *, kept: bool) -> str:
    """Return what to do, and that what was written is kept."""
    parts = []
    if mission is not None:
        if mission.state == MissionState.CANCELLED and mission.reason:
            parts.append(_("Motif : %(reason)s.") % {"reason": mission.reason.rstrip(".")})
        parts.append(str(ADVICE[mission.state]))
        if not mission.live:
            parts.append(_("Vos photos sont gardées sur l’incident."))
    if kept:
        parts.append(_("Ce que vous avez écrit est gardé sur l’incident."))
    return " ".join(parts)


def _hour(at: Instant | None) -> str:
    return timezone.localtime(to_datetime(at)).strftime("%H:%M") if at else "–"
