"""The words of incidents: states, clocks, ways out, links, evidence."""

from __future__ import annotations

from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from beffroi.console.words.rooms import DESKS
from beffroi.console.words.saying import Words, duration, told
from beffroi.kernel.incidents.types import Facts

INCIDENT_STATES: Words = {
    "new": pgettext_lazy("incident", "nouveau"),
    "seen": pgettext_lazy("incident", "acquitté"),
    "qualified": pgettext_lazy("incident", "qualifié"),
    "assigned": pgettext_lazy("incident", "affecté"),
    "in_progress": pgettext_lazy("incident", "en cours"),
    "on_hold": pgettext_lazy("incident", "en attente"),
    "reopened": pgettext_lazy("incident", "rouvert"),
    "resolved": pgettext_lazy("incident", "résolu"),
    "closed": pgettext_lazy("incident", "clos"),
    "duplicate": pgettext_lazy("incident", "doublon"),
    "false_alarm": pgettext_lazy("incident", "fausse alarme"),
    "not_competent": pgettext_lazy("incident", "transféré hors du poste"),
    "cancelled": pgettext_lazy("incident", "annulé"),
    "no_action": pgettext_lazy("incident", "sans suite"),
}

CHANNELS: Words = {
    "alarm": _("Alarme"),
    "phone": _("Téléphone"),
    "radio": _("Radio"),
    "patrol": _("Patrouille"),
    "camera": _("Caméra"),
    "counter": _("Guichet"),
    "mail": _("Courriel ou courrier"),
    "application": _("Application"),
    "partner": _("Organisme partenaire"),
    "procedure": _("Procédure"),
}

LINKED_BY: Words = {
    "same_asset": _("même équipement"),
    "feeds": _("l’un alimente l’autre"),
    "same_feeder": _("même départ"),
    "contains": _("l’un contient l’autre"),
    "same_container": _("même ensemble"),
}
"""How the equipment of two incidents stands to each other."""

CLOSE_REASONS: Words = {
    "repaired": _("Réparé"),
    "returned_by_itself": _("Revenu à la normale seul"),
    "false_alarm": _("Fausse alarme"),
    "duplicate": _("Doublon"),
    "not_competent": _("Hors de notre compétence"),
    "cancelled": _("Annulé, ouvert par erreur"),
    "no_action": _("Sans suite, parce que…"),
}

EVIDENCE_KINDS: Words = {
    "before": _("Avant"),
    "after": _("Après"),
    "other": _("Autre image"),
}
"""What a picture shows."""

REASONS: Words = {**CLOSE_REASONS, "incident_ended": _("L’incident a pris fin")}

CLOCKS: Words = {
    "received": _("Reçu"),
    "acknowledged": _("Acquitté"),
    "taken": _("Pris en charge"),
    "engaged": _("Équipe engagée"),
    "on_site": _("Sur place"),
    "safe": _("Mis en sécurité"),
    "resolved": _("Résolu"),
    "closed": _("Clos"),
    "transfer": _("Réponse au transfert"),
}

TRANSFER_STATES: Words = {
    "proposed": pgettext_lazy("transfert", "proposé"),
    "accepted": pgettext_lazy("transfert", "accepté"),
    "refused": pgettext_lazy("transfert", "refusé"),
    "withdrawn": pgettext_lazy("transfert", "retiré"),
    "expired": pgettext_lazy("transfert", "sans réponse"),
}

GROUP_KINDS: Words = {
    "relation": _("même alimentation"),
    "source": _("même source"),
    "street": _("même rue"),
    "commune": _("même commune"),
    "place": _("même endroit"),
    "cause": _("même cause"),
}
"""What holds a group of the queue together."""


def facts_words(facts: Facts, *, later: bool) -> str:
    """Return why two incidents may be one, as people say it: « à 40 m, 6 min plus tôt, même départ (Armoire A-1) »."""
    gap = duration(facts.gap_s if facts.gap_s < 60 else facts.gap_s // 60 * 60)
    parts = [
        gettext("au même endroit") if facts.distance_m < 1 else gettext("à %(n)s m") % {"n": round(facts.distance_m)}
    ]
    if facts.gap_s == 0:
        parts.append(gettext("au même instant"))
    else:
        parts.append((gettext("%(gap)s plus tard") if later else gettext("%(gap)s plus tôt")) % {"gap": gap})
    if facts.relation:
        relation = told(LINKED_BY, facts.relation)
        parts.append(f"{relation} ({facts.through})" if facts.through else relation)
    if facts.category:
        parts.append(gettext("même sujet") if facts.category == "same" else gettext("sujet voisin"))
    return gettext(", ").join(parts)


def body_words(code: str, name: str) -> str:
    """Return what a desk of the post is called here, or a body outside by its own name."""
    return told(DESKS, code) if code in DESKS else name
