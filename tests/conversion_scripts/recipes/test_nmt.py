"""NMTHPO and NMTLC against their raw files: every value, read without our code."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd
import pytest

from blackbox_repo.store.manifest import read_manifest
from tests.conversion_scripts.frames import CACHE, needs_raw, raw_bytes, raw_pickle, same, stored

pytestmark = needs_raw
PAIRS = ["zh-en", "ru-en", "ja-en", "en-ja", "sw-en", "so-en"]
HYPERPARAMETERS = [
    *("bpe_symbols", "num_layers", "num_embed", "feed_forward_num_hidden", "attention_heads", "initial_lr")
]
RESULTS = ["dev_bleu", "dev_gpu_time", "dev_perplexity", "num_updates", "gpu_memory", "num_params"]
CORPORA = [
    *("material-so-en", "material-sw-en", "robust19-en-ja", "robust19-ja-en", "ted-ru-en", "ted-zh-en"),
    *("fr-en", "zh-en"),
]


def tsv(name: str, columns: list[str]) -> pd.DataFrame:
    content = io.BytesIO(raw_bytes(f"nmt/datasets/{name}"))
    return pd.read_csv(content, sep="\t", names=columns, dtype=str).map(float)


@pytest.mark.parametrize("pair", PAIRS)
def test_final_results(pair: str) -> None:
    expected = pd.concat([tsv(f"{pair}.hyps", HYPERPARAMETERS), tsv(f"{pair}.evals", RESULTS)], axis=1)
    expected["gpu_memory"] = expected.gpu_memory.replace(0, np.nan)
    expected["seed"] = 0
    found = stored("nmt-hpo", pair)
    pd.testing.assert_frame_equal(found[list(expected)], expected, check_exact=True, check_dtype=False)
    assert set(found) == set(expected)


def test_models_without_a_known_memory() -> None:
    unknown = [int(stored("nmt-hpo", pair).gpu_memory.isna().sum()) for pair in PAIRS]
    assert (unknown, sum(unknown)) == ([1, 0, 0, 0, 25, 9], 35)
    assert sum(len(stored("nmt-hpo", pair)) for pair in PAIRS) == 1983


@pytest.mark.parametrize("pair", PAIRS)
def test_what_is_left_out_follows_from_what_is_there(pair: str) -> None:
    """The scaling is that of the source's README; its fronts weigh BLEU against the time to translate."""
    found = stored("nmt-hpo", pair)
    bpe = np.log2(found.bpe_symbols / 1000) / 5
    layers, most = found.num_layers - found.num_layers.min(), found.num_layers.max() - found.num_layers.min()
    expected = pd.DataFrame(
        {
            "bpe_symbols": bpe if pair[0] == "s" else (found.bpe_symbols - 10_000) / 40_000,
            "num_layers": layers / most,
            "num_embed": (np.log2(found.num_embed) - 8) / 2,
            "feed_forward_num_hidden": (found.feed_forward_num_hidden - 1024) / 1024,
            "attention_heads": (found.attention_heads - 8) / 8,
            "initial_lr": (found.initial_lr - 0.0003) / 0.0007,
        }
    )
    assert np.abs(expected - tsv(f"{pair}.hyps_scaled", HYPERPARAMETERS)).max().max() < 1e-3
    fronts = tsv(f"{pair}.fronts", ["front"]).front.to_numpy(dtype=bool)
    bleu, seconds = found.dev_bleu.to_numpy(), found.dev_gpu_time.to_numpy()
    beaten = [
        ((bleu >= b) & (seconds <= s) & ((bleu > b) | (seconds < s))).any()
        for b, s in zip(bleu, seconds, strict=True)
    ]
    assert np.array_equal(fronts, ~np.array(beaten))


def records(corpus: str) -> list[dict[str, Any]]:
    return [record for record in raw_pickle("nmt/lc_datasets/nmtlc.pkl") if record["dataset_name"] == corpus]


@pytest.mark.parametrize("corpus", CORPORA)
def test_curves(corpus: str) -> None:
    rows, seen = [], {}
    for record in records(corpus):
        setting = {"base_model": record["basemodel"], **record["hyperparams"]}
        del setting["dataset_size"]
        seed = seen[tuple(setting.values())] = seen.get(tuple(setting.values()), -1) + 1
        bleus = record.get("bleu_curve", [np.nan] * len(record["perplexity_curve"]))
        for k, (perplexity, bleu) in enumerate(zip(record["perplexity_curve"], bleus, strict=True)):
            rows.append({**setting, "seed": seed, "point": k, "perplexity": perplexity, "bleu": bleu})
    found = stored("nmt-curves", corpus).explode(["perplexity", "bleu"])
    found[["perplexity", "bleu"]] = found[["perplexity", "bleu"]].astype(float)
    names = list(rows[0])[:-4]
    found["point"] = found.groupby([*names, "seed"]).cumcount()
    same(found, pd.DataFrame(rows), [*names, "seed", "point"])


def test_curves_are_ragged() -> None:
    lengths = np.concatenate([stored("nmt-curves", corpus).perplexity.map(len) for corpus in CORPORA])
    assert (len(lengths), lengths.min(), lengths.max()) == (2483, 2, 569)
    assert lengths.sum() == 126_074


def test_titles_say_what_all_curves_of_a_corpus_share() -> None:
    for corpus in CORPORA:
        shared = {
            (r["src"], r["trg"], r["hyperparams"]["dataset_size"], r["max_len"]) for r in records(corpus)
        }
        ((source, target, size, most),) = shared
        assert read_manifest(CACHE / "nmt-curves").task(corpus).title == (
            f"{source} to {target}, {size:,} sentence pairs, at most {most} checkpoints"
        )


def test_the_best_of_each_curve_is_the_one_that_the_source_names() -> None:
    for record in raw_pickle("nmt/lc_datasets/nmtlc.pkl"):
        assert min(record["perplexity_curve"]) == record["perplexity_optimal"]
        assert max(record.get("bleu_curve", [0])) == record.get("bleu_optimal", 0)
    for corpus in CORPORA:
        best = read_manifest(CACHE / "nmt-curves").task(corpus).best
        assert best["perplexity"].value == min(record["perplexity_optimal"] for record in records(corpus))


def test_repeated_configurations_are_what_the_card_says() -> None:
    sizes, doubled = [], 0
    for corpus in CORPORA:
        found = stored("nmt-curves", corpus)
        groups = found.groupby(list(found)[:8])
        sizes += groups.size().tolist()
        doubled += sum(len({tuple(curve) for curve in group.perplexity}) < len(group) for _, group in groups)
    assert (len(sizes), max(sizes), doubled) == (1392, 6, 24)
