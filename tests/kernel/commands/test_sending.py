"""From the mark to the proof: sent once, answered, shown, silent, undone; on PostgreSQL."""

from __future__ import annotations

import pytest
from django.db import transaction

from beffroi.foundation.clock import HOUR, MINUTE, SECOND
from beffroi.foundation.errors import Conflict, Forbidden, Refused
from beffroi.kernel.alarms import actions as alarms
from beffroi.kernel.commands import actions, queries
from beffroi.kernel.commands.types import Answered, CommandState, Order, Outcome, Receipt
from tests.kernel.alarms.factories import make_asset, viewer
from tests.kernel.commands.scene import (
    T0,
    ask,
    cabinet,
    chief,
    equipment_says,
    karim,
    lights,
    lines,
    make_source,
    nadia,
    no,
    seen,
    send,
    set_up,
    shown,
    states,
    verbs,
    yes,
)


@pytest.fixture
def source(db: None) -> int:
    set_up()
    return make_source("lighting", heard=T0 + 2 * HOUR)


def test_command_is_followed_from_its_mark_to_its_proof(source: int) -> None:
    lights(1, source)
    asked = ask()
    (claimed,) = actions.claim("lighting", source, 10, sender="one", at=T0)
    assert claimed.order == Order(
        str(asked.id), "lighting", "L-00001", "light_point", "set_level", {"level_pct": 30.0}, T0 + 120 * SECOND, {}
    )
    assert (seen(asked.id).state, seen(asked.id).in_doubt, seen(asked.id).silent_at) == ("sent", True, T0 + MINUTE)
    assert actions.note_left([asked.id], sender="one") == 1
    assert seen(asked.id).in_doubt is False
    equipment_says(yes(asked.id, source))
    assert (seen(asked.id).state, seen(asked.id).acknowledged_at) == ("acknowledged", T0 + SECOND)
    equipment_says(shown(asked.id, 29.0))
    done = seen(asked.id)
    assert (done.state, done.proof_value, done.effective_at) == ("effective", 29.0, T0 + 2 * SECOND)
    assert verbs() == ["ask_command", "send_command", "acknowledge_command", "prove_command"]
    assert [line.actor.id for line in lines()] == ["nadia", "beffroi", "L-00001", "L-00001"]
    assert ask(by=karim(), at=T0 + MINUTE).state == "authorised"


def test_nothing_is_claimed_twice_nor_before_it_is_due_nor_after_its_time(source: int) -> None:
    lights(3, source)
    ask()
    ask(assets=("L-00002",), due_at=T0 + HOUR)
    assert len(send(source)) == 1
    assert send(source) == []
    assert send(source, at=T0 + HOUR - SECOND) == []
    assert len(send(source, at=T0 + HOUR)) == 1
    ask(assets=("L-00003",))
    assert send(source, at=T0 + 1801 * SECOND) == []
    assert queries.sources_to_serve(T0 + 1801 * SECOND) == frozenset()


def test_dead_sender_leaves_a_command_in_doubt_that_nobody_sends_again(source: int) -> None:
    lights(2, source)
    first, second = ask(), ask(assets=("L-00002",))
    assert len(actions.claim("lighting", source, 10, sender="dead", at=T0)) == 2
    assert send(source, sender="next") == []
    assert queries.doubtful("next") == 2
    assert queries.list_commands(queries.Filters(in_doubt=True), seen_by=nadia()) != ()
    equipment_says(shown(first.id))
    assert seen(first.id).state == "effective"
    actions.pass_time(T0 + 121 * SECOND)
    late = seen(second.id)
    assert (late.state, late.end_reason) == (
        "expired",
        "it is not known whether it left, and the equipment stayed silent",
    )


def test_equipment_that_refuses_is_shown_with_its_words(source: int) -> None:
    lights(1, source)
    asked = ask()
    send(source)
    equipment_says(no(asked.id, source, "contrôleur en commande locale"))
    assert (seen(asked.id).state, seen(asked.id).end_reason) == ("failed", "contrôleur en commande locale")
    assert lines()[-1].reason == "contrôleur en commande locale"
    equipment_says(yes(asked.id, source), shown(asked.id))
    assert states() == ["failed"]


def test_silence_expires_and_an_answer_after_it_is_told_but_changes_nothing(source: int) -> None:
    lights(1, source)
    asked = ask()
    send(source)
    assert actions.pass_time(T0 + 119 * SECOND) == 0
    assert actions.pass_time(T0 + 120 * SECOND) == 1
    assert actions.pass_time(T0 + 121 * SECOND) == 0
    assert (seen(asked.id).state, seen(asked.id).end_reason) == ("expired", "the equipment stayed silent")
    equipment_says(yes(asked.id, source), shown(asked.id))
    assert (states(), verbs()[-2:]) == (["expired"], ["expire_command", "hear_late"])


