"""Reading what the city says of its crews (units.yaml): YAML to values, strictly. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

import yaml

from beffroi.foundation.errors import BeffroiError, Malformed
from beffroi.foundation.geo import is_position
from beffroi.kernel.dispatch.rules.missions import check_list
from beffroi.kernel.dispatch.types import Card, Point, Profile, Times, UnitEntry, UnitKind
from beffroi.kernel.places.types import Vehicle

MAX_BYTES = 500_000
MAX_UNITS = 1_000
_SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_CODE = re.compile(r"[a-z][a-z0-9_]{0,31}")
_UNIT = {"slug", "name", "callsign", "kind", "desk", "post", "skills", "vehicle", "base", "asset", "crew", "anonymous",
         "alone"}  # fmt: skip
_CARD = {"categories", "skills", "hazards", "checklist"}
_TIMES = {field.name for field in fields(Times)}
MOST: dict[str, int] = {
    "moves_within_s": 7_200,
    "sign_within_s": 3_600,
    "longest_duty_s": 57_600,
    "stale_after_s": 3_600,
    "last_kept_s": 43_200,
    "track_kept_s": 5_184_000,
    "grid_m": 5_000,
    "tired_after_s": 57_600,
}
"""What a city may write at most. A way is kept for two months at the longest: what the regulator allows."""

LEAST: dict[str, int] = {"grid_m": 300}
MOST_ANSWER_S = 86_400
_T = TypeVar("_T")


def parse_profile(text: str) -> Profile:
    """Return the city's crews, their skills, cards and times. Raises Malformed naming each wrong entry and what to write."""
    document = _document(text)
    problems: list[str] = []
    skills = _skills(document.get("skills", {}), problems)
    units = _each(document.get("units", []), "units", _unit, problems)
    cards = _each(document.get("cards", []), "cards", _card, problems)
    times = _times(document.get("times", {}), problems)
    known = {unit.slug for unit in units}
    if len(known) != len(units):
        problems.append("a crew is written twice: give each its own slug")
    manned = [name for unit in units for name in unit.crew]
    problems += [
        f"account {name} is in two crews; a person is in one"
        for name in sorted({n for n in manned if manned.count(n) > 1})
    ]
    asked = {skill for unit in units for skill in unit.skills} | {skill for card in cards for skill in card.skills}
    problems += [f"skill {skill} has no title: write it under `skills`" for skill in sorted(asked - set(skills))]
    if problems:
        raise Malformed("\n".join(problems[:20]), key="units-profile")
    return Profile(tuple(units), skills, tuple(cards), times)


def _document(text: str) -> dict[str, Any]:
    if len(text.encode()) > MAX_BYTES:
        raise Malformed(f"the units are larger than {MAX_BYTES} bytes")
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise Malformed(f"the units are no YAML: {error}") from error
    if not isinstance(document, dict) or not set(document) <= {"units", "skills", "cards", "times"}:
        raise Malformed("expected the keys `units`, `skills`, `cards`, `times`, and no other")
    return document


def _each(entries: Any, key: str, read: Callable[[dict[str, Any]], _T], problems: list[str]) -> list[_T]:
    if not isinstance(entries, list) or len(entries) > MAX_UNITS:
        problems.append(f"`{key}` is a list of {MAX_UNITS} entries at most")
        return []
    found: list[_T] = []
    for place, entry in enumerate(entries, 1):
        try:
            if not isinstance(entry, dict):
                raise Malformed("write fields and their values")
            found.append(read(entry))
        except BeffroiError as error:
            problems.append(f"{key}, entry {place}: {error.reason}")
    return found


