"""From a judged winner to a registered version, and on to a stage if that was asked for."""

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from importlib.metadata import version as installed
from typing import Any

import structlog

from mlsys import __version__
from mlsys.domain.artifacts import METADATA, METRICS, json_file, model_files
from mlsys.domain.choices import ModelType
from mlsys.domain.errors import LostRace, Refused
from mlsys.domain.experiment_records import BestTrial
from mlsys.domain.messages import AutoPromote
from mlsys.domain.model_records import ModelVersion, PromotionOutcome, VersionStatus
from mlsys.domain.records import File
from mlsys.ports import Objects, Records
from mlsys.repositories.experiments import EXPERIMENTS
from mlsys.repositories.models import MODEL_VERSIONS
from mlsys.use_cases.leading.lead import Lead
from mlsys.use_cases.model_heads import PromoteRequest, promote, registering
from mlsys.use_cases.registry import model_id_of
from mlsys.use_cases.training.material import Training
from mlsys.use_cases.training.verdict import Winner

log = structlog.get_logger()

SCHEMA_VERSION = 1
LIBRARIES = {"catboost": "catboost", "lightgbm": "lightgbm", "xgboost": "xgboost-cpu"}


def reserve_version(
    experiment_id: str, training: Training, best: BestTrial, *, lead: Lead
) -> ModelVersion:
    """Take the next version number of the model's name for this attempt.

    A number that an earlier attempt took and did not fill is marked ABANDONED in the same commit,
    so a zombie can still write only where nobody looks.

    Raises:
        Conflict: the lease is lost, or the records changed meanwhile: read and try again.
        LostRace: the study was cancelled.

    """
    records, now = lead.house.records, lead.house.now()
    seen = lead.wanted()
    request = training.request
    number, writes = registering(request.name, op_id=experiment_id, at=now, records=records)
    if seen.value.model_id is not None:
        left = MODEL_VERSIONS.get(seen.value.model_id, records=records)
        abandoned = left.value.model_copy(update={"status": VersionStatus.ABANDONED})
        writes.append(MODEL_VERSIONS.replacement(left, abandoned))
    model_id = model_id_of(request.name, number)
    version = ModelVersion(
        id=model_id,
        name=request.name,
        version=number,
        status=VersionStatus.RESERVED,
        created_at=now,
        experiment_id=experiment_id,
        split_id=request.split_id,
        model_type=best.model_type,
        task=training.plan.task_kind,
        maximize=training.metric.maximize,
    )
    writes.append(MODEL_VERSIONS.creation(model_id, version))
    named = seen.value.model_copy(update={"model_id": model_id, "updated_at": now})
    writes.append(EXPERIMENTS.replacement(seen, named))
    lead.lease.commit(writes)
    return version


def store_files(
    version: ModelVersion,
    winner: Winner,
    training: Training,
    *,
    bucket: str,
    objects: Objects,
    now: datetime,
) -> dict[str, File]:
    """Write the version's files, each where nothing stands."""
    contents = model_files(ModelType(winner.best.model_type), winner.model)
    contents[METRICS] = json_file(_metrics(training, winner))
    digests = {name: sha256(content).hexdigest() for name, content in contents.items()}
    contents[METADATA] = json_file(_metadata(version, training, winner, digests, now))
    files = {}
    for name, content in contents.items():
        uri = f"gs://{bucket}/models/{version.name}/v{version.version}/{name}"
        objects.put_once(uri, content)
        files[name] = File(uri=uri, sha256=sha256(content).hexdigest(), size_bytes=len(content))
    return files


def copy_beside_experiment(version: ModelVersion, *, bucket: str, objects: Objects) -> None:
    """Copy the files of a version that is READY to its experiment's `best_model`.

    An experiment has one such version at most, so all who copy write the same, however late.

    Raises:
        NotFound, Corrupt: a file is no longer what was registered.

    """
    folder = f"gs://{bucket}/experiments/{version.experiment_id}/best_model"
    for name, file in version.files.items():
        objects.put(f"{folder}/{name}", objects.read(file.uri, sha256=file.sha256))


