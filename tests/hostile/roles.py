"""Command lines around one file, by what the file is to the command."""

from dipy_tractogen.workflows.cli import build_parser, cli_flows, load_flow

SMALL = ["--epochs", "1", "--nb_points", "16", "--latent_dim", "2"]
SWEEP = [*SMALL, "--held_out", "0.3", "--betas", "0", "1"]
TWO = ["--nb_streamlines", "2"]

CHEAP = {
    "reconstruct": lambda good, path: [good.model, path],
    "encode": lambda good, path: [good.model, path],
    "average": lambda good, path: [good.model, path],
    "mix, first": lambda good, path: [good.model, path, good.bundles[1]],
    "mix, second": lambda good, path: [good.model, good.bundles[1], path],
    "filter": lambda good, path: [
        *(good.model, path, "--reference_files", *good.bundles),
    ],
    "filter, reference_files": lambda good, path: [
        *(good.model, good.bundles[0], "--reference_files", path),
    ],
    "filter, invalid_files": lambda good, path: [
        *(good.model, good.bundles[0], "--reference_files", *good.bundles),
        *("--invalid_files", path),
    ],
    "label": lambda good, path: [
        *(good.model, path, "--reference_files", *good.bundles),
    ],
    "label, reference_files": lambda good, path: [
        *(good.model, good.bundles[0], "--reference_files", path, good.bundles[1]),
    ],
    "predict": lambda good, path: [good.regression, path],
    "generate, seed_streamlines": lambda good, path: [
        *(good.model, *TWO, "--seed_streamlines", path),
    ],
    "generate, atlas_streamlines": lambda good, path: [
        *(good.model, *TWO, "--seed_streamlines", good.bundles[0]),
        *("--atlas_streamlines", path),
    ],
    "generate, train_files": lambda good, path: [
        *(good.model, *TWO, "--train_files", path, "--min_novelty", "0.1"),
    ],
    "generate, reference": lambda good, path: [good.model, *TWO, "--reference", path],
    "evaluate, generated": lambda good, path: [
        *(path, *good.bundles, "--nb_bootstrap", "0"),
    ],
    "evaluate, real": lambda good, path: [good.synthetic, path, "--nb_bootstrap", "0"],
    "evaluate, train_files": lambda good, path: [
        *(good.synthetic, *good.bundles, "--train_files", path),
        *("--nb_bootstrap", "0"),
    ],
}
"""Those that take a fraction of a second though the file turns out to be good."""

ALL = {
    **CHEAP,
    "train_vae": lambda good, path: [path, *SMALL],
    "train_ae": lambda good, path: [good.bundles[1], path, *SMALL],
    "train_cvae": lambda good, path: [good.bundles[1], path, *SMALL],
    "train_rvae": lambda good, path: [path, *SMALL],
    "train_aae": lambda good, path: [path, *SMALL],
    "sweep": lambda good, path: [*good.bundles[1:], path, *SWEEP],
    "import_weights, training_files": lambda good, path: [
        *(good.checkpoint, "--training_files", path),
    ],
    "explore": lambda good, path: [good.model, path],
    "render": lambda good, path: [path],
    "render, compare_with": lambda good, path: [
        *(good.bundles[0], "--compare_with", path),
    ],
    "report, real_files": lambda good, path: [good.model, "--real_files", path],
    "report, generated_files": lambda good, path: [
        *(good.model, "--generated_files", path),
    ],
}
"""All that read a tractogram."""

MODELS = {
    "share": lambda good, path: [path],
    "generate": lambda good, path: [path, "--nb_streamlines", "3"],
    "reconstruct": lambda good, path: [path, good.bundles[0]],
    "encode": lambda good, path: [path, good.bundles[0]],
    "average": lambda good, path: [path, good.bundles[0]],
    "mix": lambda good, path: [path, good.bundles[0], good.bundles[1]],
    "filter": lambda good, path: [
        *(path, good.bundles[0], "--reference_files", *good.bundles),
    ],
    "label": lambda good, path: [
        *(path, good.bundles[0], "--reference_files", *good.bundles),
    ],
    "evaluate": lambda good, path: [
        *(good.synthetic, *good.bundles, "--model_file", path),
        *("--nb_bootstrap", "0"),
    ],
    "report": lambda good, path: [path],
    "explore": lambda good, path: [path, good.bundles[0]],
}
"""Those that read a model."""

OUT = object()
"""Stands for the folder of the outputs, where a command takes no ``--out_dir``."""

