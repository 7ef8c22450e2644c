import json
from hashlib import sha256

import pytest

from blackbox_repo.errors import FormatError, IntegrityError, InvalidOption
from blackbox_repo.repository import load_blackbox
from blackbox_repo.store.fitted_storage import save_surrogate
from blackbox_repo.store.loading import load_task
from blackbox_repo.store.manifest import Manifest, read_manifest, write_checksum
from blackbox_repo.store.storage import rewrite, save_tables
from blackbox_repo.surrogate.fit import fit_surrogate
from blackbox_repo.surrogate.options import FitOptions
from tests.blackbox_repo.small_tables import make_blackbox, make_table


@pytest.fixture
def mine(tmp_path):
    return load_blackbox(make_blackbox(tmp_path))


def fitted(blackbox, tasks=("a", "b"), model="forest", **more):
    settings = {"trees": 7} if model in ("forest", "extra_trees") else {}
    return {task: fit_surrogate(blackbox[task], model, settings=settings, **more) for task in tasks}


def place(blackbox, model="forest"):
    return blackbox.folder / "surrogates" / model


@pytest.fixture
def stored(mine):
    save_surrogate(place(mine), mine.manifest, fitted(mine))
    return place(mine)


@pytest.mark.parametrize("model", ["forest", "extra_trees", "knn", "xgboost"])
@pytest.mark.parametrize(
    "options",
    [
        *(FitOptions(), FitOptions(seeds="separate"), FitOptions(noise=True)),
        FitOptions(objectives=["score"]),
    ],
)
def test_what_is_loaded_predicts_what_was_saved_bit_by_bit(mine, model, options):
    made = fitted(mine, model=model, options=options)
    manifest = save_surrogate(place(mine, model), mine.manifest, made)
    assert read_manifest(place(mine, model)) == manifest
    for task, surrogate in made.items():
        found = load_task(place(mine, model), manifest, task)
        assert found.digest() == surrogate.digest() != ""
        assert found.info == surrogate.info
        assert found.schema.meaning() == surrogate.schema.meaning()
        asked = [{"rate": 0.02, "kind": "adam"}, {"rate": 0.9, "kind": "sgd"}]
        for seed in surrogate.seeds(asked[0]):
            for one, other in zip(
                found.curves(asked, seed=seed), surrogate.curves(asked, seed=seed), strict=True
            ):
                assert [one[o].tolist() for o in found.schema.curve_names] == [
                    other[o].tolist() for o in found.schema.curve_names
                ]


def test_a_foreign_estimator_is_stored_if_it_consists_of_trees(mine):
    ensemble, neighbors = pytest.importorskip("sklearn.ensemble"), pytest.importorskip("sklearn.neighbors")
    made = {"a": fit_surrogate(mine["a"], ensemble.RandomForestRegressor(5, random_state=0))}
    manifest = save_surrogate(place(mine, "own"), mine.manifest, made)
    assert manifest.name == "mine.RandomForestRegressor"
    assert load_task(place(mine, "own"), manifest, "a").digest() == made["a"].digest()
    other = {"a": fit_surrogate(mine["a"], neighbors.KNeighborsRegressor(3))}
    with pytest.raises(InvalidOption, match="memory"):
        save_surrogate(place(mine, "other"), mine.manifest, other)
    assert not place(mine, "other").exists()


def test_the_manifest_says_of_which_tables_they_are_and_how_they_were_fitted(mine):
    manifest = save_surrogate(place(mine), mine.manifest, fitted(mine, seed=3))
    assert (manifest.name, manifest.version, manifest.license) == ("mine.forest", "1.0", "CC0-1.0")
    assert manifest.card[0] == mine.manifest.card[0]
    entry = manifest.fitted()
    assert (entry.model, entry.seed, entry.settings) == ("forest", 3, {"trees": 7})
    assert (entry.of.blackbox, entry.of.version) == ("mine", "1.0")
    assert set(entry.versions) == {"scikit-learn"}
    for task, table in mine.items():
        assert entry.tasks[task].table == table.digest()
        assert entry.tasks[task].sha256 == mine.manifest.tasks[task].sha256
        assert (entry.tasks[task].rows, entry.tasks[task].of) == (24, 24)
    assert manifest.schema_of("b").target == "score"
    assert manifest.schema_of("b").objective("loss").known_range == (0, 9)


def test_a_manifest_of_surrogates_has_a_format_that_older_readers_know_to_refuse(stored, mine):
    assert json.loads((stored / "manifest.json").read_text())["format"] == 2
    assert json.loads((mine.folder / "manifest.json").read_text())["format"] == 1
    assert "surrogate" not in json.loads((mine.folder / "manifest.json").read_text())


def test_surrogates_that_were_fitted_in_different_ways_are_not_written_together(mine):
    made = fitted(mine, ["a"]) | fitted(mine, ["b"], seed=1)
    with pytest.raises(InvalidOption, match="the surrogate of 'b' was fitted in another way"):
        save_surrogate(place(mine), mine.manifest, made)
    with pytest.raises(InvalidOption, match="there is no surrogate to write"):
        save_surrogate(place(mine), mine.manifest, {})
    assert not place(mine).exists()


def test_a_surrogate_in_a_wider_space_comes_back_with_it(mine):
    wider = type(mine.manifest.schema.space)({**mine.manifest.schema.space.domains})
    made = fitted(mine, ["a"], space=wider)
    manifest = save_surrogate(place(mine), mine.manifest, made)
    assert list(manifest.tasks) == ["a"]
    assert load_task(place(mine), manifest, "a").schema.space == made["a"].schema.space


# --- what somebody has tampered with ----------------------------------------------------------------------