def promote_if_asked(
    model_id: str, wish: AutoPromote | None, *, records: Records, now: Callable[[], datetime]
) -> PromotionOutcome | None:
    """Promote as the request wished; to be refused or outrun is an outcome, the version is kept."""
    if wish is None:
        return None
    request = PromoteRequest(stage=wish.stage, gates=wish.gates, reason="auto_promote")
    try:
        promote(model_id, request, records=records, now=now())
    except Refused as error:
        return PromotionOutcome(stage=wish.stage, promoted=False, reasons=list(error.reasons))
    except LostRace as error:
        return PromotionOutcome(stage=wish.stage, promoted=False, reasons=[str(error)])
    return PromotionOutcome(stage=wish.stage, promoted=True)


def _metrics(training: Training, winner: Winner) -> dict[str, Any]:
    """Say how good the version is; docs/metrics.md explains it."""
    verdict, judgement = winner.verdict, winner.verdict.judgement
    tested = judgement.parts.get("test")
    return {
        "metric": {"name": training.metric.name, "maximize": training.metric.maximize},
        f"val/{training.metric.name}": winner.best.value,
        "test": None if verdict.test is None else verdict.test.model_dump(mode="json"),
        **{f"test/{name}": value for name, value in (tested.metrics if tested else {}).items()},
        "baselines": verdict.baselines,
        "threshold": _threshold(training, winner),
        "calibration": _calibration(winner),
        "parts": {
            name: one.model_dump(mode="json", exclude_none=True)
            for name, one in judgement.parts.items()
        },
        "slices": {
            column: {
                part: [one.model_dump(mode="json") for one in slices]
                for part, slices in parts.items()
            }
            for column, parts in judgement.slices.items()
        },
        "warnings": verdict.warnings,
    }


def _threshold(training: Training, winner: Winner) -> dict[str, Any] | None:
    """Say where two classes part, and how that was found; 0.5 needs no rows."""
    if training.plan.task_kind != "binary":
        return None
    chosen, metric = winner.verdict.threshold, training.threshold_metric
    if chosen is None or metric is None:
        return {"threshold": winner.model.postprocess.threshold}
    return {
        "threshold": chosen.threshold,
        "metric": metric.name,
        "value": chosen.value,
        "chosen_on": winner.verdict.held_out,
    }


def _calibration(winner: Winner) -> dict[str, Any] | None:
    calibration = winner.model.postprocess.calibration
    if calibration is None:
        return None
    return {"method": calibration.method, "fitted_on": winner.verdict.held_out}


def _metadata(
    version: ModelVersion,
    training: Training,
    winner: Winner,
    digests: dict[str, str],
    now: datetime,
) -> dict[str, Any]:
    test = winner.verdict.test
    request = training.request
    return {
        "schema_version": SCHEMA_VERSION,
        "feature_schema_version": training.plan.feature_schema_version,
        "model_version_id": version.id,
        "model_type": winner.best.model_type,
        "experiment_id": version.experiment_id,
        "metric": {
            "name": training.metric.name,
            "value": winner.best.value if test is None else test.value,
            "part": "val" if test is None else "test",
        },
        "params": winner.best.params,
        "rounds": winner.best.rounds,
        "classes": list(training.plan.labels),
        "threshold": _threshold(training, winner),
        "calibration": _calibration(winner),
        "threads": training.threads,
        "seeds": {"study": request.optuna_config.seed, "split": training.split.seed},
        "split_id": request.split_id,
        "training_data_file": training.split.files["train"].uri,
        "trained_at": now.isoformat(),
        "code_version": __version__,
        "libraries": {
            name: installed(name)
            for name in ("numpy", "optuna", "polars", LIBRARIES[winner.best.model_type])
        },
        "sha256": digests,
    }
