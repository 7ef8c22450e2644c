from __future__ import annotations

import pickle

import pytest

from blackbox_repo import errors


@pytest.mark.parametrize(
    ("name", "known", "message"),
    [
        ("los", ["loss", "time"], "unknown objective 'los'; did you mean 'loss'?"),
        ("train_los", ["train_loss", "valid_loss"], "did you mean 'train_loss' or 'valid_loss'?"),
        ("qqq", ["loss", "time"], "unknown objective 'qqq'; known: 'loss', 'time'"),
        ("qqq", [], "unknown objective 'qqq'; there is none"),
        (7, ["loss"], "unknown objective 7; known: 'loss'"),
        ("qqq", [f"x{i}" for i in range(14)], "'x11' and 2 more"),
    ],
)
def test_an_unknown_name_is_answered_with_those_that_exist(name, known, message):
    assert str(errors.UnknownName("objective", name, known)).endswith(message)


def test_a_remedy_follows_the_suggestion():
    error = errors.UnknownName("task", "x", ["y"], "see bb-repo list")
    assert str(error) == "unknown task 'x'; known: 'y'; see bb-repo list"


def test_an_unknown_name_crosses_processes_whole():
    error = errors.UnknownName("task", "x", ["y"], "see bb-repo list")
    copy = pickle.dumps(error)
    again = pickle.loads(copy)  # noqa: S301, TID251  our own bytes, as between the processes of a study
    assert (str(again), again.kind, again.name, again.known) == (str(error), "task", "x", ("y",))


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (errors.UnknownName, LookupError),
        (errors.InvalidSpace, ValueError),
        (errors.InvalidConfiguration, ValueError),
        (errors.ConfigurationNotInTable, LookupError),
        (errors.UnknownFidelity, LookupError),
        (errors.UnknownSeed, LookupError),
        (errors.InvalidOption, ValueError),
        (errors.NotTabulated, TypeError),
    ],
)
def test_errors_are_also_what_python_calls_them(error, builtin):
    assert issubclass(error, errors.BlackboxRepoError)
    assert issubclass(error, builtin)


def test_the_docstring_shows_every_error():
    ours = [
        name
        for name, item in vars(errors).items()
        if isinstance(item, type) and item.__module__ == errors.__name__
    ]
    assert [name for name in ours if name not in (errors.__doc__ or "")] == []
