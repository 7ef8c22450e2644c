"""Recipes as ``blackbox_repo.recipes`` finds them: the project's, and those of another package."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from blackbox_repo import load_blackbox
from blackbox_repo.errors import FolderNotPrivate, InvalidOption, NotConverted
from blackbox_repo.plugins import find_plugins
from blackbox_repo.recipes import (
    GROUP,
    OfferedRecipe,
    convert_by_recipe,
    describe_recipe,
    make_unknown_blackbox,
)
from blackbox_repo.roots.source import Source
from blackbox_repo.store.manifest import read_manifest
from blackbox_repo.text.progress import LineReporter
from conversion_scripts.offers import OFFERS, RecipeOffers
from conversion_scripts.raw.download import DownloadFailed
from conversion_scripts.recipe import Recipe
from conversion_scripts.registry import all_recipes
from tests.blackbox_repo.transfer.host import Host, Page
from tests.conversion_scripts.test_cli import RUNS, write_recipe

OFFERED = {recipe.name: recipe for recipe in OFFERS.recipes()}


def test_the_installation_announces_them() -> None:
    targets = [plugin.target for plugin in find_plugins(GROUP)]
    assert "conversion_scripts.offers:OFFERS" in targets, "install the project again: pip install -e ."


def test_every_recipe_of_the_project_is_offered() -> None:
    assert list(OFFERED) == list(all_recipes())


def test_a_description_says_what_is_known_of_the_raw_files() -> None:
    assert OFFERED["lcbench"] == OfferedRecipe(
        "lcbench", "bb-convert lcbench --download", 340_000_000, "about", (), can_download=True
    )
    page = "https://github.com/D-X-Y/NATS-Bench/blob/00201cc9d0f0eccf21c3abbffd4872905f0df66c/README.md"
    assert OFFERED["nasbench201"] == OfferedRecipe(
        "nasbench201",
        "bb-convert nasbench201 --raw FOLDER",
        1_100_000_000,
        "about",
        (f"'nats_bench/NATS-tss-v1_0-3ffb9-simple' from {page}#preparation-and-download",),
        can_download=False,
        other_names=("NATS-Bench", "NATS-tss", "NB201"),
    )
    assert (OFFERED["hpob-4796"].size_is, OFFERED["hpob-4796"].size) == ("at least", 261_011_374)
    assert (OFFERED["taskset"].size_is, OFFERED["taskset"].size) == ("exact", 9_383_271)
    assert OFFERED["pd1"].size == 0


def test_the_first_name_that_users_type_is_answered_with_the_exact_line() -> None:
    message = str(make_unknown_blackbox("nasbench201", ["nasbench201-final"]))
    assert message.startswith(
        "unknown blackbox 'nasbench201': no root has it, but a recipe makes it: "
        "bb-convert nasbench201 --raw FOLDER (raw files: about 1.1 GB, none can be downloaded); first get "
        "'nats_bench/NATS-tss-v1_0-3ffb9-simple' from https://github.com/"
    )
    assert "did you mean" not in message
    assert message.endswith("; what can be loaded at once: 'nasbench201-final'")


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("NAS-Bench-201", "'nasbench201'"),
        ("nb201", "'nasbench201'"),
        ("NATS-Bench", "'nasbench201' or 'nasbench201-hp12' or 'nats-sss' or 'nats-sss-hp12'"),
        ("FCNet", "'fcnet'"),
        ("LCBench", "'lcbench'"),
        ("hpob_4796", "'hpob-4796'"),
        ("PD1", "'pd1'"),
        ("nasbench301", "'yahpo-nb301'"),
    ],
)
def test_names_of_papers_and_of_others_lead_to_those_here(name: str, called: str) -> None:
    message = str(make_unknown_blackbox(name, ["nasbench201-final", "fcnet-final", "yahpo-lcbench"]))
    assert f"unknown blackbox {name!r}: it is called {called}" in message


@pytest.mark.parametrize(
    ("name", "found"),
    [("rbv2_svm", "'yahpo-rbv2_svm'"), ("HPO-B", "'hpob-4796'"), ("lcbenhc", "'lcbench'")],
)
def test_parts_of_names_and_misspelt_ones_are_recognized(name: str, found: str) -> None:
    assert f"did you mean {found}" in str(make_unknown_blackbox(name, ["fcnet-final", "taskset"]))


ROOT = Path(__file__).parents[2]
RECIPES = ROOT / "conversion_scripts" / "recipes"
FILES = sorted(RECIPES.glob("[!_]*.py"))


def imports_of(path: Path) -> set[str]:
    """What a file with recipes imports from our modules, itself or through those that recipes share."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("conversion_scripts."):
            found |= {str(node.module).rpartition(".")[2], *(alias.name for alias in node.names)}
    shared = [other for other in (RECIPES / "shared").glob("*.py") if other.stem in found - {"__init__"}]
    return found.union(*map(imports_of, shared))


