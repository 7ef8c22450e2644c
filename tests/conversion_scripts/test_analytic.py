"""Columns that follow from the architecture, counted layer by layer, in every row of the embedded tables."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from blackbox_repo import load_blackbox
from conversion_scripts.recipes.shared.nasbench201_cell import CLASSES, count_weights

# --- NAS-Bench-201 ------------------------------------------------------------------------------------------


def modules(configuration: dict[str, Any], classes: int) -> int:
    """TinyNetwork of the official code, module by module."""
    channels, count = 16, 3 * 16 * 9 + 2 * 16  # stem: convolution, batch normalization
    for stage in range(3):
        if stage:  # ResNetBasicblock of stride 2, its shortcut a pooling and a convolution
            wide = 2 * channels
            count += (channels * wide * 9 + 2 * wide) + (wide * wide * 9 + 2 * wide) + channels * wide
            channels = wide
        for _ in range(5):  # InferCell
            for operation in configuration.values():
                if operation == "nor_conv_1x1":
                    count += channels * channels + 2 * channels
                elif operation == "nor_conv_3x3":
                    count += channels * channels * 9 + 2 * channels
    return count + 2 * channels + channels * classes + classes  # last normalization, classifier


@pytest.mark.parametrize("task", ["cifar10-valid", "cifar100", "ImageNet16-120"])
def test_nasbench201_has_the_weights_of_its_cells(task: str) -> None:
    blackbox = load_blackbox("nasbench201-final")[task]
    expected = np.array([modules(cell, CLASSES[task]) for cell in blackbox.configurations()])
    assert np.array_equal(np.rint(blackbox.values("parameters")[:, 0, 0] * 1e6), expected)
    differs = expected / 1e6 != np.array(blackbox.label("source_parameters"))
    assert differs.sum() == 150  # which the source has of another cell


def test_the_counts_that_the_official_benchmark_prints() -> None:
    names = ["op_1_from_0", "op_2_from_0", "op_2_from_1", "op_3_from_0", "op_3_from_1", "op_3_from_2"]
    empty, full = dict.fromkeys(names, "none"), dict.fromkeys(names, "nor_conv_3x3")
    assert count_weights(empty, 10) == 73_306  # 0.073306 M, the smallest of the benchmark
    assert count_weights(full, 10) == 1_531_546  # 1.531546 M, the largest
    assert count_weights(full, 100) - count_weights(full, 10) == 90 * 65


# --- NAS-Bench-Macro ----------------------------------------------------------------------------------------

STAGES = {1: (32, 64, 32), 2: (64, 64, 16), 3: (64, 128, 16), 4: (128, 128, 8), 5: (128, 128, 8)} | {
    6: (128, 256, 8),
    7: (256, 256, 4),
    8: (256, 256, 4),
}  # layer -> channels in, channels out, width of the picture
BLOCKS = {"MB3_K3": (3, 3), "MB6_K5": (6, 5)}  # expansion, kernel


def macro(configuration: dict[str, Any]) -> tuple[int, int]:
    """Weights and multiplications: a stem, eight layers, a convolution to 1,280 channels, a classifier."""
    weights, products = 3 * 32 * 9 + 2 * 32, 3 * 32 * 9 * 32**2
    for layer, (inputs, outputs, width) in STAGES.items():
        after = width if inputs == outputs else width // 2
        if configuration[f"layer_{layer}"] in BLOCKS:
            expansion, kernel = BLOCKS[configuration[f"layer_{layer}"]]
            inner = expansion * inputs
            weights += (inputs + kernel**2 + outputs) * inner + 4 * inner + 2 * outputs
            products += inputs * inner * width**2 + (kernel**2 + outputs) * inner * after**2
        elif inputs != outputs:  # an identity that changes the channels is a convolution
            weights += inputs * outputs + 2 * outputs
            products += inputs * outputs * after**2
    weights += 256 * 1280 + 2 * 1280 + 1280 * 10 + 10
    return weights, products + 256 * 1280 * 4**2 + 1280 * 10


def test_nasbench_macro_has_the_weights_and_operations_of_its_layers() -> None:
    blackbox = next(iter(load_blackbox("nasbench-macro").values()))
    expected = np.array([macro(dict(configuration)) for configuration in blackbox.configurations()])
    for column, name in enumerate(("params", "flops")):
        assert np.array_equal(blackbox.values(name)[:, 0, 0], expected[:, column]), name


# --- NAS-Bench-NLP ------------------------------------------------------------------------------------------

WORDS, EMBEDDING, HIDDEN = 33_278, 400, 600  # of WikiText-2, and of the cells: 400 -> 600 -> 600 -> 400


def nlp(recipe: str) -> int:
    """Three layers of the cell between an embedding and a decoder that share their weights."""
    count = WORDS * EMBEDDING + WORDS
    for inputs, outputs in ((EMBEDDING, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, EMBEDDING)):
        for node in json.loads(recipe).values():
            if node["op"] == "linear":
                widths = [inputs if name == "x" else outputs for name in node["input"]]
                count += sum(widths) * outputs + outputs
    return count


def test_nasbench_nlp_has_the_weights_of_its_cells() -> None:
    blackbox = load_blackbox("nasbench-nlp")["wikitext-2"]
    expected = [nlp(recipe) for recipe in blackbox.label("recipe")]
    assert blackbox.values("parameters")[:, 0, 0].tolist() == expected


# --- NMT ----------------------------------------------------------------------------------------------------

# language pair -> byte pairs asked for -> words that there are, as the weights of all models say
VOCABULARIES = {
    "zh-en": {10_000: 28_244, 30_000: 28_244, 50_000: 28_244},
    "ru-en": {10_000: 10_004, 30_000: 28_359, 50_000: 42_767},
    "ja-en": {10_000: 10_004, 30_000: 30_004, 50_000: 50_004},
    "en-ja": {10_000: 10_004, 30_000: 30_004, 50_000: 50_004},
    "sw-en": {1000: 1004, 2000: 2004, 4000: 4004, 8000: 7800, 16_000: 14_760, 32_000: 21_211},
    "so-en": {1000: 1004, 2000: 2004, 4000: 4004, 8000: 7802, 16_000: 14_447, 32_000: 16_738},
}


@pytest.mark.parametrize("pair", VOCABULARIES)
def test_nmt_has_the_weights_of_its_transformers(pair: str) -> None:
    blackbox = load_blackbox("nmt-hpo")[pair]
    rest: dict[int, set[float]] = {}
    counts = blackbox.values("num_params")[:, 0, 0].tolist()
    for configuration, counted in zip(map(dict, blackbox.configurations()), counts, strict=True):
        names = ("bpe_symbols", "num_layers", "num_embed", "feed_forward_num_hidden")
        size, layers, width, inner = (int(str(configuration[name])) for name in names)
        # attention of encoder and decoder (4 + 8), two layers each forward, normalizations, biases
        blocks = layers * (12 * width**2 + 4 * width * inner + 12 * width + 2 * inner)
        rest.setdefault(size, set()).add((counted - blocks - VOCABULARIES[pair][size]) / width)
    # what is left is a multiple of the width that depends on the vocabularies alone: embeddings of both sides
    assert all(len(found) == 1 and float(*found).is_integer() for found in rest.values())
    assert len({*map(frozenset, rest.values())}) == (1 if pair == "zh-en" else len(rest))
    if pair not in ("zh-en", "ru-en", "sw-en", "so-en"):
        assert rest == {size: {3 * words + 4} for size, words in VOCABULARIES[pair].items()}
