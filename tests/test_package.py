"""What the package says of itself: its licences, its links, its version."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import blackbox_repo

ROOT = Path(__file__).parents[1]
PROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")


def licences(expression: str) -> set[str]:
    return set(expression.split(" AND "))


def stated() -> set[str]:
    found = re.search(r'^license = "([^"]+)"', PROJECT, re.MULTILINE)
    assert found is not None
    return licences(found[1])


def test_the_licence_of_the_package_names_those_of_the_code_and_of_all_embedded_data() -> None:
    manifests = [json.loads(file.read_text("utf-8")) for file in ROOT.glob("data_cache/*/manifest.json")]
    assert {"Apache-2.0"}.union(*(licences(manifest["license"]) for manifest in manifests)) == stated()


def test_each_licence_comes_with_its_text() -> None:
    texts = {path.name for path in (ROOT / "data_cache" / "licenses").glob("*.txt")}
    for licence in stated() - {"Apache-2.0"}:  # whose text is LICENSE
        assert [name for name in texts if name.startswith(f"{licence}-")], licence
    page = (ROOT / "data_cache" / "LICENSES.md").read_text("utf-8")
    assert [name for name in texts if f"licenses/{name}" not in page] == []


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", *ROOT.glob("docs/*.md")], ids=str
)
def test_links_lead_to_files_that_are_there(page: str | Path) -> None:
    file = ROOT / page
    for target in LINK.findall(file.read_text("utf-8")):
        assert (file.parent / target).exists(), f"{file.name} links to {target}"


def test_the_citation_has_the_version_of_the_package() -> None:
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"\nversion: {blackbox_repo.__version__}\n" in citation