def changed(folder, change):
    data = json.loads((folder / "manifest.json").read_text())
    change(data)
    (folder / "manifest.json").write_text(json.dumps(data))
    write_checksum(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["surrogate"].update(format=2), "surrogate has format 2, but this version .* upgrade"),
        (lambda d: d.update(format=3), "has format 3, but this version .* upgrade"),
        (lambda d: d.update(format=1), "it has surrogates, but format 1, which has none"),
        (lambda d: d["surrogate"].update(more=1), "unknown field more"),
        (lambda d: d["surrogate"].pop("model"), "surrogate: object missing required field model"),
        (lambda d: d["surrogate"].update(model="../x"), "name of a model '../x' must be letters"),
        (lambda d: d["surrogate"]["of"].update(blackbox=".."), "name of a blackbox '..' must be letters"),
        (lambda d: d["surrogate"]["options"].update(seeds="some"), r"surrogate.options.*'some'"),
        (
            lambda d: d["surrogate"]["tasks"].pop("a"),
            r"surrogates of \['b'\], but the tasks are \['a', 'b'\]",
        ),
        (lambda d: d["surrogate"]["tasks"]["a"].update(table="x"), r"tasks\['a'\].table = 'x'"),
        (lambda d: d["surrogate"]["tasks"]["a"].update(quality=7), r"tasks\['a'\].quality = 7"),
        (lambda d: d.update(labels=["row"]), r"neither labels nor a network, but there is \['row'\]"),
        (lambda d: d.update(network={"blocks": 1}), "neither labels nor a network"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(stored, change, message):
    changed(stored, change)
    with pytest.raises(FormatError, match=message):
        read_manifest(stored)


def set_spec(change):
    return lambda d: change(d["surrogate"]["tasks"]["a"]["spec"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            set_spec(lambda spec: spec.update(models=[])),
            "4.* arrays and models of the seeds \\[\\]|which do not fit",
        ),
        (set_spec(lambda spec: spec["models"].append(spec["models"][0])), "which do not fit"),
        (set_spec(lambda spec: spec["models"][0].update(seed="x")), "models\\[0\\].seed = 'x'"),
        (
            set_spec(lambda spec: spec["models"][0]["spec"].update(kind="magic")),
            "of the kind 'magic', but this code",
        ),
        (set_spec(lambda spec: spec["models"][0]["spec"].update(kind="knn")), "cannot be made of its arrays"),
        (set_spec(lambda spec: spec.update(more=1)), "unknown field"),
        (lambda d: d["space"]["hyperparameters"].pop(), "it needs 3 features, but the space has 1"),
        (lambda d: d["fidelity"].update(values=[1, 2]), "cannot be made of its arrays"),
    ],
)
def test_a_description_that_does_not_fit_the_arrays_is_refused(stored, change, message):
    changed(stored, change)
    with pytest.raises(FormatError, match=message):
        load_task(stored, read_manifest(stored), "a")


def test_a_file_that_was_changed_is_refused(stored):
    path = stored / "a.parquet"
    content = bytearray(path.read_bytes())
    content[200] ^= 1
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match="a.parquet is corrupted: its sha256 is"):
        load_task(stored, read_manifest(stored), "a")


def test_the_arrays_of_another_model_are_refused_hash_and_all(stored, mine):
    save_surrogate(place(mine, "knn"), mine.manifest, fitted(mine, model="knn"))
    content = (place(mine, "knn") / "a.parquet").read_bytes()
    (stored / "a.parquet").write_bytes(content)
    changed(
        stored,
        lambda d: d["tasks"]["a"].update(sha256=sha256(content).hexdigest(), bytes=len(content)),
    )
    with pytest.raises(FormatError, match="mine.forest/a cannot be made of its arrays: the .* lack"):
        load_task(stored, read_manifest(stored), "a")


# --- beside their tables ----------------------------------------------------------------------------------


def written_again(blackbox, scale):
    tables = {"a": make_table(scale), "b": make_table(2 * scale)}
    save_tables(blackbox.folder, blackbox.manifest, tables)


def test_they_stay_when_the_same_tables_are_written_again(stored, mine):
    before = (stored / "a.parquet").read_bytes()
    written_again(mine, 1.0)
    assert (stored / "a.parquet").read_bytes() == before
    assert isinstance(read_manifest(stored), Manifest)


def test_they_go_when_other_tables_are_written_in_their_place(stored, mine):
    written_again(mine, 1.5)
    assert not stored.parent.exists()


def test_surrogates_of_tables_elsewhere_do_not_hinder_tables_from_being_written(mine, tmp_path):
    own = tmp_path / "own"
    save_surrogate(own / "mine" / "surrogates" / "forest", mine.manifest, fitted(mine))
    save_tables(own / "mine", mine.manifest, {"a": make_table(1.0), "b": make_table(2.0)})
    assert read_manifest(own / "mine" / "surrogates" / "forest").name == "mine.forest"
    assert read_manifest(own / "mine").name == "mine"


def test_no_folder_that_holds_something_else_is_replaced(mine, tmp_path):
    (tmp_path / "work" / "surrogates").mkdir(parents=True)
    (tmp_path / "work" / "thesis.tex").write_text("...")
    with pytest.raises(FormatError, match="work holds no manifest.json: it is not a blackbox"):
        save_tables(tmp_path / "work", mine.manifest, {"a": make_table()})
    assert (tmp_path / "work" / "thesis.tex").exists()


def test_they_are_not_rewritten_but_fitted_again(stored):
    with pytest.raises(FormatError, match="fitted again instead: bb-repo fit"):
        rewrite(stored)
