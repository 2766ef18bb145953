"""What a crew is told when its act comes too late: what became of the mission, by whom and when, and what to do now."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from beffroi.console.door import refusal_words
from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import BeffroiError
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


REFUSED: Mapping[str, object] = {
    "mission-goes-on": gettext_lazy("Une mission est en cours : finissez-la, refusez-la, ou demandez à être rappelé."),
    "off-duty": gettext_lazy("Vous n’êtes plus en service : prenez le service d’abord."),
    "in-distress": gettext_lazy("Une détresse est en cours : qui vous a répondu la lève d’abord."),
    "aboard-elsewhere": gettext_lazy("Vous êtes en service dans une autre équipe : quittez-la d’abord."),
    "no-crew": gettext_lazy("Vous n’êtes dans aucune équipe : demandez au poste."),
    "headcount-unknown": gettext_lazy("Une équipe compte de 1 à 20 personnes."),
    "line-unknown": gettext_lazy("La liste a changé : regardez-la à nouveau."),
    "reason-missing": gettext_lazy("Choisissez pourquoi vous êtes indisponible."),
    "key-reused": gettext_lazy("Le téléphone a mêlé deux envois : recommencez ce geste."),
    "forbidden": gettext_lazy("Vous n’êtes plus de cet équipage : demandez au poste."),
    "not-found": gettext_lazy("Cette mission n’est pas, ou n’est plus, à votre équipage."),
}
"""What a crew is told of an act that is refused for itself, whatever became of the mission."""


def refused_words(error: BeffroiError) -> str:
    """Return what a crew is told of a refusal, in the language in force."""
    return str(REFUSED[error.key]) if error.key in REFUSED else refusal_words(error)


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
