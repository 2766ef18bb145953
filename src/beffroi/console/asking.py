"""The form of a command: what is typed, what it asks of the kernel, what it offers. No kernel write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.http import QueryDict
from django.utils.translation import gettext as _

from beffroi.console import commanding, words
from beffroi.console.moments import moment_of
from beffroi.console.pictures import place_words
from beffroi.foundation import clock
from beffroi.foundation.errors import NotFound, Refused
from beffroi.foundation.ids import new_id
from beffroi.foundation.units import UNITS
from beffroi.kernel.commands import queries as commands
from beffroi.kernel.commands.types import Ability, Parameter, Request, Scalar
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.people import queries as people
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.places import queries as places
from beffroi.kernel.twin import queries as twin
from beffroi.kernel.twin.types import CLASSES, Asset

WHOLE_CITY = "*"
MOST_TEXT = 20_000


@dataclass(frozen=True, slots=True)
class Draft:
    """The form as it stands, all of it as it was typed. `of` is a piece of equipment: itself, or the cabinet that feeds.

    `key` makes a form that is sent twice one request.
    """

    ability: str = ""
    of: str = ""
    codes: str = ""
    zone: str = ""
    street: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    incident: str = ""
    hold: str = ""
    due: str = ""
    key: str = ""

    @property
    def hold_s(self) -> int | None:
        """After how many seconds equipment is brought back by itself; None: not by itself."""
        return int(self.hold) if self.hold.isascii() and self.hold.isdigit() and len(self.hold) < 9 else None

    @property
    def code_list(self) -> tuple[str, ...]:
        """The codes that were typed, however they were set apart."""
        return tuple(dict.fromkeys(self.codes.replace(",", " ").replace(";", " ").split()))


def from_address(query: QueryDict) -> Draft:
    """Return the form that a link or a list opens: never with words that somebody typed."""
    return _read(query, " ".join(query.getlist("code")) or query.get("codes", ""), str(new_id(clock.now())))


def read(posted: QueryDict) -> Draft:
    """Return the form that was sent."""
    return _read(posted, posted.get("codes", ""), posted.get("key", "")[:64] or str(new_id(clock.now())))


def _read(sent: QueryDict, codes: str, key: str) -> Draft:
    def text(name: str, most: int = 200) -> str:
        return sent.get(name, "").replace("\x00", "").strip()[:most]

    return Draft(
        ability=text("ability", 48),
        of=text("of", 128),
        codes=codes.replace("\x00", "")[: MOST_TEXT * 20],
        zone=text("zone", 80),
        street=text("street", 120),
        values={name[2:]: sent.get(name, "").strip()[:80] for name in sent if name.startswith("p_")},
        reason=text("reason", 600),
        incident=text("incident", 20),
        hold=text("hold", 12),
        due=text("due", 40),
        key=key,
    )


def to_request(draft: Draft, viewer: Viewer) -> Request:
    """Return what is asked of the kernel. Raises Refused, NotFound for an incident or equipment that is not there."""
    if not draft.ability:
        raise Refused("say what is asked", key="ability-missing")
    ability = commands.ability_named(draft.ability)
    assets, cabinet = draft.code_list, ""
    if draft.of:
        asset = twin.get_asset(draft.of)
        assets, cabinet = ((asset.code,), "") if asset.asset_class == ability.asset_class else ((), asset.code)
    incident = incidents.get(draft.incident, viewer).id if draft.incident else None
    return Request(
        ability=ability.slug,
        parameters={
            each.name: _typed(each, draft.values[each.name])
            for each in ability.parameters
            if draft.values.get(each.name)
        },
        assets=assets,
        cabinet=cabinet,
        zone="" if assets or cabinet else draft.zone,
        street=draft.street,
        reason=draft.reason,
        incident=incident,
        hold_s=draft.hold_s,
        due_at=moment_of(draft.due),
        key=draft.key,
    )


def form(draft: Draft, viewer: Viewer) -> dict[str, Any]:
    """Return what the form shows: what is commanded, the abilities to choose from or the one chosen with its fields."""
    asset = _asset(draft.of, viewer)
    ability = _ability(draft.ability)
    return {
        "ability": ability,
        "asset": asset,
        "where": place_words(asset.place, asset.commune) if asset else "",
        "fed": asset is not None and ability is not None and asset.asset_class != ability.asset_class,
        "codes_count": len(draft.code_list),
        "zone_words": zone_words(draft.zone, draft.street),
        "fields": [_field(each, draft.values.get(each.name, "")) for each in ability.parameters] if ability else [],
        "holds": commanding.holds(ability) if ability else [],
        "undo": undo_label(ability) if ability else "",
        "choices": commanding.choices_of(asset, viewer) if asset and not ability else [],
        "abilities": abilities_by_class(viewer, of=_class_of(draft.code_list)) if not ability and not asset else [],
        "communes": [each.name for each in places.communes()] if not asset else [],
    }


def abilities_by_class(viewer: Viewer, *, of: str = "") -> list[tuple[str, list[Ability]]]:
    """Return what this person may ask, by class of equipment; `of`: of one class alone."""
    found: dict[str, list[Ability]] = {}
    for each in commands.abilities():
        if (not of or each.asset_class == of) and people.may(viewer, Verb.ASK, Kind.COMMAND, desk=each.desk):
            found.setdefault(each.asset_class, []).append(each)
    return [(words.told(words.CLASSES, slug), found[slug]) for slug in CLASSES if slug in found]


def undo_label(ability: Ability) -> str:
    """Return what brings equipment back, in words; nothing where nothing does."""
    return commands.ability_named(ability.undo.ability).label if ability.undo else ""


def zone_words(zone: str, street: str) -> str:
    """Return a zone as people say it."""
    if not zone:
        return ""
    where = _("toute la ville") if zone == WHOLE_CITY else zone
    return f"{street}, {where}" if street else where


def page_number(text: str, count: int, size: int) -> int:
    """Return the page that is asked for, among those there are."""
    most = max(1, -(-count // size))
    return min(int(text), most) if text.isascii() and text.isdigit() and 0 < len(text) < 7 and int(text) > 0 else 1


def uuid_or_none(text: str) -> UUID | None:
    """Return the number that a text is, or None."""
    try:
        return UUID(text)
    except ValueError:
        return None


def _asset(code: str, viewer: Viewer) -> Asset | None:
    if not code:
        return None
    asset = twin.get_asset(code)
    people.require(viewer, Verb.SEE, Kind.ASSET, commune=asset.commune)
    return asset


def _class_of(codes: tuple[str, ...]) -> str:
    """Return the class of the first piece of equipment that was chosen; nothing where none was, or it is not there."""
    try:
        return twin.get_asset(codes[0]).asset_class if codes else ""
    except NotFound:
        return ""


def _ability(slug: str) -> Ability | None:
    try:
        return commands.ability_named(slug) if slug else None
    except NotFound:
        return None


def _field(parameter: Parameter, typed: str) -> dict[str, Any]:
    value = typed or ("" if parameter.default is None else str(parameter.default))
    return {
        "it": parameter,
        "name": f"p_{parameter.name}",
        "value": value,
        "unit": UNITS.get(parameter.unit, parameter.unit),
        "least": _plain(parameter.least),
        "most": _plain(parameter.most),
        "step": _plain(parameter.step) or "any",
        "choices": list(parameter.choices.items()),
    }


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _typed(parameter: Parameter, text: str) -> Scalar:
    """Return what was typed as the kernel takes it: a word, or a number written with a point or a comma."""
    if parameter.choices:
        return text
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise Refused(f"`{text[:40]}` is no number", key="parameters") from None