def test_acknowledged_command_without_proof_expires_too(source: int) -> None:
    lights(1, source)
    asked = ask()
    send(source)
    equipment_says(yes(asked.id, source, T0 + 50 * SECOND), at=T0 + 50 * SECOND)
    assert seen(asked.id).expires_at == T0 + 170 * SECOND
    actions.pass_time(T0 + 171 * SECOND)
    assert seen(asked.id).end_reason == "it was taken up, but no reading showed it"


def test_answer_over_another_source_is_nobodys(source: int) -> None:
    lights(1, source)
    asked, stranger = ask(), make_source("stranger")
    send(source)
    equipment_says(Answered(asked.id, stranger, False, "non", T0))
    assert states() == ["sent"]
    assert queries.known_commands([(asked.id, source, "L-00001")]) == {asked.id}
    assert queries.known_commands([(asked.id, stranger, "L-00001"), (asked.id, source, "L-2")]) == frozenset()


def test_receipts_move_what_this_sender_sent(source: int) -> None:
    lights(4, source)
    ids = [ask(assets=(f"L-{n:05d}",)).id for n in range(1, 5)]
    actions.claim("lighting", source, 10, sender="one", at=T0)
    receipts = {
        ids[0]: Receipt(Outcome.ACCEPTED),
        ids[1]: Receipt(Outcome.REFUSED, "registre protégé"),
        ids[2]: Receipt(Outcome.UNREACHABLE, "pas de réponse"),
        ids[3]: Receipt(Outcome.IN_DOUBT),
    }
    actions.note_receipts(receipts, sender="another", at=T0)
    assert states() == ["sent"] * 4
    actions.note_receipts(receipts, sender="one", at=T0)
    assert [seen(id).state for id in ids] == ["acknowledged", "failed", "authorised", "sent"]
    assert [seen(id).in_doubt for id in ids] == [False, False, False, True]
    assert seen(ids[2]).expires_at == T0 + 1800 * SECOND
    assert send(source, at=T0) == []
    assert send(source, at=T0 + SECOND) == [ids[2]]


def test_planned_command_finds_its_equipment_taken_or_out_of_service_at_its_hour(source: int) -> None:
    lights(2, source)
    planned = ask(due_at=T0 + HOUR)
    other = ask(assets=("L-00002",), due_at=T0 + HOUR)
    ask(by=karim(), due_at=None, at=T0 + HOUR - SECOND)
    with transaction.atomic():
        alarms.take_out_of_service(asset="L-00002", until=T0 + 2 * HOUR, reason="travaux", by=chief(), at=T0)
    assert len(send(source, at=T0 + HOUR)) == 1
    assert "already commanded by Karim" in seen(planned.id).end_reason
    assert "out of service: Chief" in seen(other.id).end_reason
    assert sorted(states()) == ["failed", "failed", "sent"]


def test_few_are_sent_before_a_whole_city(source: int) -> None:
    lights(25, source)
    make_asset("L-99999", "light_point", "Chenôve", source_id=source)
    ask(zone="Dijon")
    urgent = ask(assets=("L-99999",), at=T0 + SECOND)
    assert send(source, at=T0 + SECOND, limit=1) == [urgent.id]


def test_large_group_is_told_at_its_beginning_and_at_its_end(source: int) -> None:
    lights(25, source)
    asked = ask(zone="Dijon")
    first, rest = send(source, limit=10), send(source)
    sent = [*first, *rest]
    equipment_says(*(yes(id, source) for id in sent))
    equipment_says(no(sent[0], source, "lampe absente"), *(shown(id) for id in sent[1:20]))
    group = queries.group(asked.id)
    assert group.counts == {CommandState.FAILED: 1, CommandState.EFFECTIVE: 19, CommandState.ACKNOWLEDGED: 5}
    assert actions.pass_time(T0 + 10 * SECOND) == 0
    actions.pass_time(T0 + HOUR)
    assert verbs() == ["ask_command", "begin_sending", "finish_sending"]
    told = lines()[-1].content
    assert told["states"] == {"failed": 1, "effective": 19, "expired": 5}
    assert len(told["assets"]) == 6
    assert told["reasons"]["lampe absente"] == 1