TRAININGS = [command for command in cli_flows if "train" in command]
LINES = {
    **{command: lambda good: [good.bundles[0], *SMALL] for command in TRAININGS},
    "dipy_sweep_beta": lambda good: [*good.bundles, *SWEEP],
    "dipy_import_weights": lambda good: [good.checkpoint],
    "dipy_share_model": lambda good: [good.large],
    "dipy_describe_model": lambda good: [good.model, "--out_card", "card.md"],
    "dipy_generate_streamlines": lambda good: [good.model, *TWO],
    "dipy_mix_streamlines": lambda good: [good.model, *good.bundles[:2]],
    "dipy_average_streamlines": lambda good: [good.model, good.bundles[0]],
    "dipy_reconstruct_streamlines": lambda good: [good.model, good.bundles[0]],
    "dipy_encode_streamlines": lambda good: [good.model, good.bundles[0]],
    "dipy_filter_streamlines": lambda good: [
        *(good.model, good.bundles[0], "--reference_files", *good.bundles),
    ],
    "dipy_label_streamlines": lambda good: [
        *(good.model, good.bundles[0], "--reference_files", *good.bundles),
    ],
    "dipy_predict_attribute": lambda good: [good.regression, good.bundles[0]],
    "dipy_explore_latent": lambda good: [good.model, good.bundles[0]],
    "dipy_evaluate_streamlines": lambda good: [
        *(good.synthetic, *good.bundles, "--nb_bootstrap", "0"),
    ],
    "dipy_render_bundles": lambda good: [good.bundles[0]],
    "dipy_write_report": lambda good: [good.model],
    "dipy_fit_norms": lambda good: [
        *(good.model, *good.cohort_files, "--participants", good.participants),
    ],
    "dipy_score_subject": lambda good: [good.model, good.bundles[0]],
    "dipy_simulate_cohort": lambda good: [
        *("--nb_subjects", "2", "--nb_streamlines", "2"),
    ],
    "dipy_simulate_fibercup": lambda good: ["--nb_streamlines", "2"],
    "dipy_generate_cohort": lambda good: [good.model, good.participants, OUT, *TWO],
    "dipy_process_cohort": lambda good: [
        *(good.cohort, OUT, "--model_file", good.model, "--steps", "encode"),
    ],
}
"""Each command with good inputs."""


def options_of(command):
    """Give names and types of the options of a command, but for outputs."""
    actions = build_parser(command, load_flow(command)())._actions
    return [
        (action.option_strings[0], action.metavar)
        for action in actions
        if action.option_strings
        and action.nargs != 0
        and "out_" not in action.dest
        and action.dest != "log_file"
    ]


OWN = {
    "report, metrics_file": (
        lambda good: good.metrics,
        lambda good, path: [good.model, "--metrics_file", path],
    ),
    "report, latent_file": (
        lambda good: good.latent,
        lambda good, path: [good.model, "--latent_file", path],
    ),
    "describe, metrics_file": (
        lambda good: good.metrics,
        lambda good, path: [good.model, "--metrics_file", path],
    ),
    "filter, thresholds_file": (
        lambda good: good.thresholds,
        lambda good, path: [good.model, good.bundles[0], "--thresholds_file", path],
    ),
    "label, thresholds_file": (
        lambda good: good.thresholds,
        lambda good, path: [good.model, good.bundles[0], "--thresholds_file", path],
    ),
    "reconstruct, participants": (
        lambda good: good.participants,
        lambda good, path: [
            *(good.conditional, *good.cohort_files, "--participants", path),
        ],
    ),
    "generate, mask": (
        lambda good: good.image,
        lambda good, path: [good.model, *TWO, "--mask", path],
    ),
    "generate, reference": (
        lambda good: good.image,
        lambda good, path: [good.model, *TWO, "--reference", path],
    ),
    "import_weights": (lambda good: good.checkpoint, lambda good, path: [path]),
}
"""Other files that a command reads: a good one, and the command line around one."""

COMMANDS = {
    "share": "dipy_share_model",
    "describe": "dipy_describe_model",
    "predict": "dipy_predict_attribute",
    "explore": "dipy_explore_latent",
    "render": "dipy_render_bundles",
    "report": "dipy_write_report",
    "sweep": "dipy_sweep_beta",
}


def command_of(role):
    """Give the name of the command of a role."""
    name = role.split(",")[0]
    plain = "train" in name or "import" in name
    return COMMANDS.get(name, f"dipy_{name}" if plain else f"dipy_{name}_streamlines")


def command_line(role, good, path, table=ALL):
    """Give the command of a role, and its arguments around a file."""
    return command_of(role), *table[role](good, path)


def in_turn(names, roles):
    """Pair names with the roles, which come again from the first after the last."""
    roles = list(roles)
    return [(name, roles[place % len(roles)]) for place, name in enumerate(names)]
