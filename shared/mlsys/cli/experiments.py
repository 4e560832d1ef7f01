"""`mlsys experiments`: ask for a study, and watch it."""

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal

from typer import Argument, BadParameter, Option, Typer

from mlsys.cli.command import Format, Limit, Session, command, is_there, talk
from mlsys.domain.choices import Library, Pruner, Sampler, Stage

app = Typer(no_args_is_help=True)

Id = Annotated[str, Argument(metavar="EXPERIMENT_ID", show_default=False)]


@command(app)
def create(
    session: Session,
    *,
    split: Annotated[str | None, Option(help="The split to learn from.")] = None,
    name: Annotated[str | None, Option(help="What the model is called.")] = None,
    target: Annotated[str | None, Option(help="Default: the split's own target.")] = None,
    task: Annotated[Literal["classification", "regression"] | None, Option()] = None,
    model_type: Annotated[Library | None, Option(help="Default: lightgbm.")] = None,
    metric: Annotated[str | None, Option(help="Default: auc, or rmse.")] = None,
    n_trials: Annotated[int | None, Option(min=1, help="How many trials; default: 30.")] = None,
    timeout: Annotated[float | None, Option(help="Begin no trial after so many seconds.")] = None,
    sampler: Annotated[Sampler | None, Option(help="Default: TPE.")] = None,
    pruner: Annotated[Pruner | None, Option(help="Default: MedianPruner.")] = None,
    seed: Annotated[int | None, Option(min=0)] = None,
    parallelism: Annotated[int | None, Option(min=1, help="How many tasks side by side.")] = None,
    cv_folds: Annotated[int | None, Option(min=2, help="Judge by folds, not by val.")] = None,
    warm_start_from: Annotated[str | None, Option(help="Begin with its best trials.")] = None,
    auto_promote: Annotated[Stage | None, Option(help="Promote the winner if it improves.")] = None,
    request_id: Annotated[str | None, Option(help="The same id is the same experiment.")] = None,
    config: Annotated[
        Path | None,
        Option(callback=is_there, help="A JSON file with more fields; options overrule it."),
    ] = None,
    request: Annotated[
        Path | None,
        Option(callback=is_there, help="A JSON file with the whole request, or -, instead."),
    ] = None,
    watch: Annotated[bool, Option("--watch", help="Show the trials until it is over.")] = False,
) -> None:
    """Ask for a study.

    By --split, --name and --task, or with a whole --request.
    """
    from mlsys.cli.rows import read_object

    if request is not None:
        fields = read_object(request)
    else:
        said = {
            "split_id": split,
            "name": name,
            "target_column": target,
            "task_type": task,
            "model_type": model_type,
            "metric_name": metric,
            "cv_folds": cv_folds,
            "warm_start_from": warm_start_from,
            "auto_promote": None if auto_promote is None else {"stage": auto_promote},
            "request_id": request_id,
        }
        search = {
            "n_trials": n_trials,
            "timeout_seconds": timeout,
            "sampler": sampler,
            "pruner": pruner,
            "seed": seed,
            "parallelism": parallelism,
        }
        fields = _joined(read_object(config) if config else {}, said, search)
        if not {"split_id", "name", "task_type"} <= fields.keys():
            raise BadParameter("want --split, --name and --task, or --request")
        if "target_column" not in fields:
            fields["target_column"] = session.client.split(fields["split_id"]).target_column
    given = {name: value for name, value in fields.items() if value is not None}
    experiment = session.client.create_experiment(**given)
    if watch:
        from mlsys.cli.watching import watch_experiment

        watch_experiment(session, experiment.id)
        return
    from mlsys.cli import shown
    from mlsys.cli.output import print_one

    talk("asked for; it starts as soon as the platform runs")
    print_one(experiment, shown.EXPERIMENT, format=session.format)


