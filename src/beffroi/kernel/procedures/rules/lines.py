"""YAML with the line of each key: what is wrong is gathered, each with its line, its key, and what to write instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from beffroi.foundation.errors import Malformed

MAX_BYTES = 200_000
MAX_DEPTH = 24


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, and a sentence that says what to write."""

    line: int
    key: str
    text: str

    def __str__(self) -> str:
        return f"line {self.line}, `{self.key}`: {self.text}" if self.key else f"line {self.line}: {self.text}"


class WrongProcedure(Malformed):
    """What was written is no procedure: `problems` name each line and what to write. Mend them and read it again."""

    key = "procedure-wrong"

    def __init__(self, problems: Sequence[Problem], name: str = "") -> None:
        self.problems = tuple(sorted(problems, key=lambda each: each.line))
        where = f"{name}: " if name else ""
        super().__init__("\n".join(f"{where}{problem}" for problem in self.problems[:20]))


class Entry(dict[str, Any]):
    """A mapping that knows the line of each key."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}


class Listed(list[Any]):
    """A list that knows the line of each item."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: list[int] = []


class Sheet:
    """A file while it is read: takes keys out of entries, says what is wrong, and remembers it."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def wrong(self, line: int, key: str, text: str) -> None:
        """Note a problem."""
        self.problems.append(Problem(line, key, text))

    def known(self, entry: Entry, keys: Sequence[str], what: str) -> None:
        """Refuse the keys that are none of these."""
        for key in entry:
            if key not in keys:
                self.wrong(entry.lines[key], key, f"is no key of {what}; its keys are {', '.join(keys)}")

    def text(self, entry: Entry, key: str, *, most: int = 300, needed: bool = True, default: str = "") -> str:
        """Return a text of 1 to `most` characters, its spaces made single."""
        stated = entry.get(key)
        if stated is None and not needed:
            return default
        if isinstance(stated, str) and 0 < len(stated.strip()) <= most:
            return " ".join(stated.split())
        self._missing(entry, key, f"write a text of 1 to {most} characters", stated)
        return ""

    def code(self, entry: Entry, key: str, *, needed: bool = True) -> str:
        """Return a name for machines: lower-case letters, figures and `_`, a letter first, 48 at most."""
        stated = entry.get(key)
        if stated is None and not needed:
            return ""
        if isinstance(stated, str) and is_code(stated):
            return stated
        self._missing(entry, key, "write 1 to 48 lower-case letters, figures and `_`, a letter first", stated)
        return ""

    def whole(self, entry: Entry, key: str, least: int, most: int, *, default: int | None = None) -> int:
        """Return a whole number within bounds."""
        stated = entry.get(key)
        if stated is None and default is not None:
            return default
        if isinstance(stated, int) and not isinstance(stated, bool) and least <= stated <= most:
            return stated
        self._missing(entry, key, f"write a whole number from {least} to {most}", stated)
        return least

    def seconds(self, entry: Entry, key: str) -> float:
        """Return a number of seconds of a test."""
        stated = entry.get(key)
        if isinstance(stated, int | float) and not isinstance(stated, bool) and 0 <= stated <= 2_592_000:
            return float(stated)
        self._missing(entry, key, "write seconds from 0 to 2592000", stated)
        return 0.0

    def flag(self, entry: Entry, key: str) -> bool:
        """Return true or false; false when it is left out."""
        stated = entry.get(key, False)
        if not isinstance(stated, bool):
            self._missing(entry, key, "write true or false", stated)
        return stated is True

    def choice(self, entry: Entry, key: str, among: Sequence[str], *, default: str | None = None) -> str:
        """Return one of several words."""
        stated = entry.get(key)
        if stated is None and default is not None:
            return default
        if isinstance(stated, str) and stated in among:
            return stated
        self._missing(entry, key, f"write one of {', '.join(among)}", stated)
        return among[0]

    def entries(self, entry: Entry, key: str, *, most: int, needed: bool = True) -> list[Entry]:
        """Return a list of mappings."""
        stated = entry.get(key)
        if stated is None and not needed:
            return []
        if isinstance(stated, Listed) and 0 < len(stated) <= most:
            for item, line in zip(stated, stated.lines, strict=True):
                if not isinstance(item, Entry):
                    self.wrong(line, key, "each item is written as `key: value` pairs")
            return [item for item in stated if isinstance(item, Entry)]
        self._missing(entry, key, f"write a list of 1 to {most} items", None if stated is None else "no such list")
        return []

    def texts(self, entry: Entry, key: str, *, most: int, longest: int = 200) -> tuple[str, ...]:
        """Return a list of texts; empty when it is left out."""
        stated = entry.get(key)
        if stated is None:
            return ()
        if isinstance(stated, Listed) and len(stated) <= most:
            for item, line in zip(stated, stated.lines, strict=True):
                if not isinstance(item, str) or not 0 < len(item.strip()) <= longest:
                    self.wrong(
                        line,
                        key,
                        f"each item is a text of 1 to {longest} characters (in quotes, if it is a word YAML reads as true or a number)",
                    )
            return tuple(" ".join(str(item).split()) for item in stated)
        self._missing(entry, key, f"write a list of {most} texts at most", "no such list")
        return ()

    def mapping(self, entry: Entry, key: str) -> Entry | None:
        """Return a mapping, None when it is left out."""
        stated = entry.get(key)
        if stated is None or isinstance(stated, Entry):
            return stated
        self._missing(entry, key, "write `key: value` pairs under it", "none")
        return None

    def _missing(self, entry: Entry, key: str, wanted: str, stated: object) -> None:
        line = entry.lines.get(key, entry.line)
        told = f"is missing: {wanted}" if stated is None else f"is {str(stated)[:60]!r}; {wanted}"
        self.wrong(line, key, told)


def is_code(text: str) -> bool:
    """Tell whether a text is a name for machines."""
    plain = text.isascii() and text.replace("_", "").isalnum() and text == text.lower() and text[:1].isalpha()
    return plain and len(text) <= 48


def read_yaml(text: str) -> Entry:
    """Return what a YAML text says, with lines. Raises WrongProcedure for what is no mapping, or no YAML."""
    if len(text.encode()) > MAX_BYTES:
        raise WrongProcedure([Problem(1, "", f"the file is larger than {MAX_BYTES} bytes")])
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise WrongProcedure([Problem(line, "", f"this is no YAML: {error.problem}")]) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise WrongProcedure([Problem(1, "", "this is no YAML")]) from error
    found = _plain(node, 0) if node is not None else None
    if not isinstance(found, Entry):
        raise WrongProcedure([Problem(1, "", "write `code: …`, `version: …`, and what follows, one key a line")])
    return found


def _plain(node: yaml.Node, depth: int) -> Any:
    line = node.start_mark.line + 1
    if depth > MAX_DEPTH:
        raise WrongProcedure([Problem(line, "", f"steps lie in each other more than {MAX_DEPTH} deep")])
    if isinstance(node, yaml.MappingNode):
        entry = Entry(line)
        for key, value in node.value:
            name = str(key.value)
            if name in entry:
                raise WrongProcedure([Problem(key.start_mark.line + 1, name, "is written twice: keep one")])
            entry[name], entry.lines[name] = _plain(value, depth + 1), key.start_mark.line + 1
        return entry
    if isinstance(node, yaml.SequenceNode):
        listed = Listed(line)
        for item in node.value:
            listed.append(_plain(item, depth + 1))
            listed.lines.append(item.start_mark.line + 1)
        return listed
    return _scalar(node)


def _scalar(node: yaml.Node) -> object:
    loader: Mapping[str, Any] = {"tag:yaml.org,2002:int": int, "tag:yaml.org,2002:float": float}
    stated = str(node.value)
    if node.tag == "tag:yaml.org,2002:null":
        return None
    if node.tag == "tag:yaml.org,2002:bool":
        return stated.lower() in ("true", "yes", "on")
    if node.tag in loader:
        try:
            return loader[node.tag](stated.replace("_", ""))
        except ValueError:
            return stated
    return stated
