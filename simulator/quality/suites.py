"""Suites: pinned lists of benchmarks, so that a score has the same meaning next year."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

from blackbox_repo import deprecated, views
from blackbox_repo.benchmark import Benchmark
from blackbox_repo.blackbox import Blackbox
from blackbox_repo.errors import IntegrityError, UnknownName
from blackbox_repo.repository import load_blackbox
from simulator.problem import Setup
from simulator.settings.stopping import Stop


@deprecated.attributes
@dataclass(frozen=True)
class Case:
    """A benchmark of a suite; nothing of it may change but in a new version of the suite.

    Args:
        benchmark: The problem, with a budget in simulated seconds.
        digest: Digest of the task's content when the suite was made.
        best: The best value of the target that can be reached: regret 0.
        typical: The best value on the curve of the median configuration: regret 1.
    """

    benchmark: Benchmark
    digest: str
    best: float
    typical: float

    @property
    def name(self) -> str:
        """``BLACKBOX/TASK``."""
        return self.benchmark.name

    @property
    def seconds(self) -> float:
        """The budget in simulated seconds."""
        assert self.benchmark.seconds is not None
        return self.benchmark.seconds

    @property
    def stop(self) -> Stop:
        """The end of each run: when the budget is used up."""
        return Stop(time=self.seconds)

    def setup(self, seed: int = 0) -> Setup:
        """What is simulated.

        Args:
            seed: Seed of the run and of the scheduler.

        Raises:
            UnknownName: The blackbox is not installed.
            IntegrityError: It is not the one that the suite was made of.
        """
        return Setup(self.load(), self.benchmark.workers, self.stop, seed)

    def load(self) -> Blackbox:
        """The blackbox, with a time; it is loaded once in a process.

        A table answers with the closest row for a configuration that it lacks, so that every scheduler can be
        run; schedulers that know the rows suggest only those.

        Raises:
            UnknownName: The blackbox is not installed.
            IntegrityError: It is not the one that the suite was made of.
        """
        return _load(self)


@cache
def _load(case: Case) -> Blackbox:
    benchmark = case.benchmark
    blackbox = load_blackbox(benchmark.blackbox)[benchmark.task]
    found = blackbox.digest()
    if found != case.digest:
        raise IntegrityError(
            f"{case.name!r} has the digest {found[:12]}, but the suite was made of {case.digest[:12]}: its "
            f"scores could not be compared; take a newer suite, or other tasks of this one, unless another "
            f"copy is found first (see bb-repo info {benchmark.blackbox})"
        )
    if blackbox.schema.space.candidates is not None:
        blackbox = views.nearest(blackbox, keep_candidates=True)
    return benchmark.view_of(blackbox)


@dataclass(frozen=True)
class Suite:
    """A pinned list of benchmarks, and the number of seeds that each is run with.

    Args:
        name: Its name with its version: ``"standard-1"``.
        cases: The benchmarks.
        seeds: By default each is run with the seeds 0 to ``seeds`` - 1.
    """

    name: str
    cases: tuple[Case, ...]
    seeds: int

    def only(self, tasks: Sequence[str] | None) -> list[Case]:
        """The cases of some names, in the order of the suite.

        Args:
            tasks: Names of cases, ``BLACKBOX/TASK``; ``None`` for all.

        Raises:
            UnknownName: There is no such case.
        """
        known = {case.name: case for case in self.cases}
        for name in tasks or ():
            if name not in known:
                raise UnknownName(f"task of the suite {self.name!r}", name, known)
        return [case for name, case in known.items() if tasks is None or name in tasks]


def _case(  # noqa: PLR0913, PLR0917  a row of a table
    blackbox: str,
    task: str,
    digest: str,
    seconds: float,
    best: float,
    typical: float,
    seconds_per_unit: float | None = None,
) -> Case:
    name = f"{blackbox}/{task}"
    benchmark = Benchmark(name, name, blackbox, task, None, 4, seconds, seconds_per_unit=seconds_per_unit)
    return Case(benchmark, digest, best, typical)


_nlp = partial(_case, "nasbench-nlp", "wikitext-2")
_taskset = partial(_case, "taskset", seconds_per_unit=0.1)
_nmt = partial(_case, "nmt-curves", seconds_per_unit=60)
_lcbench = partial(_case, "yahpo-lcbench")
_nasbench201 = partial(_case, "nasbench201-final")

_NLP = _nlp(
    digest="4313ff6378e6fcdd23c66724e4bf483573a35bb8d05a84c06aeabb5ca21f4b35",
    seconds=86400,
    best=4.56758,
    typical=5.57747,
)
_IRNN = _taskset(
    "imdb_patch32_IRNN64_relu_last_bs128",
    "826873e47c8492763cd1aff8f78a2e3441094d2ad1b8e31efc020d4bc4c968a4",
    4000,
    0.495706,
    1.25307,
)
_LSTM = _taskset(
    "imdb_patch128_LSTM128_bs64",
    "c1ce89d612714dd8fd7122a663aeb9fcfe6626518d660b079f5adc99f4e0aae6",
    4000,
    0.356095,
    0.694646,
)
_GRU = _taskset(
    "imdb_patch32_GRU64_avg_bs128",
    "d8072b95afdf12fb9b9d4a7094beed625d75f2b49912d294b836ae677973d071",
    4000,
    0.419566,
    0.694074,
)
_RU_EN = _nmt(
    "ted-ru-en", "a4ef764c9bf7f343884701ee4b9395be3087802e0353b8291144a6ce8170f698", 10800, 13.7478, 22.7764
)
_FR_EN = _nmt(
    "fr-en", "ae3a16121e7a6fb978f247086083eed444a9699554a0eb3338e95da5612c7f53", 10800, 2.21239, 2.30916
)
_LCBENCH_167200 = _lcbench(
    "167200", "893f63210a0598265f7663e00cf564a0a7fed329a345b038e2e0c21a8076e2e7", 300, 75.8839, 61.1777
)
_CIFAR10 = _nasbench201(
    "cifar10-valid",
    "2aad091a751f44f9a93201a4b8e74154e3e7232acfe6549162e1a383981f9a06",
    43200,
    8.316,
    12.66,
)
_CIFAR100 = _nasbench201(
    "cifar100", "8dee9066a5c77b9f9e29d485c701c992dd7f8cb8a23b7f66576606e1a29503e5", 86400, 26.28, 34.74
)

_STANDARD = (
    _NLP,
    _IRNN,
    _LSTM,
    _GRU,
    _RU_EN,
    _FR_EN,
    _LCBENCH_167200,
    _CIFAR10,
    _CIFAR100,
)
_FULL = (
    *_STANDARD,
    _lcbench(
        "189862", "0984ba7dd81dabadf032c612ee1ae5148ba283dc3384181172b06ec6a62ba0ff", 300, 87.9991, 77.5923
    ),
    _nmt(
        "material-so-en",
        "0e6a3c9b87b14cecb7d409b426a1af03eefcd6af8f9c0806c2667c3f756e8613",
        10800,
        14.8933,
        53.7132,
    ),
    _nmt(
        "material-sw-en",
        "4096b2b3c759320a5ccabe5c9f0f1f060d2d7027b6d04deefbf1cf91b6ba4e9d",
        10800,
        6.70101,
        24.1309,
    ),
    _nmt(
        "robust19-en-ja",
        "af96608dc683384d9129c3aef7ba9e3d3dbbbac6f8edbb747908f70fe21d02c2",
        43200,
        5.99772,
        9.25859,
    ),
    _nmt(
        "robust19-ja-en",
        "db0f46297d133ebdac51707844c737679e367f8638a8ccf875a9a0005be63baf",
        43200,
        8.58457,
        14.0388,
    ),
    _nmt(
        "ted-zh-en",
        "26318fd788d2fb078573e7567c19e3bf60405006e8f6b3ca3458fb734982f9d1",
        10800,
        24.2817,
        29.0711,
    ),
    _nmt(
        "zh-en", "12271dbda72260c164bdd360dcea65c07ee840a9679269b97c9d117a9f6d1c74", 10800, 2.76055, 2.93642
    ),
    _lcbench(
        "7593", "b71a76d586f97ea6bb42eeeaf5af6eaad73e3e59b480a75f16a632312259c497", 2400, 84.2423, 57.1463
    ),
    _lcbench(
        "3945", "2836e0b6452dfe9bdcb4674187e54167d08f350831dbe279fd0d1984bed87b32", 600, 99.5958, 89.8952
    ),
    _nasbench201(
        "ImageNet16-120",
        "d1336a4af456ea874b25b4eb8962568ce69103b6a0a37f2d6fba79ba04974210",
        259200,
        52.8667,
        63.4667,
    ),
)

_CHANGED_FACTS: Mapping[str, tuple[str, float, float]] = {
    "yahpo-lcbench/167200": (
        "9691ff2845ca7b683a493d8ecc4a05444ca49b17427be1751f3b392f95a752d3",
        75.1746,
        61.1571,
    ),
    "nasbench201-final/cifar10-valid": (
        "1285d507427e78252f643dd5dd1fa68579e38f1fcce1bdced825b5f3f9135989",
        8.316,
        12.66,
    ),
    "nasbench201-final/cifar100": (
        "00e94ab60c6b804ef395462413d2d444bb374eb25521cfa27f8b760970c9d8f8",
        26.28,
        34.74,
    ),
    "yahpo-lcbench/189862": (
        "c89001176e5dc18a231c5187e642acfa087895ee997888109b15bcc5a516cb3c",
        89.3636,
        77.2524,
    ),
    "yahpo-lcbench/7593": (
        "0823fe5b92b202d8bd59b4da9edb1e5ffdea61044b964ec7a4d35368d4dcc9e7",
        81.0769,
        57.3222,
    ),
    "yahpo-lcbench/3945": (
        "e0e2b34de92fa39d95e3b60f670cf5801d6a2501471c52861335a46b9fa0c182",
        99.5252,
        90.2165,
    ),
    "nasbench201-final/ImageNet16-120": (
        "7cc4a8b6db18e824087a60c6db3c3b2f4bf0590685d86248770e4c87299a6713",
        52.8667,
        63.4667,
    ),
}
"""Case -> digest, best and typical value in the second versions of the suites, where they have changed.

