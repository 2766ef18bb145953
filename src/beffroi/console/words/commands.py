"""The words of commands: how far one has come, why one ended, why equipment is left out."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from beffroi.console.words.saying import Words

COMMAND_STATES: Words = {
    "asked": _("demandée, attend une seconde personne"),
    "planned": _("programmée"),
    "authorised": _("autorisée, pas encore envoyée"),
    "denied": _("refusée par une seconde personne"),
    "cancelled": _("annulée avant l’envoi"),
    "sent": _("envoyée, réponse attendue"),
    "in_doubt": _("peut-être partie, réponse attendue"),
    "silent": _("envoyée, l’équipement ne répond pas"),
    "acknowledged": _("prise par l’équipement, effet pas encore constaté"),
    "effective": _("effective, constatée"),
    "failed": _("refusée par l’équipement"),
    "expired": _("expirée avant l’envoi"),
    "unconfirmed": _("non confirmée"),
    "reverted": _("défaite"),
}
"""How far a command has come. Only `effective` says that it is done."""

COMMAND_STEPS: Words = {
    "asked": pgettext_lazy("commande", "demandée"),
    "authorised": pgettext_lazy("commande", "autorisée"),
    "sent": pgettext_lazy("commande", "envoyée"),
    "acknowledged": pgettext_lazy("commande", "prise"),
    "effective": pgettext_lazy("commande", "effective"),
}

COMMAND_ENDS: Words = {
    "nobody authorised it in time": _("personne ne l’a autorisée à temps"),
    "its turn did not come in time": _("son tour n’est pas venu à temps"),
    "the equipment stayed silent": _("l’équipement est resté muet"),
    "it was taken up, but no reading showed it": _("prise par l’équipement, mais aucune mesure ne la montre"),
    "it is not known whether it left, and the equipment stayed silent": _(
        "on ne sait pas si elle est partie, et l’équipement est resté muet"
    ),
    "undone before a reading showed it": _("défaite avant qu’une mesure la montre"),
    "its end came": _("sa fin est venue"),
    "planned twice for the same hour: the other one is sent": _(
        "programmée deux fois à la même heure, l’autre est partie"
    ),
}
"""Why commands ended, in our own words; equipment and people have theirs, which are shown as they are."""

LEFT_OUT: Words = {
    "forbidden": _("hors de votre habilitation"),
    "ability-unknown": _("n’est pas de la sorte qui sait faire cela"),
    "no-source": _("aucune source ne le relie"),
    "not-commanded": _("sa source ne prend pas de commandes"),
    "out-of-service": _("hors service"),
    "silent": _("muet : personne ne verrait s’il obéit"),
    "taken": _("déjà commandé par quelqu’un"),
    "unknown": _("aucun équipement n’a ce code"),
}
"""Why equipment is left out of a request."""
