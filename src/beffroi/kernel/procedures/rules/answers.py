"""What is written to whoever told an incident once it is over: texts of the city, by how it ended. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import yaml

from beffroi.foundation.errors import Malformed
from beffroi.kernel.incidents.types import ENDED_STATES, IncidentState

MAX_TEXT = 2_000
ENDS = (IncidentState.RESOLVED, *(state for state in ENDED_STATES if state is not IncidentState.DUPLICATE))
"""Ends that may be told; a duplicate is told by the end of what it was united with."""


@dataclass(frozen=True, slots=True)
class Wording:
    """A letter's subject and text, with placeholders as the messages of procedures have them."""

    subject: str
    text: str


Answers = Mapping[IncidentState, Wording]


def parse_answers(text: str) -> Answers:
    """Return the letters by the state that an incident ended in; a state that is left out is told to nobody.

    Raises Malformed naming what is wrong and what to write.
    """
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise Malformed(f"the answers are no YAML: {error}") from error
    if not isinstance(document, dict):
        raise Malformed(f"expected the ends as keys: {', '.join(ENDS)}")
    problems = [f"`{name}` is no end; write {', '.join(ENDS)}" for name in document if name not in set(ENDS)]
    for name, entry in document.items():
        if not isinstance(entry, dict) or set(entry) != {"subject", "text"}:
            problems.append(f"`{name}`: write `subject` and `text`")
        elif not all(isinstance(each, str) and 0 < len(each.strip()) <= MAX_TEXT for each in entry.values()):
            problems.append(f"`{name}`: subject and text have 1 to {MAX_TEXT} characters")
    if problems:
        raise Malformed("\n".join(problems[:20]), key="answers-profile")
    return MappingProxyType(
        {
            IncidentState(name): Wording(" ".join(entry["subject"].split()), entry["text"].strip())
            for name, entry in document.items()
        }
    )
