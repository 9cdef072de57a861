"""The commands: one registry, and the way from a command line to a workflow.

DIPY's ``run_flow`` lets exceptions reach the user as tracebacks, fixes the log level
and prints DIPY's version; here bad input is one logged line and exit code 1.
"""

from __future__ import annotations

from importlib import import_module
import inspect
import logging
import re
import shlex
import sys
import time

from dipy_tractogen import __version__
from dipy_tractogen.utils.messages import ThresholdsNotMet, without_passwords

from .flows.base import OutputsMissing
from .runtime.hosts import Part, job_of
from .runtime.interrupts import INTERRUPTED, INTERRUPTS
from .runtime.logs import LEVELS, Log, OptionWords, one_line

cli_flows = {
    "dipy_train_vae": (".trainings.train_vae", "TrainVAEFlow"),
    "dipy_train_ae": (".trainings.train_ae", "TrainAEFlow"),
    "dipy_train_cvae": (".trainings.train_cvae", "TrainCVAEFlow"),
    "dipy_train_rvae": (".trainings.train_rvae", "TrainRVAEFlow"),
    "dipy_train_aae": (".trainings.train_aae", "TrainAAEFlow"),
    "dipy_sweep_beta": (".trainings.sweep", "SweepBetaFlow"),
    "dipy_import_weights": (".import_weights", "ImportWeightsFlow"),
    "dipy_share_model": (".share", "ShareModelFlow"),
    "dipy_describe_model": (".describe", "DescribeModelFlow"),
    "dipy_generate_streamlines": (".generate", "GenerateStreamlinesFlow"),
    "dipy_generate_cohort": (".cohorts.generate", "GenerateCohortFlow"),
    "dipy_mix_streamlines": (".mix", "MixStreamlinesFlow"),
    "dipy_average_streamlines": (".average", "AverageStreamlinesFlow"),
    "dipy_reconstruct_streamlines": (".reconstruct", "ReconstructStreamlinesFlow"),
    "dipy_encode_streamlines": (".encode", "EncodeStreamlinesFlow"),
    "dipy_filter_streamlines": (".filter", "FilterStreamlinesFlow"),
    "dipy_label_streamlines": (".label", "LabelStreamlinesFlow"),
    "dipy_predict_attribute": (".predict_attribute", "PredictAttributeFlow"),
    "dipy_process_cohort": (".cohorts.process", "ProcessCohortFlow"),
    "dipy_explore_latent": (".explore", "ExploreLatentFlow"),
    "dipy_evaluate_streamlines": (".evaluate", "EvaluateStreamlinesFlow"),
    "dipy_render_bundles": (".render", "RenderBundlesFlow"),
    "dipy_write_report": (".report", "WriteReportFlow"),
    "dipy_fit_norms": (".norms.fit_norms", "FitNormsFlow"),
    "dipy_score_subject": (".norms.score_subject", "ScoreSubjectFlow"),
    "dipy_simulate_cohort": (".simulations.cohort", "SimulateCohortFlow"),
    "dipy_simulate_fibercup": (".simulations.fibercup", "SimulateFiberCupFlow"),
}

logger = logging.getLogger("dipy_tractogen")

# The rest of a word as long as this says no more of it.
_LONG_WORD = re.compile(r"(\S{200})\S+")
_WITHOUT_VALUE = re.compile(r"argument --(\w+): expected one argument")
_NOT_MET = 3


def load_flow(command: str) -> type:
    """Import the workflow class of a command, a key of ``cli_flows``."""
    if command not in cli_flows:
        raise ValueError(f"{command}: the commands are {', '.join(cli_flows)}.")
    module, name = cli_flows[command]
    return getattr(import_module(module, __package__), name)


def build_parser(command: str, flow):
    """Return the parser of a command, with the options of all commands."""
    from dipy.workflows.base import IntrospectiveArgumentParser

    advanced, last = flow.advanced_options(), []

    class Parser(IntrospectiveArgumentParser):
        """Parser of DIPY that raises ValueError for a line that it cannot read."""

        def add_argument(self, *names, **settings):
            name = names[0].removeprefix("--")
            if name in advanced:
                last.append((names, settings))
            elif name == names[0]:
                super().add_argument(*names, **settings)
            else:
                first.add_argument(*names, **settings)

        def error(self, message):
            # "inner" is the name of the function with which DIPY converts values.
            message = message.replace("invalid inner value", "invalid value")
            message = _LONG_WORD.sub(r"\1...", message)
            if found := _WITHOUT_VALUE.fullmatch(message):
                option = getattr(flow.run, "declared", {}).get(found[1])
                if option and option.choices:
                    message += f", one of {', '.join(option.choices)}"
            raise ValueError(f"{message}; {command} --help lists the options.")

    parser = Parser(prog=command, add_help=False)
    first = parser.add_argument_group("essential options" if advanced else "options")
    parser.add_workflow(flow)
    if advanced:
        group = parser.add_argument_group("advanced options")
        for names, settings in last:
            group.add_argument(*names, **settings)
    _add_common(parser.add_argument_group("options of all commands"))
    return parser