@pytest.mark.parametrize(("package", "reader"), [("h5py", "hdf5"), ("onnx", "onnx_network")])
def test_a_recipe_says_which_packages_its_conversion_imports(package: str, reader: str) -> None:
    recipes = {file.stem: import_module(f"conversion_scripts.recipes.{file.stem}").RECIPES for file in FILES}
    saying = {file for file, some in recipes.items() if any(package in recipe.needs for recipe in some)}
    assert saying == {file.stem for file in FILES if reader in imports_of(file)} != set()


def test_what_is_not_installed_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert str(describe_recipe("fcnet")).endswith("; before that pip install 'blackbox-repo[convert]'")
    with pytest.raises(InvalidOption, match=r"needs h5py: pip install 'blackbox-repo\[convert\]'"):
        convert_by_recipe("fcnet")


# --- a package of its own -----------------------------------------------------------------------------------


@pytest.fixture
def lab(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folders, beside a package that offers the recipe ``mine``, whose raw file a host has."""
    monkeypatch.setenv("BLACKBOX_HOME", str(tmp_path / "boxes"))
    monkeypatch.setenv("BLACKBOX_CACHE", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    (tmp_path / "site" / "lab-1.0.dist-info").mkdir(parents=True)
    write_recipe(tmp_path / "site", host.url("/runs"))
    (tmp_path / "site" / "mine.py").rename(tmp_path / "site" / "lab_recipes.py")
    with (tmp_path / "site" / "lab_recipes.py").open("a") as file:
        file.write(
            "from conversion_scripts.offers import RecipeOffers\n"
            "OFFERS = RecipeOffers({'py:lab_recipes:MINE': MINE})\n"
        )
    info = tmp_path / "site" / "lab-1.0.dist-info"
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lab\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[blackbox_repo.recipes]\nlab = lab_recipes:OFFERS\n")
    sys.modules.pop("lab_recipes", None)
    host.pages = {"/runs": Page(RUNS)}
    return tmp_path


def test_its_recipe_is_carried_out_and_the_raw_files_are_kept(lab: Path, host: Host) -> None:
    assert f"bb-convert py:lab_recipes:MINE --download (raw files: {len(RUNS)} bytes, all" in str(
        describe_recipe("mine")
    )
    report = LineReporter("fetch")
    made = convert_by_recipe("mine", report)
    assert made == lab / "boxes" / "mine"
    manifest = read_manifest(made)
    assert (manifest.recipe, manifest.sources[0].url) == ("bb-convert py:lab_recipes:MINE", host.url("/runs"))
    assert (lab / "cache/downloads/raw-py/lab_recipes/mine/runs.csv").read_bytes() == RUNS
    assert report.line(0) == "fetch, 0.0 min: writing digits (1 of 1)"
    convert_by_recipe("mine")
    assert [path for path, _ in host.asked] == ["/runs"]


def test_loading_converts_only_if_it_may(lab: Path, host: Host) -> None:
    with pytest.raises(NotConverted, match="bb-convert py:lab_recipes:MINE --download"):
        load_blackbox("mine")
    assert host.asked == []
    made = load_blackbox("mine", source=Source(convert=True))
    assert made.folder == lab / "boxes" / "mine"
    assert load_blackbox("mine")["digits"].digest() == made["digits"].digest()
    load_blackbox("mine", source=Source(roots=["package"], convert=True))  # what is there is not made again
    assert [path for path, _ in host.asked] == ["/runs"]


def test_the_command_fetch_converts_if_it_may(lab: Path, host: Host) -> None:
    def fetch(*options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "blackbox_repo", "fetch", "mine", *options],
            env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{lab / 'site'}", "COLUMNS": "300"},
            capture_output=True,
            text=True,
            check=False,
        )

    refused = fetch()
    assert (refused.returncode, refused.stdout) == (2, "")
    assert (
        "or bb-repo fetch mine --convert, or load_blackbox('mine', source=Source(convert=True))"
        in refused.stderr
    )
    done = fetch("--convert")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"files in {lab / 'boxes' / 'mine'}\n" in done.stdout
    assert [path for path, _ in host.asked] == ["/runs"]


def test_raw_files_are_not_believed_in_a_cache_to_which_others_can_write(lab: Path, host: Host) -> None:
    (lab / "cache" / "downloads" / "raw-py" / "lab_recipes").mkdir(parents=True)
    (lab / "cache" / "downloads" / "raw-py" / "lab_recipes").chmod(0o777)
    with pytest.raises(FolderNotPrivate, match="has the mode 777"):
        convert_by_recipe("mine")
    assert host.asked == []


def test_of_processes_that_want_it_at_once_one_makes_it(lab: Path, host: Host) -> None:
    code = "from blackbox_repo.recipes import convert_by_recipe; print(convert_by_recipe('mine'))"
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{lab / 'site'}"}
    command = [sys.executable, "-c", code]
    children = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for child in children:
        assert child.communicate(timeout=120) == (f"{lab / 'boxes' / 'mine'}\n", "")
    assert [path for path, _ in host.asked] == ["/runs"]
    assert [path.name for path in (lab / "boxes").iterdir()] == ["mine"]


def test_offline_nothing_is_asked_for(lab: Path, host: Host) -> None:
    with pytest.raises(InvalidOption, match="lacks 1 of the 1 files needed: 'mine/runs.csv'"):
        convert_by_recipe("mine", offline=True)
    with pytest.raises(InvalidOption, match="lacks 1 of the 1 files needed: 'mine/runs.csv'"):
        load_blackbox("mine", source=Source(convert=True, offline=True))
    assert host.asked == []
    assert not (lab / "boxes").exists()


def test_a_file_that_must_be_fetched_by_hand_is_named_with_its_place(lab: Path, host: Host) -> None:
    module = lab / "site" / "lab_recipes.py"
    module.write_text(module.read_text().replace(host.url("/runs"), ""))
    place = lab / "cache/downloads/raw-py/lab_recipes/mine/runs.csv"
    with pytest.raises(DownloadFailed, match=f"By hand: get it from its publisher and put it at {place}"):
        convert_by_recipe("mine")
    assert not (lab / "boxes").exists()
    place.parent.mkdir(parents=True)
    place.write_bytes(RUNS)
    assert convert_by_recipe("mine") == lab / "boxes" / "mine"


def test_what_is_offered_is_keyed_by_the_name_of_the_blackbox(recipe: Recipe) -> None:
    (offered,) = RecipeOffers({"py:some:TINY": recipe}).recipes()
    assert (offered.name, offered.command) == ("tiny", "bb-convert py:some:TINY --raw FOLDER")


def test_two_recipes_of_one_name_are_refused(recipe: Recipe) -> None:
    with pytest.raises(
        InvalidOption, match="two of the recipes py:a:A, py:b:B make the blackbox 'tiny'; rename"
    ):
        RecipeOffers({"py:a:A": recipe, "py:b:B": recipe})
