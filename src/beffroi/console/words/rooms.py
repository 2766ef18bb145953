"""The words of desks, roles, shifts and the journal's rooms."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from beffroi.console.words.saying import Words

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

CLOSURE_STATES: Words = {
    "planned": _("prévue"),
    "in_force": _("fermée"),
    "ended": _("arrivée à sa fin"),
    "lifted": _("rouverte"),
}

VERDICTS: Words = {"malformed": _("illisible"), "refused": _("refusée"), "quarantined": _("illisible")}
