"""Old public names work, and say which name is new."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
import types
import warnings
from operator import attrgetter

import pytest

import blackbox_repo
import simulator
from blackbox_repo import deprecated
from blackbox_repo.deprecated import ARGUMENTS, MODULES, NAMES, RenamedWarning
from simulator.quality import find_suite
from simulator.testing import CONDITIONS, SchedulerContract


@pytest.fixture(autouse=True)
def _old_modules_are_forgotten():
    yield
    for name in sorted(MODULES.keys() & sys.modules.keys(), reverse=True):
        del sys.modules[name]
        parent, _, child = name.rpartition(".")
        vars(sys.modules[parent]).pop(child, None)


def imported(name):
    """The module, and what was said of it alone: an old package warns too where its modules are imported."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        module = importlib.import_module(name)
    return module, [str(w.message) for w in told if w.category is RenamedWarning][-1]


@pytest.mark.parametrize("old", MODULES)
def test_an_old_module_has_the_names_of_the_new_one_and_says_where_that_is(old):
    found, message = imported(old)
    assert message.startswith(f"the module {old} is called {MODULES[old]} now")
    new = importlib.import_module(MODULES[old])
    assert [n for n in vars(new) if not n.startswith("__") and getattr(found, n) is not getattr(new, n)] == []


@pytest.mark.parametrize(("module", "old"), [(module, old) for module in NAMES for old in NAMES[module]])
def test_an_old_name_gives_what_has_the_new_one(module, old):
    place, _, new = NAMES[module][old].rpartition(":")
    asked = importlib.import_module(module)
    with pytest.warns(RenamedWarning, match=f"{module}.{old} is called {place or module}.{new} now"):
        found = getattr(asked, old)
    assert found is attrgetter(new)(importlib.import_module(place or module))


@pytest.mark.parametrize("where", ARGUMENTS)
def test_a_function_with_old_arguments_has_the_decorator(where):
    module, _, name = where.rpartition(".")
    found = getattr(importlib.import_module(module), name)
    assert hasattr(found.__init__ if isinstance(found, type) else found, "__wrapped__")


def test_no_old_module_is_in_the_way_of_a_new_one():
    parents = {old for old in MODULES if old.startswith("simulator.regression")}  # find_spec would import it
    assert [
        old for old in MODULES.keys() - parents if importlib.util.find_spec(old).origin != MODULES[old]
    ] == []


def test_the_warning_points_to_the_line_that_uses_the_old_name():
    with pytest.warns(RenamedWarning) as told:
        import blackbox_repo.storage
    with pytest.warns(RenamedWarning) as told_of_attribute:
        _ = simulator.stopping
    assert [w.filename for w in (*told, *told_of_attribute)] == [__file__, __file__]
    assert blackbox_repo.storage.save_tables


def test_an_old_package_has_its_submodules_and_names():
    imported("simulator.regression.check")
    ci, _ = imported("simulator.regression.ci")
    from simulator.regression import check

    assert simulator.regression.check is check is importlib.import_module("simulator.quality").check
    assert ci.ci is simulator.regression.ci.ci


def test_star_gives_the_public_names():
    names: dict[str, object] = {}
    with pytest.warns(RenamedWarning):
        exec("from blackbox_repo.storage import *", names)  # noqa: S102  star imports stand at the top
    assert names["save_tables"] is importlib.import_module("blackbox_repo.store.storage").save_tables


def test_what_is_no_name_at_all_is_refused_as_ever():
    with pytest.raises(ImportError, match="No module named 'simulator.nonsense'"):
        importlib.import_module("simulator.nonsense")
    for module in (blackbox_repo, simulator):
        with pytest.raises(AttributeError, match=f"module '{module.__name__}' has no attribute 'nonsense'"):
            _ = module.nonsense
    old, _ = imported("blackbox_repo.storage")
    with pytest.raises(AttributeError, match=r"module 'blackbox_repo.store.storage' has no attribute"):
        _ = old.nonsense


def test_old_names_work_in_a_package_in_a_moved_module_and_in_one_that_stayed(monkeypatch):
    monkeypatch.setitem(NAMES, "simulator", {"Bounds": "Stop"})
    with pytest.warns(RenamedWarning, match="simulator.Bounds is called simulator.Stop now") as told:
        assert simulator.Bounds is simulator.Stop
    old, _ = imported("blackbox_repo.words")
    with pytest.warns(RenamedWarning, match="humanize.counted is called .*humanize.format_count now") as more:
        assert old.counted(2, "task") == "2 tasks"
    with pytest.warns(RenamedWarning, match="rungs.rung_levels is called .*compute_rungs now") as most:
        from simulator.schedulers.rungs import rung_levels
    assert [w.filename for w in (told[0], more[0], most[0])] == [__file__] * 3
    assert rung_levels.__name__ == "compute_rungs"


def test_a_module_with_old_names_is_loaded_by_its_own_loader():
    import simulator.schedulers.rungs as module

    assert type(module.__loader__).__module__ != deprecated.__name__
    assert module.__spec__.loader is module.__loader__
    assert inspect.getsource(module.QuantileRung).startswith("class QuantileRung")
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = module.nonsense
    found = importlib.util.find_spec("simulator.schedulers.mo_asha")
    assert found.loader.get_code(found.name).co_filename == found.origin


