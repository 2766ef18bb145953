"""The words of alarms and of changes of their definitions."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from beffroi.console.words.saying import Words, told
from beffroi.kernel.alarms.types import Alarm

ALARM_STATES: Words = {
    "unacknowledged": pgettext_lazy("alarme", "non acquittée"),
    "acknowledged": pgettext_lazy("alarme", "acquittée"),
    "returned_unacknowledged": pgettext_lazy("alarme", "revenue à la normale, non acquittée"),
    "latched": pgettext_lazy("alarme", "verrouillée, à réarmer"),
    "shelved": pgettext_lazy("alarme", "mise de côté"),
    "suppressed": pgettext_lazy("alarme", "expliquée par une autre"),
    "out_of_service": pgettext_lazy("alarme", "hors service"),
    "normal": pgettext_lazy("alarme", "terminée"),
}

RUNGS: Mapping[int, object] = {1: _("dit au chef de salle"), 2: _("dit au cadre d’astreinte")}
"""To whom an alarm that nobody acknowledged was told."""

REVISION_STATES: Words = {
    "draft": _("brouillon"),
    "proposed": _("proposée, attend une seconde personne"),
    "in_force": _("en vigueur"),
    "refused": _("refusée"),
    "dropped": _("reprise par son auteur"),
    "withdrawn": _("retirée"),
}


def alarm_state(alarm: Alarm) -> str:
    """Return the state of an alarm; of one that a command explains, what was commanded and by whom."""
    commanded = alarm.commanded
    if commanded is None:
        return told(ALARM_STATES, alarm.state)
    if not commanded.by_name:
        return gettext("attendue d’une commande : %(what)s") % {"what": commanded.title}
    return gettext("commandé par %(who)s : %(what)s") % {"who": commanded.by_name, "what": commanded.title}
