"""Groups: the tightest bond wins, a priority 1 is never in one, and the order of what comes changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from beffroi.kernel.alarms.rules.groups import LEAST, LEAST_IN_STREET, gather
from beffroi.kernel.alarms.types import Group, GroupItem, GroupKind


def _item(number: int, **changes: Any) -> GroupItem:
    values: dict[str, Any] = {
        "name": f"alarm:{number}", "code": "lamp_fault", "title": "Lampe en défaut", "priority": 4, "since": 100 + number,
        "unseen": True, "silent": False, "street": "rue Musette", "commune": "Dijon", "source": "lighting",
        "roots": ((1000 + number, f"Lampe {number}"),),
    }  # fmt: skip
    return GroupItem(**values | changes)


def _shape(groups: Sequence[Group]) -> list[tuple[str, str, str, str, list[str]]]:
    return [
        (group.kind, group.title, group.place, group.commune, [item.name for item in group.items]) for group in groups
    ]


CABINET = (7, "Armoire A-7")


def test_what_one_cabinet_feeds_is_one_group_with_the_cabinet_itself() -> None:
    lamps = [_item(i, roots=(CABINET, (i, "Lampe")), street=f"rue {i}") for i in (1, 2)]
    cabinet = _item(3, code="cabinet_door", title="Porte ouverte", priority=3, roots=(CABINET,), street="place")
    groups, alone = gather([*lamps, cabinet])
    assert _shape(groups) == [("relation", "", "Armoire A-7", "Dijon", ["alarm:3", "alarm:1", "alarm:2"])]
    assert (groups[0].priority, groups[0].since, groups[0].unseen, alone) == (3, 101, 3, ())


def test_priority_1_is_never_in_a_group() -> None:
    urgent = _item(9, priority=1, roots=(CABINET,))
    groups, alone = gather([urgent, *(_item(i, roots=(CABINET,)) for i in range(5))])
    assert alone == (urgent,)
    assert [len(group.items) for group in groups] == [5]


def test_silences_of_one_source_are_one_group_and_other_alarms_of_it_are_not() -> None:
    silent = [
        _item(i, code=f"silent_{i}", title="Muet", silent=True, source="traffic", street=f"rue {i}", commune=f"C{i}")
        for i in range(3)
    ]
    other = _item(8, source="traffic", street="rue 8", commune="C8")
    groups, alone = gather([*silent, other])
    assert _shape(groups) == [("source", "Muet", "traffic", "", ["alarm:0", "alarm:1", "alarm:2"])]
    assert alone == (other,)


def test_same_cause_gathers_by_street_then_by_commune_then_anywhere() -> None:
    here = [_item(i) for i in range(LEAST_IN_STREET)]
    near = [_item(i, street=f"rue {i}") for i in range(13, 16)]
    far = [_item(i, street=f"rue {i}", commune=f"C{i}") for i in range(26, 29)]
    groups, alone = gather([*here, *near, *far])
    assert [(group.kind, group.place, group.commune, len(group.items)) for group in groups] == [
        (GroupKind.STREET, "rue Musette", "Dijon", 6),
        (GroupKind.COMMUNE, "", "Dijon", 3),
        (GroupKind.CAUSE, "", "", 3),
    ]
    assert alone == ()


def test_different_causes_in_one_street_are_gathered_by_place() -> None:
    mixed = [_item(i, code=f"code_{i}", title=f"Titre {i}") for i in range(3)]
    groups, _alone = gather(mixed)
    assert _shape(groups) == [("place", "", "rue Musette", "Dijon", ["alarm:0", "alarm:1", "alarm:2"])]


def test_two_are_no_group_and_the_third_makes_one_that_keeps_its_key() -> None:
    assert gather([_item(1), _item(2)])[0] == ()
    three, four = gather([_item(i) for i in range(3)])[0], gather([_item(i) for i in range(4)])[0]
    assert three[0].key == four[0].key


_items = st.lists(
    st.builds(
        _item,
        st.integers(0, 10_000),
        priority=st.integers(1, 4),
        code=st.sampled_from("abc"),
        street=st.sampled_from(["", "x", "y"]),
        commune=st.sampled_from(["", "C", "D"]),
        silent=st.booleans(),
        source=st.sampled_from(["", "s", "t"]),
        roots=st.sampled_from([(), (CABINET,), ((8, "B"),), (CABINET, (8, "B"))]),
    ),
    max_size=40,
    unique_by=lambda item: item.name,
)


@given(_items, st.randoms())
def test_each_item_is_in_one_group_or_alone_whatever_the_order(items: list[GroupItem], random: Any) -> None:
    groups, alone = gather(items)
    shown = [item.name for group in groups for item in group.items] + [item.name for item in alone]
    assert sorted(shown) == sorted(item.name for item in items)
    assert all(len(group.items) >= LEAST and group.priority == min(i.priority for i in group.items) for group in groups)
    assert all(item.priority > 1 for group in groups for item in group.items)
    assert len({group.key for group in groups}) == len(groups)
    shuffled = list(items)
    random.shuffle(shuffled)
    assert set(gather(shuffled)[0]) == set(groups)