def test_end_of_a_hold_asks_for_the_way_back_and_the_proof_makes_it_reverted(source: int) -> None:
    lights(1, source)
    asked = ask(hold_s=600)
    send(source)
    equipment_says(shown(asked.id))
    assert actions.pass_time(T0 + 599 * SECOND) == 0
    assert actions.pass_time(T0 + 600 * SECOND) == 1
    assert actions.pass_time(T0 + 601 * SECOND) == 0
    back = seen(asked.id).reverted_by
    assert back is not None
    undoing = seen(back)
    assert (undoing.ability.slug, undoing.state, undoing.reverts) == ("return_to_schedule", "authorised", asked.id)
    assert send(source, at=T0 + 600 * SECOND) == [back]
    equipment_says(shown(back, 0.0, T0 + 605 * SECOND), at=T0 + 605 * SECOND)
    assert (seen(asked.id).state, seen(back).state) == ("reverted", "effective")
    assert verbs()[-4:] == ["ask_undoing", "send_command", "prove_command", "revert_command"]


def test_way_back_that_can_hurt_waits_for_a_second_person(source: int) -> None:
    traffic = make_source("traffic")
    make_asset("BE01", "bollard", "Dijon", source_id=traffic)
    asked = ask("lower_bollard", assets=("BE01",), hold_s=600)
    send(traffic, code="traffic")
    equipment_says(shown(asked.id, 0.0))
    actions.pass_time(T0 + 600 * SECOND)
    back = seen(asked.id).reverted_by
    assert back is not None
    assert seen(back).state == "asked"
    with pytest.raises(Forbidden, match="it takes two"):
        actions.authorise(back, by=nadia(), at=T0 + 610 * SECOND)
    actions.authorise(back, by=karim(), at=T0 + 610 * SECOND)
    assert send(traffic, at=T0 + 611 * SECOND, code="traffic") == [back]


def test_end_undoes_what_may_have_been_done_and_leaves_what_others_commanded_since(source: int) -> None:
    lights(4, source)
    asked = ask(zone="Dijon", hold_s=600)
    done, refused, silent = send(source, limit=3)
    (waiting,) = set(asked.commands) - {done, refused, silent}
    equipment_says(shown(done), no(refused, source))
    actions.pass_time(T0 + 300 * SECOND)
    later = ask(by=karim(), at=T0 + 400 * SECOND, assets=(seen(done).asset_code,), parameters={"level_pct": 100.0})
    assert later.id in send(source, at=T0 + 400 * SECOND, limit=10)
    equipment_says(shown(later.id, 100.0, T0 + 402 * SECOND))
    actions.pass_time(T0 + 600 * SECOND)
    back = queries.group(asked.id).reverted_by
    assert back is not None
    undone = {command.reverts for command in queries.list_commands(queries.Filters(group=back), seen_by=nadia())}
    assert undone == {silent, waiting}
    assert [seen(id).state for id in (done, refused, silent)] == ["effective", "failed", "expired"]
    assert seen(later.id).reverted_by is None


def test_person_undoes_before_the_end_and_the_end_does_not_do_it_again(source: int) -> None:
    lights(1, source)
    asked = ask(hold_s=600)
    planned = ask(due_at=T0 + HOUR)
    with pytest.raises(Conflict, match="nothing to undo"):
        actions.revert(planned.id, by=nadia(), at=T0)
    send(source)
    equipment_says(shown(asked.id))
    with pytest.raises(Forbidden):
        actions.revert(asked.id, by=viewer("tania", desk="traffic"), at=T0 + MINUTE)
    back = actions.revert(asked.id, by=karim(), at=T0 + MINUTE)
    assert seen(back.id).asked_by == "karim"
    with pytest.raises(Conflict, match="nothing to undo"):
        actions.revert(asked.id, by=nadia(), at=T0 + MINUTE)
    assert return_count(asked.id) == 1
    actions.return_commands(T0 + 601 * SECOND)
    assert return_count(asked.id) == 1
    with pytest.raises(Refused, match="nothing undoes"):
        actions.revert(back.id, by=nadia(), at=T0 + MINUTE)


def return_count(id: object) -> int:
    from beffroi.kernel.commands.models import Command as Row

    return Row.objects.filter(reverts_id=id).count()


def test_dangerous_request_without_answer_expires(source: int) -> None:
    cabinet("A-014", source, lights(1, source))
    asked = ask("open_feeder", assets=("A-014",))
    actions.pass_time(T0 + 600 * SECOND)
    assert (seen(asked.id).state, seen(asked.id).end_reason) == ("expired", "nobody authorised it in time")
    assert verbs() == ["ask_command", "expire_command"]
