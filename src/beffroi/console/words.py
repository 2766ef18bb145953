"""The words of the console: what each state, class, quantity and verb is called, in the person's language.

Source strings are French; `locale/` holds the other catalogues. Scripts take theirs from `for_scripts`, so that there is
one catalogue only.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from beffroi.console.map_words import map_words
from beffroi.foundation.units import STATES, UNITS, state_word, unit_of
from beffroi.kernel.incidents.types import Facts

Words = Mapping[str, object]

CLASSES: Words = {
    "light_point": _("Point lumineux"),
    "lighting_cabinet": _("Armoire d’éclairage"),
    "intersection": _("Carrefour à feux"),
    "bollard": _("Borne escamotable"),
    "building": _("Bâtiment"),
    "boiler_room": _("Chaufferie"),
    "vehicle": _("Véhicule"),
    "bus": _("Bus"),
    "camera": _("Caméra"),
    "sensor": _("Capteur"),
    "source": _("Source"),
}

DESKS: Words = {
    "lighting": _("Éclairage"),
    "traffic": _("Circulation"),
    "transit": _("Transports"),
    "buildings": _("Bâtiments"),
    "police": _("Police municipale"),
    "video": _("Vidéo"),
    "citizens": _("Allô Mairie"),
    "winter": _("Viabilité hivernale"),
    "care": _("Veille sociale"),
    "crisis": _("Crise"),
    "systems": _("Systèmes et télécoms"),
}

ROLES: Words = {
    "operator": _("opérateur"),
    "room_supervisor": _("chef de salle"),
    "alarm_engineer": _("ingénieur alarmes"),
    "visitor": _("visiteur, lecture seule"),
    "city_it": _("technicien des systèmes"),
    "integration": _("système partenaire"),
    "data_protection": _("délégué à la protection des données"),
    "partner": _("organisme partenaire, signale seulement"),
}

GAPS: Words = {
    "unowned": _("Sans personne depuis plus de dix minutes : %(n)s"),
    "unseen": _("Alarmes non acquittées : %(n)s"),
    "overdue": _("Promesses en retard : %(n)s"),
    "resolved": _("Incidents résolus qui restent à clore : %(n)s"),
}
"""What is not as it should be when a shift ends, with its count."""

SHIFT_EVENTS: Words = {
    "open_incident": _("Incidents ouverts"),
    "close_incident": _("Incidents clos"),
    "reopen_incident": _("Incidents rouverts"),
    "raise_alarm": _("Alarmes"),
    "suppress_alarms": _("Groupes d’alarmes expliquées"),
    "open_flood": _("Avalanches d’alarmes"),
    "sign_in": _("Prises de session"),
}
"""What happened during a shift, counted."""

INSTRUCTION_KINDS: Words = {
    "instruction": _("Consigne"),
    "promise": _("Promesse"),
}

HANDOVER_STATES: Words = {
    "signed_out": _("attend la signature de qui arrive"),
    "closed": _("close"),
    "withdrawn": _("reprise"),
}

ROOMS: Words = {
    "incidents": _("Incidents"),
    "alarms": _("Alarmes"),
    "commands": _("Commandes"),
    "twin": _("Équipements"),
    "people": _("Comptes et droits"),
    "places": _("Lieux"),
    "journal": _("Main courante"),
}

SENSITIVITIES: Words = {
    "common": _("commune"),
    "desk": _("réservée à une salle"),
    "vault": _("réservée à un coffre"),
}

SOURCES: Words = {
    "lighting": _("éclairage"),
    "traffic": _("circulation"),
    "buildings": _("bâtiments"),
    "fleet": _("véhicules"),
    "buses": _("bus"),
    "lorawan": _("capteurs LoRaWAN"),
    "things": _("capteurs The Things"),
}

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

CLOSURE_STATES: Words = {
    "planned": _("prévue"),
    "in_force": _("fermée"),
    "ended": _("arrivée à sa fin"),
    "lifted": _("rouverte"),
}

TRANSFER_STATES: Words = {
    "proposed": pgettext_lazy("transfert", "proposé"),
    "accepted": pgettext_lazy("transfert", "accepté"),
    "refused": pgettext_lazy("transfert", "refusé"),
    "withdrawn": pgettext_lazy("transfert", "retiré"),
    "expired": pgettext_lazy("transfert", "sans réponse"),
}

QUANTITIES: Words = {
    "power_w": _("Puissance"),
    "dim_pct": _("Gradation"),
    "voltage_v": _("Tension"),
    "lamp_state": _("Lampe"),
    "feeder_state": _("Départ électrique"),
    "door_state": _("Porte"),
    "controller_state": _("Contrôleur"),
    "plan_count": _("Plan de feux"),
    "bollard_state": _("Position de la borne"),
    "cycle_count": _("Manœuvres"),
    "intrusion_state": _("Intrusion"),
    "fire_state": _("Incendie"),
    "flood_state": _("Inondation"),
    "tilt_state": _("Inclinaison"),
    "mode_state": _("Conduite"),
    "arming_state": _("Surveillance"),
    "boiler_state": _("Chaudière"),
    "flow_temperature_degc": _("Température de départ"),
    "return_temperature_degc": _("Température de retour"),
    "setpoint_degc": _("Température de consigne"),
    "temperature_degc": _("Température"),
    "humidity_pct": _("Humidité"),
    "battery_pct": _("Pile"),
    "longitude_deg": _("Longitude"),
    "latitude_deg": _("Latitude"),
    "speed_kmh": _("Vitesse"),
    "heading_deg": _("Cap"),
}

STATE_WORDS: Mapping[str, Words] = {
    "lamp_state": {"off": _("éteinte"), "on": _("allumée"), "fault": _("en défaut")},
    "feeder_state": {"energised": _("sous tension"), "tripped": _("disjoncté"), "open": _("coupé")},
    "door_state": {"closed": _("fermée"), "open": _("ouverte")},
    "controller_state": {
        "normal": _("normal"),
        "flashing": _("clignotant"),
        "dark": _("éteint"),
        "maintenance": _("maintenance"),
        "local": _("commande locale"),
    },
    "bollard_state": {
        "down": _("abaissée"),
        "up": _("levée"),
        "moving": _("en mouvement"),
        "fault": _("en défaut"),
    },
    "intrusion_state": {"normal": _("normal"), "alarm": _("alarme")},
    "fire_state": {"normal": _("normal"), "alarm": _("alarme")},
    "flood_state": {"normal": _("normal"), "alarm": _("alarme")},
    "boiler_state": {"off": _("à l’arrêt"), "on": _("en marche"), "fault": _("en défaut")},
    "tilt_state": {"normal": _("normal"), "tilt": _("penché")},
    "mode_state": {"schedule": _("selon son horaire"), "ordered": _("commandé")},
    "arming_state": {"disarmed": _("hors surveillance"), "armed": _("sous surveillance")},
}

ABNORMAL = frozenset({"fault", "tripped", "open", "flashing", "dark", "alarm", "tilt"})
"""State words that are shown as abnormal."""

QUALITIES: Mapping[int, object] = {0: _("bonne"), 1: _("incertaine"), 2: _("mauvaise")}

FRESHNESS: Mapping[int, object] = {0: _("à jour"), 1: _("en retard"), 2: _("muet")}

RELATIONS: Mapping[tuple[str, str], object] = {
    ("out", "feeds"): _("Alimente"),
    ("in", "feeds"): _("Alimenté par"),
    ("out", "source"): _("Rapporte"),
    ("in", "source"): _("Vient de la source"),
    ("out", "contains"): _("Contient"),
    ("in", "contains"): _("Dans"),
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

REVISION_STATES: Words = {
    "draft": _("brouillon"),
    "proposed": _("proposée, attend une seconde personne"),
    "in_force": _("en vigueur"),
    "refused": _("refusée"),
    "dropped": _("reprise par son auteur"),
    "withdrawn": _("retirée"),
}

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

VERDICTS: Words = {"malformed": _("illisible"), "refused": _("refusée"), "quarantined": _("illisible")}


def told(words: Words, key: str) -> str:
    """Return the words for a key, or the key itself: a term that is not translated yet stays readable."""
    return str(words.get(key, key.replace("_", " ")))


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


def value_words(quantity: str, value: float) -> str:
    """Return a value as people read it: a state's word, or the figure with its unit after a thin space."""
    word = state_word(quantity, value)
    if word is not None:
        return told(STATE_WORDS.get(quantity, {}), word)
    if quantity == "silence_periods":
        return gettext("%(n)g périodes sans nouvelle") % {"n": value}
    symbol = unit_symbol(quantity)
    figure = f"{value:.6g}" if abs(value) < 1e6 else f"{value:.0f}"
    return f"{figure.replace('.', gettext(','))}\u202f{symbol}" if symbol else figure.replace(".", gettext(","))


