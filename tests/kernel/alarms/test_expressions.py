"""Which CEL may be written, in which form it is kept, and what CEL makes of it."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.foundation.errors import Malformed
from beffroi.kernel.alarms.rules.cel import Program, values_for
from beffroi.kernel.alarms.rules.expressions import check_expression, quantities_in

LAMP = ("power_w", "dim_pct", "voltage_v", "lamp_state")


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("power_w > 10", "power_w > 10.0"),
        ("power_w>1e1&&lamp_state=='off'", 'power_w > 10.0 && lamp_state == "off"'),
        ("power_w - (dim_pct - 3) > 0", "power_w - (dim_pct - 3.0) > 0.0"),
        ("(power_w - dim_pct) - 3 > 0", "power_w - dim_pct - 3.0 > 0.0"),
        ("power_w / (voltage_v * 2) >= -0.5", "power_w / (voltage_v * 2.0) >= -0.5"),
        ("!(power_w > 1 || dim_pct > 2) && (voltage_v < 3)", "!(power_w > 1.0 || dim_pct > 2.0) && voltage_v < 3.0"),
        (
            "power_w > 1 || dim_pct > 2 && voltage_v < 3 || power_w < -2",
            "power_w > 1.0 || dim_pct > 2.0 && voltage_v < 3.0 || power_w < -2.0",
        ),
        (
            "(power_w > 1 || dim_pct > 2) && voltage_v < 3 && power_w > 0",
            "(power_w > 1.0 || dim_pct > 2.0) && voltage_v < 3.0 && power_w > 0.0",
        ),
    ],
)
def test_expression_is_kept_in_one_form(written: str, kept: str) -> None:
    assert (check_expression(written, LAMP), check_expression(kept, LAMP)) == (kept, kept)


@pytest.mark.parametrize(
    ("written", "key", "told"),
    [
        ("power_w > 1" + " " * 300, "expression-long", "it has 311 characters; 300 at most"),
        (
            "[1, 2].all(i, i > power_w)",
            "expression-unread",
            "`[1, 2].all(i, i > po` is not part of what may be written",
        ),
        ("size(lamp_state) > 1", "expression-quantity", "`size` is no quantity of this equipment; it has power_w"),
        ("temperature_degc > 1", "expression-quantity", "`temperature_degc` is no quantity of this equipment"),
        ("power_w", "expression-kind", "it gives no yes or no"),
        ("power_w && dim_pct > 1", "expression-kind", "`power_w` beside && gives no yes or no"),
        ("power_w > 'on'", "expression-kind", '`power_w` and `"on"` cannot be compared'),
        ("lamp_state > 'on'", "expression-kind", "a state is compared with == or !=, not with >"),
        ("lamp_state == 'broken'", "expression-word", "`lamp_state` has no state 'broken'; it has off, on, fault"),
        ("'on' == 'on'", "expression-kind", "compare a state with one of its words"),
        ("lamp_state + 1 > 0", "expression-kind", "`lamp_state` is no figure"),
        ("-(power_w > 1)", "expression-kind", "`-` does not suit `power_w > 1.0`"),
        ("!power_w", "expression-kind", "`!` does not suit `power_w`"),
        ("1 < 2", "expression-constant", "it names no quantity"),
        ("1 < power_w < 3", "expression-unread", "compare two things at a time"),
        ("(power_w > 1", "expression-unread", "a parenthesis is not closed"),
        ("power_w > ", "expression-unread", "it ends too early"),
        ("power_w > 1 power_w", "expression-unread", "`power_w` is not expected there"),
        ("power_w > 1e300", "expression-unread", "1e300 is beyond what a value may be"),
        ("(" * 7 + "power_w > 1" + ")" * 7, "expression-deep", "more than 6 levels of parentheses"),
        ("", "expression-unread", "it ends too early"),
    ],
)
def test_expression_that_cannot_be_used_says_why(written: str, key: str, told: str) -> None:
    with pytest.raises(Malformed) as caught:
        check_expression(written, LAMP)
    assert (caught.value.key, told in caught.value.reason) == (key, True), caught.value.reason


@given(st.text(alphabet="powerw_dimct()<>=!&|+-*/ '\"on1.e", max_size=60))
def test_whatever_is_let_in_is_read_by_cel_and_gives_yes_or_no(text: str) -> None:
    with suppress(Malformed):
        kept = check_expression(text, LAMP)
        assert check_expression(kept, LAMP) == kept
        values = values_for({"power_w": 3.0, "dim_pct": 50.0, "voltage_v": 230.0, "lamp_state": 1.0})
        assert Program(kept).holds(values) in (True, False)
        assert set(quantities_in(kept)) <= set(LAMP)


_FIGURE = st.recursive(
    st.sampled_from(["power_w", "dim_pct", "voltage_v", "2", "0.5", "-3"]),
    lambda inner: st.builds(lambda left, sign, right: f"({left} {sign} {right})", inner, st.sampled_from("+-*"), inner),
    max_leaves=4,
)
_TRUTH = st.recursive(
    st.one_of(
        st.builds(
            lambda left, sign, right: f"{left} {sign} {right}",
            _FIGURE,
            st.sampled_from([">", ">=", "<", "<=", "==", "!="]),
            _FIGURE,
        ),
        st.sampled_from(["lamp_state == 'on'", "lamp_state != 'fault'"]),
    ),
    lambda inner: st.one_of(
        st.builds(lambda left, sign, right: f"({left} {sign} {right})", inner, st.sampled_from(["&&", "||"]), inner),
        st.builds(lambda part: f"!({part})", inner),
    ),
    max_leaves=4,
)


@given(_TRUTH, st.tuples(*[st.integers(-5, 5).map(float) for _ in range(3)]), st.sampled_from(["off", "on", "fault"]))
def test_expression_means_what_it_says(text: str, figures: tuple[float, float, float], lamp: str) -> None:
    """What CEL makes of the canonical form is what the text says to a reader: compared with Python's own operators."""
    with suppress(Malformed):
        kept = check_expression(text, LAMP)
        power_w, dim_pct, voltage_v = figures
        values = {"power_w": power_w, "dim_pct": dim_pct, "voltage_v": voltage_v, "lamp_state": lamp}
        python = text.replace("&&", " and ").replace("||", " or ").replace("!(", " not (")
        assert Program(kept).holds(values) is bool(eval(python, {"__builtins__": {}}, values))


def test_value_that_is_absent_leaves_cel_without_an_answer() -> None:
    program = Program('power_w > 10.0 && lamp_state == "off"')
    answers = [program.holds(values_for(values)) for values in (
        {"power_w": 11.0, "lamp_state": 0.0}, {"power_w": 11.0}, {"power_w": 9.0}, {"lamp_state": 1.0},
        {"power_w": float("nan"), "lamp_state": 0.0}, {},
    )]  # fmt: skip
    assert answers == [True, None, False, False, None, None]


def test_text_that_cel_cannot_read_is_malformed() -> None:
    with pytest.raises(Malformed, match="CEL cannot read the expression"):
        Program("power_w >")
