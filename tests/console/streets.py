"""A few invented streets about the console's small town."""

from __future__ import annotations

import json
from pathlib import Path

from beffroi.foundation.clock import now
from beffroi.kernel.people import actions as people
from beffroi.kernel.places import actions

STREETS = (
    ("LIB-1", "rue de la Liberté", ((5.0400, 47.3220), (5.0415, 47.3221))),
    ("LIB-2", "rue de la Liberté", ((5.0415, 47.3221), (5.0432, 47.3222))),
    ("MUS-1", "rue Musette", ((5.0415, 47.3221), (5.0416, 47.3232))),
    ("DAR-1", "place Darcy", ((5.0400, 47.3220), (5.0400, 47.3240))),
    ("CHA-1", "rue des Forges", ((5.0400, 47.3240), (5.0416, 47.3232))),
    ("SEV-1", "boulevard de Sévigné", ((5.0432, 47.3222), (5.0416, 47.3232))),
)


def lay(folder: Path) -> None:
    """Take the streets in, as a city does."""
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "LineString", "coordinates": line},
            "properties": {"id": key, "name": name, "class": "residential", "commune": "Dijon"},
        }
        for key, name, line in STREETS
    ]
    file = folder / "streets.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    actions.import_streets(file, by=people.SYSTEM, at=now())
