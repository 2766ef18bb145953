"""A storm for the console: a larger town, three hundred alarms in their order, and what a screen did meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from playwright.sync_api import Page

from beffroi.foundation.clock import now
from beffroi.kernel.people import actions as people
from beffroi.kernel.twin import actions as twin
from tests.console import scene

COMMUNES = (("Dijon", 5.0415, 47.3220), ("Chenôve", 5.0060, 47.2910), ("Quetigny", 5.1080, 47.3130))
STREETS = (
    "rue de la Liberté",
    "rue Musette",
    "avenue du Lac",
    "boulevard de Sévigné",
    "rue des Tilleuls",
    "allée du Parc",
)
KINDS = (
    ("light_point", "PL", 170, "lighting", "Point lumineux"),
    ("lighting_cabinet", "AR", 40, "lighting", "Armoire"),
    ("intersection", "CF", 70, "traffic", "Carrefour"),
    ("building", "BA", 40, "buildings", "Bâtiment"),
)

OBSERVE = """() => {
  window.seen = { rows: [], assertive: [], polite: 0, moved: 0 };
  const queue = document.getElementById("queue");
  const visible = new Set([...queue.children].filter(row => !row.hidden).map(row => row.id));
  const look = () => {
    for (const row of queue.children) {
      if (row.hidden) visible.delete(row.id);
      else if (!visible.has(row.id)) { visible.add(row.id); window.seen.rows.push([performance.now(), row.id]); }
    }
  };
  new MutationObserver(look).observe(queue, { childList: true, subtree: true, attributeFilter: ["hidden"] });
  new MutationObserver(() => window.seen.assertive.push(document.getElementById("say-assertive").textContent))
    .observe(document.getElementById("say-assertive"), { childList: true, characterData: true, subtree: true });
  new MutationObserver(() => window.seen.polite += 1)
    .observe(document.getElementById("say-polite"), { childList: true, characterData: true, subtree: true });
}"""


def grow(folder: Path) -> None:
    """Give the town more equipment, in six streets of three communes, with what feeds what."""
    random = Random(7)
    lines = ["asset,class,lon,lat,name,source,place,commune"]
    feeds = ["from,kind,to"]
    for asset_class, prefix, count, source, label in KINDS:
        for i in range(count):
            commune, lon, lat = COMMUNES[i % 3]
            street = STREETS[random.randrange(len(STREETS))]
            where = f"{lon + random.uniform(-0.01, 0.01):.5f},{lat + random.uniform(-0.006, 0.006):.5f}"
            lines.append(f"{prefix}-{i:03},{asset_class},{where},{label} {prefix}-{i:03},{source},{street},{commune}")
            if asset_class == "light_point" and i % 4 == 0:
                feeds.append(f"AR-{(i // 4) % 8:03},feeds,{prefix}-{i:03}")
    for name, text in (("town.csv", lines), ("feeds.csv", feeds)):
        (folder / name).write_text("\n".join(text) + "\n")
    twin.import_assets(folder / "town.csv", by=people.SYSTEM, at=now())
    twin.import_relations(folder / "feeds.csv", by=people.SYSTEM, at=now())


def storm(count: int) -> Iterator[tuple[str, str]]:
    """Yield (definition, equipment) of a storm's alarms: lamps first, cabinets, junctions, buildings; six of priority 1."""
    random = Random(11)
    alarms = [("light_point_fault", f"PL-{i:03}") for i in range(130)]
    alarms += [("light_point_without_supply", f"PL-{i:03}") for i in range(130, 170)]
    alarms += [("lighting_cabinet_silent", f"AR-{i:03}") for i in range(8, 26)]
    alarms += [("lighting_cabinet_door_open", f"AR-{i:03}") for i in range(26, 40)]
    alarms += [("intersection_flashing", f"CF-{i:03}") for i in range(36)]
    alarms += [("intersection_silent", f"CF-{i:03}") for i in range(40, 70)]
    alarms += [("building_flood", f"BA-{i:03}") for i in range(20)]
    alarms += [("building_intrusion", f"BA-{i:03}") for i in range(20, 32)]
    random.shuffle(alarms)
    urgent = [("intersection_dark", f"CF-{36 + i:03}") for i in range(4)] + [
        ("building_fire", "BA-039"),
        ("building_fire", "BA-038"),
    ]
    for place, alarm in enumerate(urgent):
        alarms.insert(20 + place * 40, alarm)
    yield from alarms[:count]


def replay(count: int, lasts_s: float, watch: Callable[[], None], meanwhile: Callable[[int], None]) -> None:
    """Raise alarms evenly over a time, as an engine does; look at the floods as the worker does."""
    began = time.monotonic()
    for place, (code, asset) in enumerate(storm(count)):
        scene.happen("raise", code, [asset])
        if place % 5 == 4:
            watch()
        meanwhile(place)
        ahead = began + (place + 1) * lasts_s / count - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
    watch()


def measure(page: Page) -> dict[str, Any]:
    """Return what the screen did: rows that appeared and the most in a second, announcements, what is in view now."""
    seen = page.evaluate("window.seen")
    at = sorted(moment for moment, _row in seen["rows"])
    in_view = page.evaluate(
        "[...document.querySelectorAll('#queue > .row')].filter(row => !row.hidden).map(row => row.id)"
    )
    return {
        "rows_appeared": len(at),
        "most_rows_in_a_second": max((sum(0 <= other - moment < 950 for other in at) for moment in at), default=0),
        "assertive": len(seen["assertive"]),
        "polite": seen["polite"],
        "groups_in_view": sum(name.startswith("group-") for name in in_view),
        "incidents_in_view": sum(name.startswith("incident-") for name in in_view),
        "rows_in_page": page.locator("#queue > .row").count(),
    }
