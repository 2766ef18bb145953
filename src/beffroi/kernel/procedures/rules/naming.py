"""Names that a procedure uses and that the city must know: definitions, categories, desks, posts, abilities, skills. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from beffroi.kernel.procedures.rules.lines import Problem
from beffroi.kernel.procedures.rules.running import every_step
from beffroi.kernel.procedures.types import Command, Dispatch, Notification, Procedure

_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Known:
    """What the city knows. `abilities`: the class of equipment of each."""

    alarms: Collection[str] = ()
    categories: Collection[str] = ()
    desks: Collection[str] = ()
    posts: Collection[str] = ()
    abilities: Mapping[str, str] = field(default_factory=dict)
    skills: Collection[str] = ()
    asset_classes: Collection[str] = ()


def unknown_names(procedure: Procedure, text: str, known: Known) -> tuple[Problem, ...]:
    """Return a problem for each name that means nothing in this city, at the line of the text that first writes it.

    Where the city says nothing at all of a kind of names, none of them is refused.
    """
    found: dict[tuple[str, str], Problem] = {}
    for key, name, among in _named(procedure, known):
        if name and among and name not in among and (key, name) not in found:
            there = sorted(among)
            told = ", ".join(there[:_SHOWN]) + (" …" if len(there) > _SHOWN else "")
            found[(key, name)] = Problem(_line_of(key, name, text), key, f"`{name}` is not known; there are {told}")
    return tuple(found.values())


def _named(procedure: Procedure, known: Known) -> Iterator[tuple[str, str, Collection[str]]]:
    yield "desk", procedure.desk, known.desks
    for code in procedure.alarms:
        yield "alarms", code, known.alarms
    for code in procedure.categories:
        yield "categories", code, known.categories
    for name in procedure.asset_classes:
        yield "asset_classes", name, known.asset_classes
    for role in procedure.roles:
        yield "desk", role.desk, known.desks
        yield "post", role.post, known.posts
    for step in every_step(procedure.steps):
        if isinstance(step, Notification):
            for to in step.to:
                yield "desk", to.desk, known.desks
                yield "post", to.post, known.posts
        elif isinstance(step, Dispatch):
            for skill in step.skills:
                yield "skills", skill, known.skills
        elif isinstance(step, Command):
            yield "ability", step.ability, known.abilities
            if step.target.asset_class and step.ability in known.abilities:
                yield "asset_class", step.target.asset_class, (known.abilities[step.ability],)


def _line_of(key: str, name: str, text: str) -> int:
    word = rf"\b{re.escape(name)}\b"
    place = re.search(rf"\b{key}\b.*?{word}", text) or re.search(word, text)
    return text.count("\n", 0, place.start()) + 1 if place else 1
