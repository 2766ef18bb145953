"""The colours keep the rules of the console: contrast, an order that holds without colour, one use for red."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

STYLES = Path(__file__).parents[2] / "web" / "src" / "styles"
PALETTES = {
    name: dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", block))
    for name, block in re.findall(r'data-palette="(\w+)"\] \{(.*?)\n\}', (STYLES / "tokens.css").read_text(), re.DOTALL)
}
SURFACES = ("bg", "panel", "panel-2", "panel-3")
COLOURED = {
    "p1",
    "p1-line",
    "p2",
    "p3",
    "focus",
    "map-water",
    "map-park",
    "map-forest",
    "map-water-text",
    "map-park-text",
}


def _channels(colour: str) -> list[float]:
    return [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _channels(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast of two colours (WCAG 2.2)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def saturation(colour: str) -> float:
    """Saturation of a colour (HSV)."""
    channels = _channels(colour)
    return (max(channels) - min(channels)) / max(*channels, 1 / 255)


def test_three_palettes_hold_the_same_tokens() -> None:
    assert set(PALETTES) == {"night", "dusk", "day"}
    assert len({frozenset(palette) for palette in PALETTES.values()}) == 1


@pytest.mark.parametrize("name", PALETTES)
def test_text_and_symbols_have_their_contrast_on_every_surface(name: str) -> None:
    palette = PALETTES[name]
    poor = [
        (ink, surface, round(contrast(palette[ink], palette[surface]), 2))
        for surface in SURFACES
        for ink, least in (
            ("text", 7.0),
            ("text-2", 4.5),
            ("text-3", 4.5),
            ("focus", 3.0),
            ("p1", 3),
            ("p2", 3),
            ("p3", 3),
        )
        if contrast(palette[ink], palette[surface]) < least
    ]
    poor += [("p4", "panel", 0.0)] if contrast(palette["p4"], palette["panel"]) < 3 else []
    poor += [("on-strong", "strong", 0.0)] if contrast(palette["on-strong"], palette["strong"]) < 7 else []
    assert poor == []


@pytest.mark.parametrize("name", PALETTES)
def test_contrast_rises_with_priority_and_figures_are_readable(name: str) -> None:
    palette = PALETTES[name]
    ranks = [contrast(palette[f"p{level}"], palette["panel"]) for level in (4, 3, 2, 1)]
    assert all(low * 1.08 < high for low, high in itertools.pairwise(ranks[1:])), ranks
    assert ranks[0] <= ranks[1] * 1.02, "a hollow shape that is brighter than a full one would stand before it"
    assert contrast(palette["p1-line"], palette["panel"]) > max(ranks)
    assert all(contrast(palette[f"p{level}"], palette["on-p"]) >= 4.5 for level in (1, 2, 3))


@pytest.mark.parametrize("name", PALETTES)
def test_everything_but_priorities_focus_water_and_parks_is_grey(name: str) -> None:
    loud = {
        token: round(saturation(colour), 2)
        for token, colour in PALETTES[name].items()
        if token not in COLOURED and saturation(colour) > 0.35
    }
    assert loud == {}


def test_red_serves_priority_1_alone() -> None:
    uses = [
        (sheet.name, selector.strip().splitlines()[-1].strip())
        for sheet in STYLES.glob("*.css")
        if sheet.name != "tokens.css"
        for selector, body in re.findall(r"([^{}]+)\{([^{}]*)\}", sheet.read_text())
        if "var(--p1" in body
    ]
    assert sorted(uses) == [
        ("base.css", ".prio-1 path"),
        ("crews.css", ".distress .call:not(.answered) > strong"),
        ("parts.css", "from"),
        ("parts.css", "to"),
    ]


def test_no_animation_but_the_outline_of_an_unseen_priority_1() -> None:
    animated = [
        line.strip()
        for sheet in STYLES.glob("*.css")
        for line in sheet.read_text().splitlines()
        if re.match(r"\s*(animation|transition)", line) and "none !important" not in line
    ]
    assert animated == ["animation: blink 1s steps(2, jump-none) infinite;"]