@command(app)
def list_(
    session: Session,
    *,
    name: Annotated[str | None, Option(help="Only of this name.")] = None,
    split: Annotated[str | None, Option(help="Only on this split.")] = None,
    status: Annotated[str | None, Option(help="RUNNING, SUCCEEDED, FAILED, …")] = None,
    limit: Limit = 100,
) -> None:
    """List experiments, newest first."""
    from mlsys.cli import shown
    from mlsys.cli.output import print_list

    found = session.client.experiments(name=name, split_id=split, status=status)
    print_list(list(islice(found, limit)), shown.EXPERIMENTS, format=session.format)


@command(app)
def show(session: Session, experiment_id: Id) -> None:
    """Show one experiment."""
    from mlsys.cli import shown
    from mlsys.cli.output import print_one

    experiment = session.client.experiment(experiment_id)
    print_one(experiment, shown.EXPERIMENT, format=session.format)


@command(app)
def watch(session: Session, experiment_id: Id) -> None:
    """Show how a study goes, until it is over.

    Then the experiment; exits with 1 if it did not succeed. Ctrl-C leaves it running.
    """
    from mlsys.cli.watching import watch_experiment

    watch_experiment(session, experiment_id)


@command(app)
def cancel(
    session: Session,
    experiment_id: Id,
    *,
    register_best: Annotated[
        bool, Option("--register-best", help="Make the best trial so far a version.")
    ] = False,
    reason: Annotated[str, Option(help="Kept with the experiment.")] = "",
) -> None:
    """End a study before its time; what has ended stays as it is."""
    from mlsys.cli import shown
    from mlsys.cli.output import print_one

    experiment = session.client.cancel_experiment(
        experiment_id, register_best=register_best, reason=reason
    )
    print_one(experiment, shown.EXPERIMENT, format=session.format)
    if not experiment.status.final:
        talk(f"it ends within seconds: mlsys experiments watch {experiment_id}")


@command(app)
def trials(
    session: Session,
    experiment_id: Id,
    *,
    state: Annotated[
        Literal["WAITING", "RUNNING", "COMPLETE", "PRUNED", "FAIL"] | None,
        Option(case_sensitive=False, help="Only those that stand so."),
    ] = None,
    limit: Limit = 1000,
) -> None:
    """List the trials of an experiment, newest first."""
    from mlsys.cli import shown
    from mlsys.cli.output import print_list

    found = session.client.trials(experiment_id, state=state)
    print_list(list(islice(found, limit)), shown.TRIALS, format=session.format)


@command(app)
def plot(
    session: Session,
    experiment_id: Id,
    *,
    kind: Annotated[
        Literal["history", "importances", "slice", "parallel", "intermediate"] | None,
        Option(help="What to draw. Default: history, or on a page all of them."),
    ] = None,
    out: Annotated[
        Path | None, Option(help="A .png or .svg, or an .html that needs no network.")
    ] = None,
) -> None:
    """Draw a study into a file.

    Or, with --format json, print the numbers.
    """
    from mlsys.cli.plotting import draw_into, print_plots

    if out is not None:
        draw_into(out, kind, experiment_id, client=session.client)
    elif session.format is Format.JSON:
        print_plots(kind, experiment_id, client=session.client)
    else:
        raise BadParameter("want --out FILE.png, .svg or .html, or --format json")


@command(app)
def dashboard(
    session: Session,
    *,
    host: Annotated[str, Option(help="Who may ask: 0.0.0.0 is everybody.")] = "127.0.0.1",
    port: Annotated[int, Option(min=0, max=65535, help="0 is a free one.")] = 8081,
) -> None:
    """Look at all studies in Optuna's dashboard.

    Of a home, or with MLSYS_BACKEND=gcp of a deployment's records. It changes nothing.
    """
    from mlsys.cli.dashboard import serve

    serve(session.place, host=host, port=port)


def _joined(
    config: Mapping[str, Any], said: Mapping[str, Any], search: Mapping[str, Any]
) -> dict[str, Any]:
    """Let what was said overrule a file, and both the default library."""
    asked = {name: value for name, value in search.items() if value is not None}
    fields = {"model_type": "lightgbm", **config}
    fields |= {name: value for name, value in said.items() if value is not None}
    if asked:
        before = fields.get("optuna_config", {})
        fields["optuna_config"] = {**before, **asked} if isinstance(before, Mapping) else before
    return fields