def _add_common(parser) -> None:
    """Add the options that all commands have."""
    from dipy import __version__ as dipy_version

    parser.add_argument("-h", "--help", action="help", help="Show this and exit.")
    parser.add_argument(
        "--force", action="store_true", help="Overwrite output files that exist."
    )
    parser.add_argument(
        "--quiet", action="store_true", help="Show no progress bar, only warnings."
    )
    parser.add_argument(
        "--version",
        action="version",
        version=f"dipy_tractogen {__version__} (DIPY {dipy_version})",
    )
    parser.add_argument(
        "--log_level",
        metavar="string",
        default="INFO",
        help=f"Log messages shown: {', '.join(LEVELS)} (default INFO); DEBUG tells "
        "versions, files, times and where an error comes from, too.",
    )
    parser.add_argument(
        "--log_file", metavar="string", default="", help="File for the log messages."
    )


def main(command: str, arguments: list[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    command : str
        A key of ``cli_flows``.
    arguments : list of str, optional
        The command line after the name of the command; by default that of the process.

    Returns
    -------
    int
        The exit code: 0, 1 for bad input, 3 where measures are below the limits asked
        for, 130 when interrupted.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        flow = load_flow(command)()
        given = vars(build_parser(command, flow).parse_args(arguments))
        log_level, log_file = given.pop("log_level"), given.pop("log_file")
        flow._force_overwrite, flow.quiet = given.pop("force"), given.pop("quiet")
        flow.command = shlex.join(map(without_passwords, [command, *arguments]))
        # DIPY's parser leaves out what was not given and spells None "None".
        given = {
            key: None if value == "None" else value
            for key, value in given.items()
            if value is not None
        }
        flow.check_named(given)
        job = job_of(flow)
        if job and job.index:
            # The first process writes, and says what there is to say.
            log_level, log_file = "ERROR", ""
            flow.quiet, flow.writes = True, False
        flow.log_to(log_file, given)
        with Log(sys.stderr, log_file, OptionWords(_options(flow), arguments)) as log:
            log.set_level(log_level, quiet=flow.quiet)
            log.file(f"{flow.command} (dipy_tractogen {__version__})")
            with Part(job, flow.command) as part:
                part.code = _run_flow(flow, given, part)
            # As for other outputs that are not needed (`TractogenFlow.optional`).
            return part.code if log.is_whole else part.code or 1
    except (ValueError, OSError, ImportError) as error:
        # The line could not be read, or its log file not be opened, or no other
        # process be found.
        with Log(sys.stderr):
            logger.error(one_line(error))
        return 1
    except KeyboardInterrupt:
        with Log(sys.stderr):
            return _interrupted()


def _options(flow) -> set[str]:
    """Return the names of the options of a workflow and of all commands."""
    parameters = inspect.signature(flow.run).parameters.values()
    own = {one.name for one in parameters if one.default is not one.empty}
    return own | {"force", "quiet", "log_level", "log_file"}


def _run_flow(flow, given: dict, part: Part) -> int:
    began = time.perf_counter()
    _tell_all(given)
    try:
        part.begin()
        flow.run(**given)
        part.finish()
    except (ValueError, OSError, MemoryError, ImportError) as error:
        if INTERRUPTS.seen:
            # A library has made that of it.
            return _interrupted()
        if not isinstance(error, OutputsMissing):
            # Those were logged when each failed.
            logger.error(one_line(error))
            logger.debug("Where it came from:", exc_info=True)
        return 1
    except ThresholdsNotMet as missed:
        for line in str(missed).splitlines():
            logger.error("Not met: %s", line)
        return _NOT_MET
    except KeyboardInterrupt:
        return _interrupted()
    from dipy_tractogen.utils.progress import format_duration

    seconds = time.perf_counter() - began
    said = f"{seconds:.1f} s" if seconds < 60 else format_duration(seconds)
    logger.info("Done in %s", said)
    return 0


def _tell_all(given: dict) -> None:
    """Log versions and options at the level DEBUG, for reports of faults."""
    if logger.isEnabledFor(logging.DEBUG):
        from dipy_tractogen.utils.versions import current_versions

        versions = (f"{name} {text}" for name, text in current_versions().items())
        logger.debug("Versions: %s", ", ".join(versions))
        logger.debug("Given: %s", given)


def _interrupted() -> int:
    if INTERRUPTS.reason:
        logger.error("Interrupted: %s", INTERRUPTS.reason)
        return 1
    logger.error("Interrupted.")
    return INTERRUPTED