def _unit(entry: dict[str, Any]) -> UnitEntry:
    _only(entry, _UNIT)
    slug = str(entry.get("slug", ""))
    if not _SLUG.fullmatch(slug) or len(slug) > 32:
        raise Malformed("the slug is not 1 to 32 lower-case letters, figures and `-`, a letter first")
    if entry.get("kind") not in set(UnitKind):
        raise Malformed(f"{slug}: kind is one of {', '.join(UnitKind)}")
    if entry.get("vehicle", "car") not in set(Vehicle):
        raise Malformed(f"{slug}: vehicle is one of {', '.join(Vehicle)}")
    return UnitEntry(
        slug=slug,
        name=_text(entry, "name", 80),
        callsign=_text(entry, "callsign", 32),
        kind=UnitKind(entry["kind"]),
        desk=_code(entry, "desk"),
        post=_code(entry, "post"),
        skills=_codes(entry, "skills"),
        vehicle=Vehicle(entry.get("vehicle", "car")),
        base=_base(entry.get("base")),
        asset=str(entry.get("asset", ""))[:64],
        crew=tuple(str(name).strip().casefold() for name in _list(entry, "crew")),
        anonymous=_flag(entry, "anonymous"),
        alone=_flag(entry, "alone"),
    )


def _card(entry: dict[str, Any]) -> Card:
    _only(entry, _CARD)
    categories = tuple(str(each) for each in _list(entry, "categories"))
    if not categories:
        raise Malformed("name the categories of incidents under `categories`")
    hazards = str(entry.get("hazards", "")).strip()
    if len(hazards) > 500:
        raise Malformed("`hazards` has 500 characters at most")
    return Card(
        categories, _codes(entry, "skills"), hazards, check_list(tuple(str(i) for i in _list(entry, "checklist")))
    )


def _skills(entries: Any, problems: list[str]) -> dict[str, str]:
    if not isinstance(entries, dict) or not all(_CODE.fullmatch(str(code)) for code in entries):
        problems.append("`skills` gives each code (lower-case letters, figures and `_`) its title")
        return {}
    return {str(code): str(title).strip()[:80] for code, title in entries.items()}


def _times(entries: Any, problems: list[str]) -> Times:
    if not isinstance(entries, dict) or not set(entries) <= _TIMES:
        problems.append(f"the fields of `times` are {', '.join(sorted(_TIMES))}")
        return Times()
    found: dict[str, Any] = {}
    for name, value in entries.items():
        if name == "answer_within_s":
            good = isinstance(value, dict) and set(value) == {1, 2, 3, 4}
            if not good or not all(_whole(each, 10, MOST_ANSWER_S) for each in value.values()):
                problems.append(f"`answer_within_s` gives seconds, 10 to {MOST_ANSWER_S}, for each priority, 1 to 4")
                continue
        elif not _whole(value, LEAST.get(name, 30), MOST[name]):
            problems.append(f"`{name}` is {value!r}; write {LEAST.get(name, 30)} to {MOST[name]}")
            continue
        found[name] = value
    return Times(**found)


def _whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _only(entry: dict[str, Any], known: set[str]) -> None:
    if unknown := sorted(set(map(str, entry)) - known):
        raise Malformed(f"{', '.join(unknown)}: the fields are {', '.join(sorted(known))}")


def _text(entry: dict[str, Any], name: str, most: int) -> str:
    text = str(entry.get(name, "")).strip()
    if not 1 <= len(text) <= most:
        raise Malformed(f"`{name}` has 1 to {most} characters")
    return text


def _code(entry: dict[str, Any], name: str) -> str:
    code = str(entry.get(name, ""))
    if not _CODE.fullmatch(code):
        raise Malformed(f"`{name}` is a code: lower-case letters, figures and `_`")
    return code


def _list(entry: dict[str, Any], name: str) -> list[Any]:
    found = entry.get(name, [])
    if not isinstance(found, list):
        raise Malformed(f"`{name}` is a list")
    return found


def _codes(entry: dict[str, Any], name: str) -> tuple[str, ...]:
    found = tuple(str(each) for each in _list(entry, name))
    if not all(_CODE.fullmatch(each) for each in found):
        raise Malformed(f"`{name}` is a list of codes: lower-case letters, figures and `_`")
    return tuple(dict.fromkeys(found))


def _flag(entry: dict[str, Any], name: str) -> bool:
    value = entry.get(name, False)
    if not isinstance(value, bool):
        raise Malformed(f"`{name}` is true or false")
    return value


def _base(value: Any) -> Point:
    good = isinstance(value, list) and len(value) == 2 and all(isinstance(each, int | float) for each in value)
    if not good or not is_position(*value):
        raise Malformed("`base` is a position: [longitude, latitude]")
    return Point(float(value[0]), float(value[1]))
