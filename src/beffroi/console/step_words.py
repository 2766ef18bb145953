"""Words of procedures: runs, steps, letters, and how far what a step asked for has come."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from beffroi.console.words import Words

RUN_STATES: Words = {
    "running": _("en cours"),
    "done": _("terminée"),
    "stopped": _("arrêtée"),
}

STEP_STATES: Words = {
    "": _("à venir"),
    "open": _("à faire"),
    "asked": _("demandée"),
    "done": _("faite"),
    "skipped": _("sautée"),
    "failed": _("manquée"),
    "timed_out": _("temps écoulé"),
}

STEP_KINDS: Words = {
    "instruction": _("consigne"),
    "question": _("question"),
    "checklist": _("liste"),
    "command": _("commande"),
    "notification": _("message"),
    "dispatch": _("équipe"),
    "wait": _("attente"),
    "parallel": _("en même temps"),
    "procedure": _("procédure"),
}

LETTER_STATES: Words = {
    "waiting": _("va partir"),
    "sending": _("part"),
    "sent": _("parti"),
    "refused": _("refusé"),
    "in_doubt": _("peut-être parti"),
    "given_up": _("abandonné"),
}

COMMAND_PROGRESS: Words = {
    "asked": _("demandée, attend une seconde personne"),
    "authorised": _("autorisée, va partir"),
    "denied": _("refusée par la seconde personne"),
    "cancelled": _("annulée"),
    "sent": _("demandée → envoyée, attend la preuve"),
    "acknowledged": _("demandée → envoyée → acceptée par l’équipement, attend la preuve"),
    "effective": _("demandée → envoyée → prouvée par l’équipement"),
    "failed": _("refusée par l’équipement"),
    "expired": _("sans réponse : l’équipement est muet"),
    "reverted": _("prouvée, puis rendue à la normale"),
}

MISSION_PROGRESS: Words = {
    "proposed": _("proposée, attend la réponse de l’équipe"),
    "accepted": _("acceptée"),
    "refused": _("refusée par l’équipe"),
    "en_route": _("en route"),
    "on_site": _("sur place"),
    "done": _("finie"),
    "cancelled": _("annulée"),
}
