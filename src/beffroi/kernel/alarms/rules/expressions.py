"""Which CEL may be written in a definition: comparisons and sums of one asset's quantities, `&&`, `||`, `!`, nothing else.

The language itself is safe but unbounded; here it is capped: 300 characters, 6 levels of parentheses, no call, no macro,
no list, only quantities of the asset's class, each with its kind (figure or state). What is read is written again in one
canonical form, figures as doubles, so that CEL's types agree.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from beffroi.foundation.bounds import MAX_VALUE
from beffroi.foundation.errors import Malformed
from beffroi.foundation.units import STATES, unit_of

MAX_CHARACTERS = 300
MAX_DEPTH = 6
Kind = Literal["figure", "word", "truth"]
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?)|(?P<name>[a-z][a-z0-9_]*)"
    r"|(?P<word>\"[a-z_]{1,48}\"|'[a-z_]{1,48}')|(?P<sign>&&|\|\||[<>=!]=|[<>!()+\-*/]))"
)
_COMPARES = ("<", "<=", ">", ">=", "==", "!=")
_LOOSE, _AND, _COMPARED, _SUM, _PRODUCT, _TIGHT = range(6)


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of an expression: its canonical text, its kind, how tightly it binds, the state it is about."""

    text: str
    kind: Kind
    binds: int
    state: str = ""

    def within(self, binds: int) -> str:
        """Return the text as it stands inside what binds more tightly or less."""
        return self.text if self.binds >= binds else f"({self.text})"


def check_expression(text: str, quantities: Collection[str]) -> str:
    """Return the expression in its canonical form. Raises Malformed with what is wrong and what to write."""
    if len(text) > MAX_CHARACTERS:
        raise _wrong("long", f"it has {len(text)} characters; {MAX_CHARACTERS} at most")
    reader = _Reader(_tokens(text), quantities)
    part = reader.either()
    if reader.ahead:
        raise _wrong("unread", f"`{reader.ahead}` is not expected there")
    if part.kind != "truth":
        raise _wrong("kind", "it gives no yes or no: compare quantities with > >= < <= == !=")
    if not quantities_in(part.text):
        raise _wrong("constant", "it names no quantity, so it would never change")
    return part.text


def quantities_in(text: str) -> tuple[str, ...]:
    """Return the quantities that a checked expression names, each once, in their order."""
    found = (match["name"] for match in _TOKEN.finditer(text) if match["name"])
    return tuple(dict.fromkeys(name for name in found if name not in ("true", "false")))


def _wrong(key: str, reason: str) -> Malformed:
    return Malformed(f"the expression cannot be used: {reason}", key=f"expression-{key}")


def _tokens(text: str) -> list[str]:
    found, place = [], 0
    whole = text.rstrip()
    while place < len(whole):
        match = _TOKEN.match(whole, place)
        if match is None:
            raise _wrong("unread", f"`{whole[place:].strip()[:20]}` is not part of what may be written")
        found.append(match[0].strip())
        place = match.end()
    return found


