"""The tables of old public names, each with the new name; :mod:`blackbox_repo.deprecated` looks them up.

People who rename something public add a row here. An old name works for one more release; then its row goes.
"""

from __future__ import annotations

_MOVED = {
    ("blackbox_repo", "blackbox_repo.numeric"): "elementary rounding scalars",
    (
        "blackbox_repo",
        "blackbox_repo.store",
    ): "arrow_table cache lock manifest parquet parquet_checks self_description storage",
    ("blackbox_repo", "blackbox_repo.text"): "console plain_text progress streams terminal",
    ("conversion_scripts", "conversion_scripts.raw"): "archives download",
    ("conversion_scripts", "conversion_scripts.readers"): """
        csv_columns hdf5 json_stream onnx_graph onnx_network pickle_keys pickle_size
        pickle_stream points safe_pickle
    """,
    ("conversion_scripts", "conversion_scripts.recipes"): """
        fcnet hpob hpobench_mlp lcbench nasbench_macro nmt pd1 tabrepo_lightgbm taskset
        yahpo_iaml yahpo_lcbench yahpo_nb301 yahpo_rbv2
    """,
    ("conversion_scripts", "conversion_scripts.recipes.shared"): "nats_bench yahpo",
    ("simulator", "simulator.cli"): "command options scheduler_page step_plot summary",
    ("simulator", "simulator.kernel"): "cluster curves events segments timing trace",
    ("simulator", "simulator.results"): "columns difference front run run_tables saved_run",
    ("simulator", "simulator.settings"): "conditions decision_time delays distributions failures stopping",
    ("simulator", "simulator.wrappers"): "generator log",
    (
        "simulator.regression",
        "simulator.quality",
    ): "check comparison golden markdown page results scores signed_rank suites",
}
"""Old and new package -> modules that have kept their names."""

MODULES = {
    **{f"{old}.{name}": f"{new}.{name}" for (old, new), names in _MOVED.items() for name in names.split()},
    "blackbox_repo.description": "blackbox_repo.cli.description",
    "blackbox_repo.draw": "blackbox_repo.keyed_random",
    "blackbox_repo.folders": "blackbox_repo.store.atomic_directory",
    "blackbox_repo.manifest_file": "blackbox_repo.store.manifest",
    "blackbox_repo.nearest": "blackbox_repo.views.nearest",
    "blackbox_repo.one_by_one": "blackbox_repo.store.lazy_tables",
    "blackbox_repo.surrogate.examples": "blackbox_repo.surrogate.training_data",
    "blackbox_repo.surrogate.fitted": "blackbox_repo.views.fitted",
    "blackbox_repo.view": "blackbox_repo.views.base",
    "blackbox_repo.words": "blackbox_repo.text.humanize",
    "conversion_scripts.completeness": "conversion_scripts.expected_size",
    "conversion_scripts.connections": "blackbox_repo.transfer.retry",
    "conversion_scripts.icml2020": "conversion_scripts.recipes.icml",
    "conversion_scripts.nas_bench_graph": "conversion_scripts.recipes.nasbench_graph",
    "conversion_scripts.nas_bench_nlp": "conversion_scripts.recipes.nasbench_nlp",
    "conversion_scripts.nasbench201": "conversion_scripts.recipes.nasbench201_final",
    "conversion_scripts.nats_cards": "conversion_scripts.recipes.shared.nats_bench",
    "conversion_scripts.places": "conversion_scripts.raw.locate",
    "conversion_scripts.raw.connections": "blackbox_repo.transfer.retry",
    "conversion_scripts.raw.hashes": "blackbox_repo.transfer.hashes",
    "conversion_scripts.signatures": "conversion_scripts.raw.file_type",
    "simulator.adapters.global_state": "simulator.global_state",
    "simulator.adapters.isolated": "simulator.wrappers.isolated",
    "simulator.attention": "simulator.kernel.dispatch",
    "simulator.ending": "simulator.kernel.shutdown",
    "simulator.keeping": "simulator.cli.run_folder",
    "simulator.loop": "simulator.kernel.simulation",
    "simulator.losses": "simulator.kernel.preemption",
    "simulator.patience": "simulator.wrappers.call_timeout",
    "simulator.progress": "simulator.cli.run_progress",
    "simulator.regression": "simulator.quality",
    "simulator.regression.ci": "simulator.cli.ci",
    "simulator.result": "simulator.results.build",
    "simulator.schedulers.exact": "simulator.schedulers.exact_fractions",
    "simulator.schedulers.final_loss": "simulator.schedulers.full_training",
    "simulator.schedulers.fronts": "simulator.schedulers.pareto_fronts",
    "simulator.schedulers.listing": "simulator.cli.scheduler_list",
    "simulator.schedulers.loss": "simulator.schedulers.objective_loss",
    "simulator.schedulers.positions": "blackbox_repo.distance",
    "simulator.schedulers.registry": "simulator.registry",
    "simulator.schedulers.settings": "simulator.scheduler_settings",
    "simulator.seeds": "simulator.kernel.training_seeds",
    "simulator.server": "simulator.kernel.request_queue",
    "simulator.state": "simulator.run_state",
    "simulator.story": "simulator.results.timeline",
    "simulator.story_page": "simulator.cli.timeline_page",
    "simulator.suggestions": "simulator.kernel.jobs",
    "simulator.tally": "simulator.kernel.limits",
    "simulator.testing.elsewhere": "simulator.testing.subprocess_run",
}
"""Old module -> the module that has its names now."""

