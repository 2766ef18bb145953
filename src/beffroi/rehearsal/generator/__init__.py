"""The generated city: from a profile and a seed to the files that `beffroi import` reads.

Hand-placed, in one YAML file of `rehearsal/profiles`: the seats and populations of the communes, a rough outer outline,
water, railways, motorways, rings and main roads, the ends of tram and bus lines, parks, squares, zones, the manner of
building of each fabric, the number of each equipment, and the words that names are made of.

Generated from the seed: commune limits, built-up areas, blocks, streets, bridges, roundabouts, one-way streets, names,
buildings, addresses, line routes, and all equipment. Nothing is copied from a map: the map must say "Ville générée".

The stages, in order, one module each: `profile`, `territory`, `streets`, `network`, `buildings`, `lines`, `lighting`,
`equipment`, `fleet`, then `export` and `basemap`. Each stage draws from its own random stream, so that a change in one
leaves the others as they were; identifiers of streets come from their position, never from a running index.
"""

from __future__ import annotations

from beffroi.rehearsal.generator.city import generate

__all__ = ["generate"]
