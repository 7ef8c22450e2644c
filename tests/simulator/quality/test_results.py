"""The file of a baseline: believed only as it was written, and refused in one line else."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import astuple, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from blackbox_repo import keyed_random
from blackbox_repo.errors import FormatError, InvalidOption
from simulator import ASHA
from simulator.quality import Results, compare, find_suite, measure
from simulator.quality.check import Check
from simulator.quality.markdown import format_markdown
from simulator.quality.page import format_page

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def results() -> Results:
    return measure(ASHA, find_suite("smoke"), seeds=2)


@pytest.fixture
def file(results: Results, tmp_path: Path) -> Path:
    results.save(tmp_path / "base.parquet")
    return tmp_path / "base.parquet"


def refused(file: Path) -> str:
    with pytest.raises(FormatError) as refusal:
        Results.load(file)
    assert "\n" not in str(refusal.value)
    assert file.name in str(refusal.value)
    return str(refusal.value)


def rows_of(file: Path) -> list[dict]:
    return pq.read_table(file).to_pylist()


def write_rows(file: Path, rows: list[dict], metadata: dict | None = None) -> None:
    """The rows with the metadata that the file had: as of somebody who edits it."""
    table = pq.read_table(file)
    said = table.schema.metadata if metadata is None else metadata
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema).replace_schema_metadata(said), file)


EDITS = {
    "rows doubled, the last worse": lambda rows: rows + [{**row, "regret": 0.9} for row in rows],
    "regrets that are no numbers": lambda rows: [{**row, "regret": float("nan")} for row in rows],
    "regrets without end": lambda rows: [{**row, "regret": float("inf")} for row in rows],
    "regrets below 0": lambda rows: [{**row, "regret": -0.1} for row in rows],
    "a regret that is missing": lambda rows: [{**rows[0], "regret": None}, *rows[1:]],
    "a seed that is missing": lambda rows: [{**rows[0], "seed": None}, *rows[1:]],
    "a seed below 0": lambda rows: [{**rows[0], "seed": -1}, *rows[1:]],
    "a digest that is missing": lambda rows: [{**rows[0], "digest": None}, *rows[1:]],
    "a better regret": lambda rows: [{**row, "regret": row["regret"] / 2} for row in rows],
    "a row less": lambda rows: rows[1:],
    "no row": lambda rows: [],
    "rows in another order": lambda rows: rows[::-1],
    "another golden trace": lambda rows: [{**rows[0], "golden": None}, *rows[1:]],
}


@pytest.mark.parametrize("what", EDITS)
def test_rows_that_were_edited_are_refused(file: Path, what: str) -> None:
    write_rows(file, EDITS[what](rows_of(file)))
    refused(file)


@pytest.mark.parametrize("key", ["format", "suite", "scheduler", "version", "numbers", "sha256"])
def test_metadata_that_are_missing_damaged_or_changed_are_refused(file: Path, key: str) -> None:
    said, rows = pq.read_schema(file).metadata, rows_of(file)
    name = key.encode()
    for changed in (
        {k: v for k, v in said.items() if k != name},
        {**said, name: b"\xff\xfe"},
        {**said, name: b"other"},
        {**said, name: b""},
        {**said, b"more": b"x"},
        {},
    ):
        write_rows(file, rows, changed)
        refused(file)


def test_what_could_not_have_been_measured_is_refused_though_its_digest_holds(
    results: Results, tmp_path: Path
) -> None:
    first = results.rows[0]
    assert first.golden is not None
    for rows, message in (
        ((first, first), "holds seed 0 of 'nasbench-nlp/wikitext-2' more than once"),
        ((replace(first, best=float("nan")),), "its best value is NaN"),
        ((replace(first, regret=1.5),), "regret = 1.5: expected float <= 1.0"),
        ((replace(first, golden="hello"),), "the golden trace of 'nasbench-nlp/wikitext-2' is damaged"),
        ((replace(first, digest="0" * 64),), "is not that of its run"),
        ((), "holds no runs"),
    ):
        table = pa.table(
            {name: [astuple(row)[k] for row in rows] for k, name in enumerate(vars(first))},
            schema=pq.read_schema(_saved(results, tmp_path)).remove_metadata(),
        )
        said = {"format": "blackbox-repo results 2", "suite": "smoke-2", "scheduler": "x", "version": "1"}
        made = Results("smoke-2", "x", rows, "1", 2)
        said |= {"numbers": "2", "sha256": made.content_sha256()}
        pq.write_table(table.replace_schema_metadata(said), tmp_path / "made.parquet")
        assert message in refused(tmp_path / "made.parquet")


def _saved(results: Results, folder: Path) -> Path:
    results.save(folder / "saved.parquet")
    return folder / "saved.parquet"


def said_of(file: Path) -> Results | str:
    try:
        return Results.load(file)
    except FormatError as err:
        return "refused in one line" if "\n" not in str(err) else str(err)


def test_any_flipped_bit_is_refused_or_changes_nothing(results: Results, file: Path) -> None:
    content = file.read_bytes()
    for number in range(120):
        bit = keyed_random.integer(8 * len(content), "flip", number)
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        file.write_bytes(changed)
        assert said_of(file) in (results, "refused in one line")


def test_a_truncated_file_is_refused(file: Path) -> None:
    content = file.read_bytes()
    for length in (0, 1, len(content) // 2, len(content) - 1):
        file.write_bytes(content[:length])
        refused(file)


def test_what_is_no_file_or_of_other_columns_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    refused(tmp_path / "folder")
    pq.write_table(pa.table({"case": ["x"]}).replace_schema_metadata({"format": "x"}), tmp_path / "other")
    assert "it does not say that it is 'blackbox-repo results 2'" in refused(tmp_path / "other")
    older = pa.table({"case": ["x"]}).replace_schema_metadata({"format": "blackbox-repo results 1"})
    pq.write_table(older, tmp_path / "older")
    assert "made under another version of the numbers and without a digest; write older anew" in refused(
        tmp_path / "older"
    )


def test_a_baseline_of_another_version_of_the_numbers_is_refused_with_the_way_out(results: Results) -> None:
    other = replace(results, numbers=1, version="0.8.0")
    with pytest.raises(InvalidOption) as refusal:
        compare(other, results)
    assert "the baseline was made under version 1 of the numbers (blackbox-repo 0.8.0), but this is" in str(
        refusal.value
    )
    assert "bb-sim ci --update" in str(refusal.value)


def test_bb_sim_ci_ends_with_2_and_one_line(file: Path) -> None:
    write_rows(file, EDITS["regrets that are no numbers"](rows_of(file)))
    for content in (file.read_bytes(), b"PAR1"):
        file.write_bytes(content)
        command = [sys.executable, "-m", "simulator", "ci", "--suite", "smoke", "--scheduler", "asha"]
        done = subprocess.run(
            [*command, "--baseline", str(file)], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert done.stderr.startswith("bb-sim: error: ")


EVIL = "x`\n\n# @octocat [click](http://example.org) <img src=x> </code>\x1b[31m\u202e ``` | a"


def test_a_schedulers_words_stay_code_in_the_comment_and_text_on_the_page(results: Results) -> None:
    other = replace(results, scheduler=EVIL)
    checked = Check(compare(other, other), other, other, {"nasbench-nlp/wikitext-2": f"now\n```\n{EVIL}"})
    text, html = format_markdown(checked), format_page(checked)
    before, block, after = text.partition("````text\n")
    assert block
    _, end, rest = after.partition("\n````\n")
    assert end
    assert not any(line.startswith("# ") for line in (before + rest).splitlines())
    assert "<img" not in html
    assert "</code>\x1b" not in html
    assert not {"\x1b", "\u202e"} & {*text, *html}
    (line,) = [line for line in text.splitlines() if " against " in line]
    assert line.startswith("````x`\\n\\n# @octocat")
