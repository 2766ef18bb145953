"""Names of streets and places: drawn from the profile's words, never twice the same in one commune."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Collection, Sequence
from functools import cache

from beffroi.rehearsal.generator.geometry import Random
from beffroi.rehearsal.generator.profile import Names

ARTICLES = ("de la ", "de l’", "des ", "du ", "de ", "d’", "la ", "le ", "l’")
TRIES = 25


def short_name(street: str) -> str:
    """Return what people call a street at a junction: 'Boulevard de la Trémouille' gives 'Trémouille'."""
    return _without_article(street.partition(" ")[2] or street)


@cache
def _without_article(words: str) -> str:
    return next((words.removeprefix(article) for article in ARTICLES if words.startswith(article)), words)


def in_sentence(street: str) -> str:
    """Return a street's name as it is written after a comma: 'Rue Monge' gives 'rue Monge'. Road numbers stay."""
    return street if street[1:2].isdigit() else street[:1].lower() + street[1:]


class Namer:
    """Gives names, and remembers for each commune what is taken: 'Boulevard Monge' forbids 'Rue Monge' there."""

    def __init__(self, names: Names, rng: Random) -> None:
        self._names, self._rng = names, rng
        self._taken: dict[str, set[str]] = defaultdict(set)
        first, second = names.lieux_dits
        combined = [f"{one} {two}" for one, two in itertools.product(first, second)]
        shuffled = [combined[index] for index in rng.permutation(len(combined))]
        self._combined = [(base, _without_article(base).casefold()) for base in shuffled]
        self._roads = itertools.count(1)

    def take(self, name: str, communes: Collection[str]) -> bool:
        """Take a name in all these communes, or none if one already has it (under whatever kind of street)."""
        return self._take_key(short_name(name).casefold(), communes)

    def _take_key(self, key: str, communes: Collection[str]) -> bool:
        for commune in communes:
            if key in self._taken[commune]:
                return False
        for commune in communes:
            self._taken[commune].add(key)
        return True

    def square(self, communes: Collection[str]) -> str:
        """Return a new name for a square."""
        return self._new(("Place",), (*self._names.old, *self._names.people), communes)

    def roundabout(self, communes: Collection[str]) -> str:
        """Return a new name for a roundabout."""
        return self._new(("Rond-point",), (*self._names.nature, *self._names.people), communes)

    def street(self, street_class: str, fabric: str, communes: Collection[str]) -> str:
        """Return a new name for a street of this class in this fabric."""
        words, rng = self._names, self._rng
        if street_class == "living_street":
            return self._new(
                ("Impasse", "Allée", "Square", "Clos"), words.nature if rng.uniform() < 0.7 else words.people, communes
            )
        if fabric == "core":
            kinds = ("Rue", "Rue", "Rue", "Rue", "Passage", "Ruelle")
            return self._new(kinds, (*words.old, *words.nature, *words.places), communes)
        if street_class in {"secondary", "tertiary"}:
            return self._new(("Avenue", "Boulevard", "Rue"), words.people, communes)
        if fabric == "industrial":
            return self._new(("Rue", "Avenue", "Rue"), words.people, communes)
        drawn = rng.uniform()
        pool = words.people if drawn < 0.45 else words.places if drawn < 0.6 else words.nature
        return self._new(("Rue", "Rue", "Rue", "Rue", "Allée", "Chemin", "Cours"), pool, communes)

    def _new(self, kinds: Sequence[str], words: Sequence[str], communes: Collection[str]) -> str:
        """Try words of the list at random, then the combined place names in order, then number the road."""
        for _ in range(TRIES):
            kind, base = kinds[int(self._rng.integers(len(kinds)))], words[int(self._rng.integers(len(words)))]
            if self._take_key(_without_article(base).casefold(), communes):
                return f"{kind} {base}"
        kind = kinds[int(self._rng.integers(len(kinds)))]
        for base, key in self._combined:
            if self._take_key(key, communes):
                return f"{kind} {base}"
        while not self.take(name := f"Voie communale n° {next(self._roads)}", communes):
            continue
        return name