class _Reader:
    """Reads tokens into parts, the loosest operator first. Bounded by the depth of parentheses."""

    def __init__(self, tokens: list[str], quantities: Collection[str]) -> None:
        self.tokens, self.place, self.depth, self.quantities = tokens, 0, 0, quantities

    @property
    def ahead(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self, *wanted: str) -> str:
        """Take the next token when it is one of those; nothing otherwise."""
        token = self.ahead if self.ahead in wanted else ""
        self.place += bool(token)
        return token

    def either(self) -> _Part:
        part = self.both()
        while self.take("||"):
            part = self._logical(part, "||", self.both(), _LOOSE)
        return part

    def both(self) -> _Part:
        part = self.compared()
        while self.take("&&"):
            part = self._logical(part, "&&", self.compared(), _AND)
        return part

    def compared(self) -> _Part:
        part = self.summed()
        if sign := self.take(*_COMPARES):
            part = self._compare(part, sign, self.summed())
            if self.ahead in _COMPARES:
                raise _wrong("unread", "compare two things at a time, joined by && or ||")
        return part

    def summed(self) -> _Part:
        part = self.multiplied()
        while sign := self.take("+", "-"):
            part = self._figures(part, sign, self.multiplied(), _SUM)
        return part

    def multiplied(self) -> _Part:
        part = self.signed()
        while sign := self.take("*", "/"):
            part = self._figures(part, sign, self.signed(), _PRODUCT)
        return part

    def signed(self) -> _Part:
        sign = self.take("-", "!")
        if not sign:
            return self.single()
        part = self.single()
        wanted = "figure" if sign == "-" else "truth"
        if part.kind != wanted:
            raise _wrong("kind", f"`{sign}` does not suit `{part.text}`")
        return _Part(f"{sign}{part.within(_TIGHT)}", part.kind, _TIGHT)

    def single(self) -> _Part:
        token = self.ahead
        if not token:
            raise _wrong("unread", "it ends too early")
        self.place += 1
        if token == "(":  # noqa: S105 -- a parenthesis
            return self._inside()
        if token[0].isdigit():
            return self._figure(token)
        if token[0] in "\"'":
            return _Part(f'"{token[1:-1]}"', "word", _TIGHT)
        if token in self.quantities:
            state = token if unit_of(token) == "state" else ""
            return _Part(token, "word" if state else "figure", _TIGHT, state)
        if token[0].isalpha():
            known = ", ".join(self.quantities) or "none"
            raise _wrong("quantity", f"`{token}` is no quantity of this equipment; it has {known}")
        raise _wrong("unread", f"`{token}` is not expected there")

    @staticmethod
    def _figure(token: str) -> _Part:
        if not float(token) <= MAX_VALUE:
            raise _wrong("unread", f"{token} is beyond what a value may be ({MAX_VALUE:g})")
        return _Part(repr(float(token)), "figure", _TIGHT)

    def _inside(self) -> _Part:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _wrong("deep", f"more than {MAX_DEPTH} levels of parentheses")
        part = self.either()
        if not self.take(")"):
            raise _wrong("unread", "a parenthesis is not closed")
        self.depth -= 1
        return part

    @staticmethod
    def _logical(left: _Part, sign: str, right: _Part, binds: int) -> _Part:
        for part in (left, right):
            if part.kind != "truth":
                raise _wrong("kind", f"`{part.text}` beside {sign} gives no yes or no: compare it")
        return _Part(f"{left.within(binds)} {sign} {right.within(binds)}", "truth", binds)

    @staticmethod
    def _figures(left: _Part, sign: str, right: _Part, binds: int) -> _Part:
        for part in (left, right):
            if part.kind != "figure":
                raise _wrong("kind", f"`{part.text}` is no figure: it cannot stand beside {sign}")
        return _Part(f"{left.within(binds)} {sign} {right.within(binds + 1)}", "figure", binds)

    @staticmethod
    def _compare(left: _Part, sign: str, right: _Part) -> _Part:
        if left.kind != right.kind or left.kind == "truth":
            raise _wrong("kind", f"`{left.text}` and `{right.text}` cannot be compared")
        if left.kind == "word":
            _check_words(left, sign, right)
        text = f"{left.within(_SUM)} {sign} {right.within(_SUM)}"
        return _Part(text, "truth", _COMPARED)


def _check_words(left: _Part, sign: str, right: _Part) -> None:
    if sign not in ("==", "!="):
        raise _wrong("kind", f"a state is compared with == or !=, not with {sign}")
    states = {part.state for part in (left, right) if part.state}
    if len(states) != 1:
        raise _wrong("kind", f"compare a state with one of its words: `{left.text}`, `{right.text}`")
    state = states.pop()
    for part in (left, right):
        word = part.text.strip('"')
        if not part.state and word not in STATES.get(state, ()):
            raise _wrong("word", f"`{state}` has no state {word!r}; it has {', '.join(STATES.get(state, ()))}")