NAMES: dict[str, dict[str, str]] = {
    "blackbox_repo.distance": {"at_place": "at_position", "place": "position", "places": "positions"},
    "blackbox_repo.pytest_plugin": {"entered": "enter"},
    "blackbox_repo.roots": {
        "PATH_VARIABLE": "blackbox_repo.roots.settings:PATH_VARIABLE",
        "find_missing_packages": "blackbox_repo.roots.packages:find_missing_packages",
    },
    "blackbox_repo.row_checks": {"checked": "check_table"},
    "blackbox_repo.store.atomic_directory": {
        "appearing": "atomic_directory",
        "full_disk_named": "name_full_disk",
        "on_disk": "sync_to_disk",
        "reserved": "reserve",
    },
    "blackbox_repo.store.lazy_tables": {"OneByOne": "LazyTables"},
    "blackbox_repo.store.lock": {"Occupied": "blackbox_repo.errors:AlreadyLocked", "alone": "exclusive"},
    "blackbox_repo.store.manifest": {
        "Best": "BestKnown",
        "Default": "TuningDefaults",
        "Source": "SourceFile",
    },
    "blackbox_repo.store.parquet_checks": {"Place": "ColumnRule", "places": "column_rules"},
    "blackbox_repo.surrogate.training_data": {"Examples": "TrainingData"},
    "blackbox_repo.text.humanize": {"counted": "format_count", "in_words": "format_duration"},
    "blackbox_repo.text.progress": {
        "Lines": "LineReporter",
        "Teller": "ProgressReporter",
        "told": "report_progress",
    },
    "blackbox_repo.text.terminal": {"wrapped": "wrap"},
    "blackbox_repo.transfer.retry": {
        "PATIENT": "DEFAULT_POLICY",
        "Pace": "RateCheck",
        "Patience": "RetryPolicy",
        "make_opener": "blackbox_repo.transfer.connections:make_opener",
        "opener": "blackbox_repo.transfer.connections:make_opener",
    },
    "blackbox_repo.views.nearest": {"position": "blackbox_repo.distance:coordinate"},
    "blackbox_repo.yahpo_suites": {"MEMBERS": "PROBLEMS", "Member": "SuiteProblem"},
    "conversion_scripts.build": {"check_place": "check_target"},
    "conversion_scripts.expected_size": {
        "Whole": "ExpectedSize",
        "marked": "note_shortfall",
        "shortfall": "describe_shortfall",
    },
    "conversion_scripts.raw.archives": {
        "opened": "open_member",
        "seekable": "make_seekable",
        "unpacked": "decompress",
    },
    "conversion_scripts.raw.download": {
        "LARGEST": "blackbox_repo.transfer.download:LARGEST",
        "PATIENT": "DEFAULT_POLICY",
        "Patience": "RetryPolicy",
        "packing_fetched": "variant_to_download",
        "place": "source_url",
    },
    "conversion_scripts.raw.file_type": {"mismatch": "find_mismatch"},
    "conversion_scripts.raw.locate": {"located": "locate_path", "located_unpacked": "locate_members"},
    "conversion_scripts.readers.hdf5": {"columns": "read_columns", "opened": "open_file"},
    "conversion_scripts.readers.onnx_graph": {"graph_of": "read_graph", "parsed": "parse_model"},
    "conversion_scripts.recipes.nasbench201_final": {
        "weights_of": "conversion_scripts.recipes.shared.nasbench201_cell:count_weights"
    },
    "simulator": {"recorded": "simulator.results.run:Run.decision_times"},
    "simulator.adapters.ask_tell": {"Job": "Proposal"},
    "simulator.adapters.ax": {"decoded": "decode", "encoded": "encode"},
    "simulator.adapters.config_space": {"decoded": "decode", "encoded": "encode"},
    "simulator.adapters.fidelities": {"reaching": "fidelity_reaching", "smallest": "smallest_budget"},
    "simulator.adapters.hyperopt_space": {"decoded": "decode", "encoded": "encode"},
    "simulator.adapters.library": {
        "absent_parts": "missing_packages",
        "check_made": "check_kind",
        "check_makes": "check_callable",
        "class_in": "find_class",
        "library_seed": "simulator.global_state:library_seed",
        "objectives_of": "check_objectives",
        "said": "describe_error",
        "settings_of": "check_settings",
    },
    "simulator.adapters.nevergrad_space": {"decoded": "decode", "encoded": "encode"},
    "simulator.adapters.nni_space": {"decoded": "decode", "in_choices": "to_choices"},
    "simulator.adapters.optuna": {"suggested": "suggest_configuration"},
    "simulator.adapters.ray_tune_space": {"clipped": "clip_numbers", "decoded": "decode"},
    "simulator.adapters.smac": {"in_order": "order_local_search"},
    "simulator.adapters.syne_tune": {
        "Told": "Results",
        "found": "find_scheduler",
        "parameters": "parameters_of",
    },
    "simulator.adapters.syne_tune_space": {"decoded": "decode", "encoded": "encode"},
    "simulator.adapters.tree": {"owners_in": "find_owners"},
    "simulator.cli.ci": {"failed": "is_failure"},
    "simulator.cli.command": {"optimized": "optimized_objectives"},
    "simulator.cli.options": {
        "duration": "parse_duration",
        "find_problem": "simulator.problem:find_problem",
        "grouped_settings": "group_settings",
    },
    "simulator.cli.run_folder": {"claimed": "claim", "kept": "save_failed", "left": "describe_resume"},
    "simulator.cli.scheduler_list": {
        "Described": "SchedulerInfo",
        "described_libraries": "list_libraries",
        "described_schedulers": "list_schedulers",
    },
    "simulator.cli.timeline_page": {"print_story": "print_trial"},
    "simulator.global_state": {"ALONE": "PROCESS_LOCK", "hushed": "silence"},
    "simulator.quality.golden": {"short": "format_configuration"},
    "simulator.quality.markdown": {"markdown": "format_markdown"},
    "simulator.quality.page": {"page": "format_page"},
    "simulator.results.build": {"description": "describe_scheduler", "header": "describe_run"},
    "simulator.results.difference": {"first_difference": "find_first_difference"},
    "simulator.results.front": {"front": "compute_front"},
    "simulator.results.timeline": {
        "Moment": "TimelineEntry",
        "Occupation": "WorkerState",
        "cluster_at": "describe_workers",
        "story_of_trial": "describe_trial",
    },
    "simulator.scheduler_settings": {"shown": "format_call"},
    "simulator.schedulers.full_training": {"FinalLoss": "FullTraining"},
    "simulator.schedulers.mo_asha": {"chosen": "choose_objectives"},
    "simulator.schedulers.objective_loss": {"loss_of": "objective_loss"},
    "simulator.schedulers.pareto_fronts": {"Fronts": "ParetoFronts"},
    "simulator.schedulers.pbt": {"milestones": "compute_milestones"},
    "simulator.schedulers.rungs": {
        "MAX_POWERS": "simulator.schedulers.rung_levels:MAX_POWERS",
        "rung_levels": "simulator.schedulers.rung_levels:compute_rungs",
    },
    "simulator.settings.decision_time": {"recorded": "simulator.results.run:Run.decision_times"},
    "simulator.testing": {"CIRCUMSTANCES": "CONDITIONS"},
    "simulator.testing.contract": {"CIRCUMSTANCES": "CONDITIONS"},
    "simulator.testing.goldens": {"written": "write_and_fail"},
    "simulator.testing.observers": {"Chatty": "NeverSkipped", "Watched": "CheckedScheduler"},
    "simulator.testing.simulation": {"Simulated": "simulator.problem:Setup"},
    "simulator.testing.subprocess_run": {
        "can_be_imported": "is_importable",
        "digest_elsewhere": "digest_in_subprocess",
        "main": "simulator.testing.subprocess_main:main",
    },
    "simulator.wrappers.call_timeout": {"Patient": "TimeLimited", "check_patience": "check_call_timeout"},
}
"""Module of today -> old name in it -> new name, or ``module:name`` if that is in another module."""

ARGUMENTS: dict[str, dict[str, str]] = {
    "conversion_scripts.raw.download.download": {"patience": "retry"},
    "conversion_scripts.recipe.Recipe": {"whole": "expected_size"},
    "simulator.api.simulate": {"patience": "call_timeout"},
}
"""``module.function`` or ``module.Class`` of today -> old argument -> new argument."""

ATTRIBUTES: dict[str, dict[str, str]] = {
    "simulator.quality.suites.Case": {
        "blackbox": "benchmark.blackbox",
        "seconds_per_unit": "benchmark.seconds_per_unit",
        "task": "benchmark.task",
        "workers": "benchmark.workers",
    },
    "simulator.testing.contract.SchedulerContract": {"circumstances": "conditions", "made": "make"},
}
"""``module.class`` of today -> old attribute or method -> new one; the class needs :func:`attributes`."""

OPTIONS: dict[str, dict[str, str]] = {"bb-sim": {"--patience": "--call-timeout"}}
"""Program, such as ``bb-sim`` -> old option -> new option."""