def unit_symbol(quantity: str) -> str:
    """Return the symbol of a quantity's unit; nothing for figures without one."""
    return UNITS.get(unit_of(quantity) or "", "")


def duration(seconds: int) -> str:
    """Return a length of time in the largest unit that says it exactly."""
    if seconds % 3600 == 0 and seconds:
        return gettext("%(n)s h") % {"n": seconds // 3600}
    if seconds % 60 == 0 and seconds:
        return gettext("%(n)s min") % {"n": seconds // 60}
    return gettext("%(n)s s") % {"n": seconds}


def lasting(seconds: float) -> str:
    """Return a measured length of time as people say it: seconds, minutes, hours with minutes, days."""
    whole = round(seconds)
    if whole < 120:
        return gettext("%(n)s s") % {"n": whole}
    if whole < 7200:
        return gettext("%(n)s min") % {"n": round(whole / 60)}
    if whole < 172_800:
        return gettext("%(n)s h %(m)02d") % {"n": whole // 3600, "m": whole % 3600 // 60}
    return gettext("%(n)s j") % {"n": whole // 86_400}


def is_abnormal(quantity: str, value: float) -> bool:
    """Tell whether a state's word is one that people must notice."""
    return state_word(quantity, value) in ABNORMAL


def states_of(quantity: str) -> list[str] | None:
    """Return the words of a quantity that is a state, in the order of their values."""
    found = STATES.get(quantity)
    return [told(STATE_WORDS.get(quantity, {}), word) for word in found] if found else None


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
