"""Several publishers in one bucket at once: all versions stand, or somebody is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from blackbox_repo import list_blackboxes, load_blackbox
from blackbox_repo.errors import RootUnavailable, VersionExists
from blackbox_repo.roots.garbage import collect_garbage
from blackbox_repo.roots.publish import Published, publish
from tests.blackbox_repo.roots.shelf import PACKAGE, Shelf, edited_copy
from tests.servers import proxy as faults

NAME = "nasbench-macro"
MANIFEST = f"manifests/{NAME}/1.0.json"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blackbox_repo.transfer.retry.sleep", lambda seconds: None)


def all_at_once(*actions: Callable[[], Published]) -> list[Published | VersionExists]:
    """What each of the actions, in a thread of its own, returned, or what it was told."""

    def run(action: Callable[[], Published]) -> Published | VersionExists:
        try:
            return action()
        except VersionExists as err:
            return err

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))


def meeting(count: int) -> faults.Fault:
    """Requests wait for each other, and are answered at the same time."""
    barrier = threading.Barrier(count, timeout=60)

    def fault(exchange: faults.Exchange) -> None:
        barrier.wait()
        exchange.write_answer(exchange.ask())

    return fault


def before(action: Callable[[], object]) -> faults.Fault:
    """Something happens before the server is asked."""

    def fault(exchange: faults.Exchange) -> None:
        action()
        exchange.write_answer(exchange.ask())

    return fault


def test_of_two_publishers_of_one_version_one_is_told(shelf: Shelf, tmp_path: Path) -> None:
    folders = [edited_copy(tmp_path / title, title) for title in ("one", "two")]
    shelf.proxy.plan(meeting(2), "PUT", MANIFEST, times=2)
    done = all_at_once(*(lambda folder=folder: publish(folder, shelf.url) for folder in folders))
    (winner,) = [each for each in done if isinstance(each, Published)]
    (told,) = [each for each in done if isinstance(each, VersionExists)]
    assert winner.digest in str(told)
    assert load_blackbox(NAME, source=shelf.source).digest == winner.digest


def test_a_publisher_that_another_overtakes_is_told_before_it_ends(shelf: Shelf, tmp_path: Path) -> None:
    first, other = (edited_copy(tmp_path / title, title) for title in ("first", "other"))
    written, overtaken = threading.Event(), threading.Event()

    def wait_for_the_first(exchange: faults.Exchange) -> None:
        assert written.wait(60)
        exchange.write_answer(exchange.ask())
        overtaken.set()

    def let_the_other_overtake(exchange: faults.Exchange) -> None:
        written.set()
        assert overtaken.wait(60)
        exchange.write_answer(exchange.ask())

    def publish_first() -> Published:
        while not shelf.proxy.asked("PUT", MANIFEST):  # the other one has looked, and found nothing
            time.sleep(0.01)
        return publish(first, shelf.url)

    shelf.proxy.plan(wait_for_the_first, "PUT", MANIFEST, times=1)
    shelf.proxy.plan(let_the_other_overtake, "PUT", "index.json", times=1)
    done = all_at_once(publish_first, lambda: publish(other, shelf.url))
    told = done[1 if shelf.bucket.server.knows_conditions else 0]
    (winner,) = [each for each in done if isinstance(each, Published)]
    assert isinstance(told, VersionExists)
    assert winner.digest in str(told)
    assert load_blackbox(NAME, source=shelf.source).digest == winner.digest


def test_a_late_publisher_overwrites_only_where_the_server_heeds_no_conditions(
    shelf: Shelf, tmp_path: Path
) -> None:
    first, late = (edited_copy(tmp_path / title, title) for title in ("first", "late"))
    shelf.proxy.plan(before(lambda: publish(first, shelf.url)), "PUT", MANIFEST, times=1)
    (done,) = all_at_once(lambda: publish(late, shelf.url))
    assert isinstance(done, VersionExists if shelf.bucket.server.knows_conditions else Published)
    title = load_blackbox(NAME, source=shelf.source).manifest.title
    assert title == ("first" if shelf.bucket.server.knows_conditions else "late")


def test_of_two_publishers_of_two_blackboxes_both_stand(shelf: Shelf) -> None:
    names = ["nasbench-macro", "nmt-hpo"]
    shelf.proxy.plan(meeting(2), "PUT", "index.json", times=2)
    done = all_at_once(*(lambda name=name: publish(name, shelf.url, source=PACKAGE) for name in names))
    assert all(isinstance(each, Published) for each in done)
    assert list_blackboxes(shelf.source) == [*names, "nmt-hpo.forest"]
    for name in names:
        loaded = load_blackbox(name, source=shelf.source)
        assert all(loaded[task] for task in loaded)


def test_two_publishers_of_the_same_say_the_same(shelf: Shelf) -> None:
    shelf.proxy.plan(meeting(2), "PUT", MANIFEST, times=2)
    action = lambda: publish(NAME, shelf.url, source=PACKAGE)  # noqa: E731
    first, second = all_at_once(action, action)
    assert isinstance(first, Published)
    assert isinstance(second, Published)
    assert first.digest == second.digest
    assert load_blackbox(NAME, source=shelf.source).digest == first.digest


def test_a_publisher_whose_answers_are_lost_has_published(shelf: Shelf) -> None:
    for path in ("objects/", MANIFEST, "index.json"):
        shelf.proxy.plan(faults.lost_answer, "PUT", path, times=1)
    done = publish(NAME, shelf.url, source=PACKAGE)
    assert list_blackboxes(shelf.source) == [NAME]
    assert load_blackbox(NAME, source=shelf.source).digest == done.digest


@pytest.mark.parametrize("place", ["objects/", "manifests/", "index.json"])
def test_a_publisher_that_is_stopped_leaves_nothing_half_and_can_go_on(shelf: Shelf, place: str) -> None:
    publish(NAME, shelf.url, source=PACKAGE)
    shelf.proxy.plan(faults.answer_s3(403, "AccessDenied"), "PUT", place, skip=place == "objects/")
    with pytest.raises(RootUnavailable, match="check the credentials"):
        publish("nmt-hpo", shelf.url, source=PACKAGE)
    shelf.proxy.forget()
    assert list_blackboxes(shelf.source) == [NAME]
    collect_garbage(shelf.url)
    publish("nmt-hpo", shelf.url, source=PACKAGE)
    loaded = load_blackbox("nmt-hpo", source=shelf.source)
    assert all(loaded[task] for task in loaded)


def test_garbage_is_collected_while_another_publishes(shelf: Shelf) -> None:
    publish("nmt-hpo", shelf.url, source=PACKAGE)
    shelf.proxy.plan(before(lambda: collect_garbage(shelf.url)), "PUT", MANIFEST, times=1)
    publish(NAME, shelf.url, source=PACKAGE)
    assert list_blackboxes(shelf.source) == [NAME, "nmt-hpo", "nmt-hpo.forest"]
    loaded = load_blackbox(NAME, source=shelf.source)
    assert all(loaded[task] for task in loaded)
