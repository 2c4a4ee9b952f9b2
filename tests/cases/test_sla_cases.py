"""Working time and SLA clocks against cases from the test suites of other helpdesks and calendar libraries (tests/cases/sla)."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.sla.evaluate import UnknownKind, answer

Case = dict[str, Any]

CASES: list[Case] = [
    json.loads(line)
    for path in sorted(Path(__file__).with_name("sla").glob("*.jsonl"))
    for line in path.read_text().splitlines()
]
EXPECTED = {"within": "expect_seconds", "validate_calendar": "expect_valid", "auto_close": "expect_closed"}
SETTLED = [case for case in CASES if "disputed" not in case]
OUR_ANSWERS = {
    "working_hours-34748e876b": "2014-04-07T23:59:00Z",
    "working_hours-28783678cf": 0,  # reversed ends hold no time
    "working_hours-68f7dfca8d": 90000,  # the day on which the clocks go back has 25 real hours
}


def test_no_case_was_lost() -> None:
    assert len(SETTLED) == 283
    assert len(CASES) == 287


@pytest.mark.parametrize(
    "case", [case for case in SETTLED if case["kind"] not in ("metric", "sla_seq")], ids=lambda c: c["id"]
)
def test_working_time(case: Case) -> None:
    expected = case[EXPECTED.get(case["kind"], "expect")]

    result = answer(case)["result"]

    assert result in ([expected, case["accept_also"]] if "accept_also" in case else [expected])


@pytest.mark.parametrize("case", [case for case in SETTLED if case["kind"] == "metric"], ids=lambda c: c["id"])
def test_a_single_promise(case: Case) -> None:
    result = answer(case)["result"]

    got = {name: result[name] for name in case["expect"]}
    assert got in (case["expect"], {**case["expect"], "due": case.get("accept_also")})


@pytest.mark.parametrize("case", [case for case in SETTLED if case["kind"] == "sla_seq"], ids=lambda c: c["id"])
def test_a_ticket_from_event_to_event(case: Case) -> None:
    result = answer(case)["result"]

    assert len(result) == len(case["checks"])
    for check, standing in zip(case["checks"], result, strict=True):
        for name, expected in check["expect"].items():
            if isinstance(expected, dict):
                assert {metric: standing[name].get(metric) for metric in expected} == expected, (check["t"], name)
            else:
                assert standing[name] == expected, (check["t"], name)


@pytest.mark.parametrize("case_id", OUR_ANSWERS)
def test_where_the_sources_disagree_we_answer_as_decided(case_id: str) -> None:
    case = next(case for case in CASES if case["id"] == case_id)

    assert answer(case)["result"] == OUR_ANSWERS[case_id]


@pytest.mark.parametrize("case", [case for case in SETTLED if "boundary" in case], ids=lambda c: c["id"])
def test_time_used_up_exactly_at_closing_is_due_at_closing(case: Case) -> None:
    result = answer(case)["result"]

    due = result["due"] if isinstance(result, dict) else result
    expected = case["expect"]["due"] if isinstance(case["expect"], dict) else case["expect"]
    assert due == min(expected, case["accept_also"])


def test_an_unknown_kind_of_case_is_refused_with_a_sentence() -> None:
    with pytest.raises(UnknownKind, match="no kind of case named “divide”"):
        answer({"id": "x", "kind": "divide"})
