"""The words that the map's script shows, in the language in force."""

from __future__ import annotations

from django.utils.translation import gettext


def map_words() -> dict[str, str]:
    """Return the words of the map, its layers and its ready-made views."""
    return {
        "map.here": gettext("Signaler à ce point"),
        "map.centre": gettext("Signaler au centre"),
        "map.chosen": gettext("Point choisi sur la carte : la touche « . » y signale un incident."),
        "map.title": gettext("Carte de la métropole. Les flèches la déplacent, + et − changent l’échelle."),
        "map.in": gettext("Agrandir"),
        "map.out": gettext("Réduire"),
        "map.layers": gettext("Couches"),
        "map.none": gettext("La carte ne peut pas être dessinée sur ce poste. Les listes disent la même chose."),
        "map.noTiles": gettext("Fond de carte indisponible."),
        "map.noAssets": gettext("Équipements indisponibles sur la carte : nouvel essai dans 15 s."),
        "map.partial": gettext("{n} équipements affichés sur {total} : approchez ou passez par la liste."),
        "preset.all": gettext("Tout"),
        "preset.incidents": gettext("Incidents seuls"),
        "preset.lighting": gettext("Éclairage"),
        "preset.traffic": gettext("Circulation"),
        "preset.buildings": gettext("Bâtiments"),
        "preset.video": gettext("Vidéo"),
        "preset.fleet": gettext("Véhicules"),
        "preset.crews": gettext("Équipages et rues fermées"),
        "class.crews": gettext("Équipages"),
        "class.closures": gettext("Rues fermées"),
    }
