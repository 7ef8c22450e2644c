"""The page of a surrogate's quality: one file, the same bytes each time, nothing of others unescaped."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from blackbox_repo import surrogate_page
from blackbox_repo.curve import Array
from blackbox_repo.domains import Float
from blackbox_repo.errors import InvalidOption
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.surrogate.quality import Judgement
from blackbox_repo.surrogate.report import Predictions, SchedulerAgreement, make_report
from blackbox_repo.surrogate_page import format_page, save_page

HOSTILE = "<script>$x</script>"
AGREEMENT = SchedulerAgreement(8, 2, 2, {"a": 0.1, HOSTILE: 0.2}, {"a": 0.3, HOSTILE: 0.4}, 1.0, 1.0, 1.0)


def judgement(target: str = "loss", epochs: int = 4, wrong: float = 0.1) -> tuple[Judgement, Schema]:
    schema = Schema(
        Space({"x": Float(0.0, 1.0)}),
        Fidelity("epoch", tuple(range(1, epochs + 1))),
        (Objective(target, "min"), Objective("elapsed", "none", "s", cumulative=True)),
        target=target,
        time="elapsed",
    )
    x, steps = np.arange(40.0)[:, None], np.arange(1.0, epochs + 1)
    true: dict[str, Array] = {target: x / steps, "elapsed": (1 + x) * steps}
    predicted = {name: values * (1 + wrong) + wrong for name, values in true.items()}
    predictions = Predictions(40, true, predicted)
    return Judgement(make_report(schema, predictions), predictions), schema


@pytest.fixture(autouse=True)
def _plots() -> None:
    pytest.importorskip("matplotlib")


def test_the_same_report_gives_the_same_bytes_and_no_date() -> None:
    one, other = (format_page(*judgement(), "a table: forest") for _ in range(2))
    assert one == other
    assert one != format_page(*judgement(wrong=0.2), "a table: forest")
    assert "dc:date" not in one


def test_a_page_has_its_three_pictures_and_its_tables_within() -> None:
    page = format_page(*judgement(), "a table: forest")
    pictures = re.findall(r"<figure>(<svg.*?</svg>)\s*<figcaption>(.*?)</figcaption>", page, re.DOTALL)
    assert [caption for _, caption in pictures] == [
        "loss: predicted against true, at the last epoch",
        "rank correlation of each objective",
        "predicted / true elapsed time: median, half and nine tenths of the configurations",
    ]
    for picture, _ in pictures:
        assert ET.fromstring(picture).tag.endswith("svg")  # noqa: S314  it is ours
    assert "<td>loss</td><td>0.9" in page
    assert not re.search(r"(?:src|href)=.https?:|<link|@import", page)


def test_a_fidelity_alone_has_one_picture() -> None:
    assert format_page(*judgement(epochs=1), "a table").count("<svg") == 1


def test_names_from_outside_are_escaped_everywhere() -> None:
    given, schema = judgement(HOSTILE)
    given = replace(given, report=replace(given.report, schedulers=AGREEMENT))
    page = format_page(given, schema, HOSTILE)
    assert "<script" not in page
    assert page.count("&lt;script&gt;$x&lt;/script&gt;") >= 5


def test_a_page_is_written_with_its_folder(tmp_path: Path) -> None:
    file = tmp_path / "pages" / "task.knn.html"
    save_page(file, *judgement(), "a table")
    assert file.read_text("utf-8") == format_page(*judgement(), "a table")
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_who_lacks_matplotlib_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surrogate_page.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InvalidOption, match="needs matplotlib .* pip install 'blackbox-repo\\[plots\\]'"):
        format_page(*judgement(), "a table")
