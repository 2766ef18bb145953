"""The words that the page's scripts show."""

from __future__ import annotations

from django.utils.translation import gettext

from beffroi.console.map_words import map_words
from beffroi.console.words.incidents import CLOCKS
from beffroi.console.words.rooms import CLASSES


def for_scripts() -> dict[str, str]:
    """Return the words that the page's scripts show, in the language in force. `.one` and `.other` are plurals."""
    return {
        "left.rest": gettext("reste {t}"),
        "left.over": gettext("dépassé de {t}"),
        "age.now": gettext("< 1 min"),
        "age.s": gettext("{n} s"),
        "age.min": gettext("{n} min"),
        "age.h": gettext("{n} h {m}"),
        "age.d.one": gettext("{n} jour"),
        "age.d.other": gettext("{n} jours"),
        "queue.waiting.one": gettext("{n} nouveau, N pour afficher"),
        "queue.waiting.other": gettext("{n} nouveaux, N pour afficher"),
        "say.new.one": gettext("{n} nouvel incident."),
        "say.new.other": gettext("{n} nouveaux incidents."),
        "say.first": gettext("Priorité 1 : {title}, {where}"),
        "say.floodOver": gettext("L’avalanche d’alarmes est finie."),
        "say.frozen": gettext("Le flux est interrompu : les données sont figées."),
        "say.thawed": gettext("Le flux est rétabli."),
        "stream.connecting": gettext("connexion au flux…"),
        "stream.live": gettext("flux en direct"),
        "stream.late": gettext("données en retard de {n} s"),
        "stream.frozen": gettext("données figées depuis {n} s"),
        "sound.on": gettext("Son"),
        "sound.blocked": gettext("Son : cliquez"),
        "sound.silent": gettext("Silence {n} min"),
        "sound.silenced": gettext("Silence de 30 minutes sur ce poste de travail."),
        "sound.back": gettext("Le son est rétabli."),
        "session.over": gettext("La session est terminée : reconnectez-vous."),
        "panel.failed": gettext("Le détail ne peut pas être lu : le serveur ne répond pas."),
        "panel.forbidden": gettext("Vous n’avez pas le droit de voir ce détail."),
        "act.needed": gettext("Ce champ est nécessaire."),
        "act.refused": gettext("L’action a été refusée."),
        "act.done": gettext("C’est fait."),
        "act.unreachable": gettext("Le serveur ne répond pas : l’action n’est pas faite."),
        "say.escalated": gettext("Personne n’a acquitté à temps : {title}, {where}."),
        "say.late": gettext("Délai dépassé, {clock} : {title}, {where}."),
        "say.raised.one": gettext("Priorité {priority} : une escalade ou un délai dépassé de plus."),
        "say.raised.other": gettext("Priorité {priority} : {n} escalades ou délais dépassés de plus."),
        **{f"clock.{name}": str(label) for name, label in CLOCKS.items()},
        "plot.failed": gettext("L’historique ne peut pas être lu."),
        "plot.empty": gettext("Aucune valeur dans cette période."),
        "plot.at": gettext("Instant"),
        **{f"class.{slug}": str(label) for slug, label in CLASSES.items()},
        **map_words(),
    }