def renamed(monkeypatch, **old_to_new):
    monkeypatch.setitem(ARGUMENTS, f"{__name__}.wait", old_to_new)

    def wait(*, timeout=1):
        return timeout

    wait.__qualname__ = "wait"
    return deprecated.arguments(wait)


def test_an_old_argument_is_passed_on_under_its_new_name(monkeypatch):
    wait = renamed(monkeypatch, patience="timeout")
    assert (wait(), wait(timeout=2)) == (1, 2)
    with pytest.warns(RenamedWarning, match=r"the argument patience of .*wait is called timeout now") as told:
        assert wait(patience=3) == 3
    assert told[0].filename == __file__
    with pytest.raises(TypeError, match="got timeout and its old name patience; give timeout alone"):
        wait(timeout=1, patience=3)


def test_an_old_attribute_of_a_contract_is_its_new_one():
    ideal = {"ideal": CONDITIONS["ideal"]}
    with pytest.warns(RenamedWarning, match="Contract.circumstances is called conditions now") as told:

        class Mine(SchedulerContract):
            circumstances = ideal

    assert Mine.conditions is ideal
    assert told[0].filename == __file__


def test_an_old_option_is_read_as_the_new_one(monkeypatch):
    monkeypatch.setitem(deprecated.OPTIONS, "bb-sim", {"--patience": "--call-timeout"})
    typed = ["run", "--patience", "3", "--patience=4", "--", "--patience"]
    with pytest.warns(RenamedWarning, match="the option --patience is called --call-timeout now"):
        read = deprecated.options("bb-sim", typed)
    assert read == ["run", "--call-timeout", "3", "--call-timeout=4", "--", "--patience"]
    assert deprecated.options("bb-repo", typed) == typed


@pytest.mark.parametrize("package", ["blackbox_repo", "conversion_scripts", "simulator"])
def test_old_names_work_whichever_package_is_imported_and_load_nothing_before(package):
    code = (
        f"import sys, warnings; warnings.simplefilter('error'); import {package}; "
        f"assert 'conversion_scripts.recipes.fcnet' not in sys.modules; "
        f"warnings.simplefilter('ignore'); import conversion_scripts.fcnet as old; "
        f"import conversion_scripts.recipes.fcnet as new; assert old.CURVES is new.CURVES"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_finder_is_there_once():
    deprecated.install()
    finders = [finder for finder in sys.meta_path if type(finder).__module__ == deprecated.__name__]
    assert len(finders) == 1
    assert isinstance(sys.modules[deprecated.__name__], types.ModuleType)


def class_with_old_attributes(monkeypatch):
    monkeypatch.setitem(deprecated.ATTRIBUTES, f"{__name__}.Cup", {"made": "make", "colours": "colors"})

    class Cup:
        colors = ("white",)

        def make(self):
            return self.colors

    Cup.__qualname__ = "Cup"
    return deprecated.attributes(Cup)


def test_old_attributes_and_methods_are_read_under_their_new_names(monkeypatch):
    cup = class_with_old_attributes(monkeypatch)
    with pytest.warns(RenamedWarning, match=r"Cup.made is called make now") as told:
        assert cup().made() == ("white",)
    assert told[0].filename == __file__
    with pytest.warns(RenamedWarning, match=r"Cup.colours is called colors now"):
        assert cup.colours == ("white",)


def test_a_subclass_that_defines_an_old_attribute_defines_the_new_one(monkeypatch):
    cup = class_with_old_attributes(monkeypatch)
    with pytest.warns(RenamedWarning, match=r"Cup.colours is called colors now"):

        class Red(cup):
            colours = ("red",)

    assert Red().make() == Red.colors == ("red",)
    assert "colours" not in vars(Red)


@pytest.mark.parametrize("where", deprecated.ATTRIBUTES)
def test_a_class_with_old_attributes_has_the_decorator(where):
    module, _, name = where.rpartition(".")
    cls = getattr(importlib.import_module(module), name)
    assert {type(vars(cls)[old]).__name__ for old in deprecated.ATTRIBUTES[where]} == {"_OldAttribute"}


def test_a_case_of_a_suite_still_says_of_which_blackbox_it_is():
    case = find_suite("smoke").cases[0]
    with pytest.warns(RenamedWarning, match=r"Case.task is called benchmark.task now"):
        assert case.task == case.benchmark.task == "wikitext-2"


def test_a_command_line_takes_an_old_module_and_says_its_new_name_in_a_line():
    done = subprocess.run(
        [sys.executable, "-m", "conversion_scripts", "py:conversion_scripts.fcnet:FINAL", "--list"],
        capture_output=True,
        text=True,
        check=True,
    )
    said = "the module conversion_scripts.fcnet is called conversion_scripts.recipes.fcnet now"
    assert done.stderr == f"bb-convert: warning: {said}; the old name works for one more release\n"
    assert done.stdout.startswith("FCNet: ")