benchmarks/suite_facts.py prints them.
"""


def _second_version(cases: Sequence[Case]) -> tuple[Case, ...]:
    return tuple(map(_update, cases))


def _update(case: Case) -> Case:
    digest, best, typical = _CHANGED_FACTS.get(case.name, (case.digest, case.best, case.typical))
    return replace(case, digest=digest, best=best, typical=typical)


_ALL = (
    *(Suite("smoke-1", (_NLP, _GRU), 20), Suite("standard-1", _STANDARD, 60), Suite("full-1", _FULL, 200)),
    Suite("smoke-2", _second_version((_NLP, _GRU)), 20),
    Suite("standard-2", _second_version(_STANDARD), 60),
    Suite("full-2", _second_version(_FULL), 200),
)

SUITES: Mapping[str, Suite] = {suite.name: suite for suite in _ALL}
"""Name with version -> suite; old versions are kept."""

NEWEST: Mapping[str, str] = {name.partition("-")[0]: name for name in SUITES}
"""Name without version -> name of the newest version."""


def find_suite(name: str) -> Suite:
    """The suite of a name.

    Args:
        name: A name with its version, or without it for the newest version.

    Raises:
        UnknownName: There is no such suite.
    """
    full = NEWEST.get(name, name)
    if full not in SUITES:
        raise UnknownName("suite", name, [*NEWEST, *SUITES])
    return SUITES[full]
