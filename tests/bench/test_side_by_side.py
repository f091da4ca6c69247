"""What is measured stands side by side, and a goal is met only where ours passes the best peer."""

import figures
import pytest
from clean_peers import MEASURES, OURS, percent, record_all, rows, standing
from corpus.kinds import KINDS
from corpus.score import Score
from peers_page import side_by_side

STANDINGS = [
    ({OURS: 0, "a": 3, "b": 5}, "<", "< 3, the best peer", True),
    ({OURS: 3, "a": 3, "b": 5}, "<", "< 3, the best peer", False),
    ({OURS: 4, "a": 3, "b": 5}, "<", "< 3, the best peer", False),
    ({OURS: 0, "a": 0, "b": 5}, "<", "<= 0, the best peer", True),
    ({OURS: 1, "a": 0, "b": 5}, "<", "<= 0, the best peer", False),
    ({OURS: 3, "a": 3}, "<=", "<= 3, the best peer", True),
    ({OURS: 4, "a": 3}, "<=", "<= 3, the best peer", False),
    ({OURS: 4}, "<", None, True),
    ({OURS: 4, "a": 3}, None, None, True),
]


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    """Figures go into a file of this test's own; the list of what was recorded."""
    monkeypatch.setattr(figures, "RESULTS", tmp_path / "results.jsonl")
    monkeypatch.setattr(figures, "_RECORDED", [])
    return figures._RECORDED


def scores():
    ours, peer = Score(files=10, out=8, held=2), Score(files=10, out=10)
    peer.leaking[0x00100010] = 3
    peer.planted.add(0x00100010)
    peer.judged = 4
    peer.wrong[0x00100010, "Z", "removed"] = 1
    peer.tally.count("uid_changed", right=True, times=3)
    peer.tally.count("uid_changed", right=False)
    return {OURS: ours, "peer": peer}


@pytest.mark.parametrize(("values", "stand", "goal", "met"), STANDINGS)
def test_a_goal_is_met_where_ours_passes_the_best_peer(values, stand, goal, met):
    assert standing(values, stand) == (goal, met)


def test_every_measure_has_a_value_of_each_tool():
    table = list(rows(scores()))

    assert [name for name, *_ in table] == [name for name, *_ in MEASURES]
    assert all(set(values) == {OURS, "peer"} for *_, values in table)


def test_what_nothing_required_has_no_share():
    both = scores()

    assert percent(both[OURS], "uid_changed") == "-"
    assert percent(both["peer"], "uid_changed") == "75.00 %"


def test_a_figure_told_already_is_kept_and_shown_again_only_if_it_misses(recorded):
    figures.record("clean", "one", 1, "s", told=True)
    figures.record("clean", "two", 2, "s", None, None, "<= 1 s", met=False, told=True)

    assert [figure.name for figure in recorded] == ["two"]
    assert len(figures.RESULTS.read_text().splitlines()) == 2


def test_figures_of_a_run_are_drawn_as_one_table(recorded):
    import json  # noqa: PLC0415 - only here

    record_all(scores(), {OURS: 500.0, "peer": 100.0})
    written = [json.loads(line) for line in figures.RESULTS.read_text().splitlines()]
    told, *lines = side_by_side(written)
    cells = {line.split(" | ")[0].strip("| "): line.split(" | ")[1:] for line in lines}

    assert "10 files" in told
    assert cells["attributes that leak, of 1"] == ["0", "1", "&lt; 1", "yes |"]
    assert cells["ours, times as fast"][:2] == ["", "5.00"]
    assert cells["`uid_changed`"][:2] == ["", "75 % of 4"]
    assert not recorded


def test_without_figures_there_is_no_table():
    assert side_by_side([]) == []


def test_kinds_are_the_ten_of_the_benchmark():
    assert len(KINDS) == len(set(KINDS)) == 10
