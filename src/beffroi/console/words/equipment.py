"""The words of what equipment says: quantities, states, freshness, relations."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from beffroi.console.words.saying import Words, told
from beffroi.foundation.units import STATES, UNITS, state_word, unit_of

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
    "mode_state": {"schedule": _("selon son horaire"), "ordered": _("commandé"), "fallback": _("en repli de lui-même")},
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


def is_abnormal(quantity: str, value: float) -> bool:
    """Tell whether a state's word is one that people must notice."""
    return state_word(quantity, value) in ABNORMAL


def states_of(quantity: str) -> list[str] | None:
    """Return the words of a quantity that is a state, in the order of their values."""
    found = STATES.get(quantity)
    return [told(STATE_WORDS.get(quantity, {}), word) for word in found] if found else None
