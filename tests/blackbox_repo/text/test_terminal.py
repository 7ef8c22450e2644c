"""Tables and facts at any width."""

from __future__ import annotations

import pytest

from blackbox_repo.text.terminal import Column, Terminal, facts, plain, table, wrap

COLUMNS = [Column("name"), Column("size", right=True), Column("what", wraps=True)]
ROWS = [("one", "1", "a few words"), ("twentytwo", "22", "many words that do not fit into a narrow terminal")]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.delenv("COLUMNS", raising=False)
    return Terminal()


def at(terminal: Terminal, width: int, rows: list[tuple[str, ...]] = ROWS) -> list[str]:
    return [line.plain for line in table(terminal, COLUMNS, rows, width)]


def test_a_table_that_fits_has_a_line_a_row(terminal: Terminal) -> None:
    assert at(terminal, 100) == [
        "name       size  what",
        "one           1  a few words",
        "twentytwo    22  many words that do not fit into a narrow terminal",
    ]


def test_a_column_that_wraps_gives_way_as_long_as_it_can_be_read(terminal: Terminal) -> None:
    assert at(terminal, 40) == [
        "name       size  what",
        "one           1  a few words",
        "twentytwo    22  many words that do not",
        "                 fit into a narrow",
        "                 terminal",
    ]


def test_then_it_goes_below_its_row(terminal: Terminal) -> None:
    assert at(terminal, 30) == [
        "name       size",
        "one           1",
        "  a few words",
        "twentytwo    22",
        "  many words that do not fit",
        "  into a narrow terminal",
    ]


def test_and_at_last_each_row_becomes_a_record(terminal: Terminal) -> None:
    assert at(terminal, 14) == [
        "one",
        "  size",
        "    1",
        "  what",
        "    a few",
        "    words",
        "twentytwo",
        "  size",
        "    22",
        "  what",
        "    many words",
        "    that do",
        "    not fit",
        "    into a",
        "    narrow",
        "    terminal",
    ]


def test_a_record_that_begins_with_a_number_says_of_what(terminal: Terminal) -> None:
    columns = [Column("trial", right=True), Column("status")]
    assert [line.plain for line in table(terminal, columns, [(7, "completed")], 13)] == [
        "trial 7",
        "  status",
        "    completed",
    ]


def test_what_names_a_row_stays_in_it(terminal: Terminal) -> None:
    columns = [Column("file", wraps=True), Column("MB", right=True)]
    rows = [("a/very/long/path/to/some/file.parquet", "1.5")]
    assert [line.plain for line in table(terminal, columns, rows, 22)] == [
        "a/very/long/path/to/so",
        "me/file.parquet",
        "  MB  1.5",
    ]


@pytest.mark.parametrize("width", range(8, 70))
def test_no_line_is_wider_than_the_terminal(terminal: Terminal, width: int) -> None:
    assert max(map(len, at(terminal, width))) <= width
    pairs = [("label", "a value of some words"), ("", "more of it"), ("longer label", "x")]
    assert max(len(line.plain) for line in facts(terminal, pairs, width)) <= width


def test_wide_characters_count_as_two(terminal: Terminal) -> None:
    lines = at(terminal, 40, [("学習", "1", "曲線"), ("ab", "2", "x")])
    assert lines == ["name  size  what", "学習     1  曲線", "ab       2  x"]


def test_facts_stand_beside_their_labels_or_below(terminal: Terminal) -> None:
    pairs = [("time", "two hours"), ("", "and a bit"), ("ended by", "x")]
    assert [line.plain for line in facts(terminal, pairs, 40)] == [
        "time      two hours",
        "          and a bit",
        "ended by  x",
    ]
    assert [line.plain for line in facts(terminal, pairs, 14)] == [
        "time",
        "  two hours",
        "  and a bit",
        "ended by",
        "  x",
    ]


def test_text_from_outside_is_shown_as_it_is_and_changes_no_terminal(
    terminal: Terminal, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = "size [mb] [/bold] :smile: \x1b[31m"
    rows = table(terminal, [Column(evil), Column("x")], [(evil, "[red]y")], 80)
    assert [line.plain for line in rows] == [
        "size [mb] [/bold] :smile: \\x1b[31m  x",
        "size [mb] [/bold] :smile: \\x1b[31m  [red]y",
    ]
    terminal.say(evil)
    terminal.show([evil])
    terminal.print(evil.replace("\x1b", ""))
    shown = "size [mb] [/bold] :smile: \\x1b[31m\n"
    assert capsys.readouterr().out == shown + shown + shown.replace("\\x1b", "")


def test_into_a_file_lines_are_as_long_as_they_are(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal.say("word " * 60)
    assert capsys.readouterr().out.count("\n") == 1
    monkeypatch.setenv("COLUMNS", "50")
    assert Terminal().width == 50


def test_text_breaks_between_words(terminal: Terminal) -> None:
    assert [line.plain for line in wrap(terminal, plain("one two three"), 8)] == ["one two", "three"]
    assert [line.plain for line in wrap(terminal, plain("incomprehensible"), 8)] == [
        "incompre",
        "hensible",
    ]
    assert [line.plain for line in wrap(terminal, plain(""), 8)] == [""]
