"""What may differ between two installations: read once from environment variables `MLSYS_*`."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mlsys.domain.errors import InvalidInput
from mlsys.domain.ids import ID_PATTERN

PREFIX = "MLSYS_"
STAND_INS = {
    "GOOGLE_CLOUD_PROJECT": "project",
    "AIP_HTTP_PORT": "port",
    "PORT": "port",
    "AIP_HEALTH_ROUTE": "health_route",
    "AIP_PREDICT_ROUTE": "predict_route",
}


class Settings(BaseModel):
    """One installation. `MLSYS_HOME=/data` sets `home`, and so on; see `.env.example`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    backend: Literal["local", "gcp"] = Field(
        "local", description="which adapters: files and SQLite, or Google Cloud"
    )
    home: Path = Field(Path(".mlsys"), description="where the local backend keeps everything")
    project: str = Field("", description="Google Cloud project; needed by the gcp backend")
    region: str = Field("europe-west1", description="where the Cloud Run Jobs are")
    firestore_database: str = Field("(default)", description="name of the Firestore database")
    uploads_bucket: str = Field("uploads", description="where files are dropped")
    source_buckets: str = Field(
        "", description="other buckets whose objects may be split, separated by commas"
    )
    artifacts_bucket: str = Field("artifacts", description="where splits and models are kept")
    experiments_topic: str = Field("experiments", description="topic of experiment requests")
    study_job: str = Field("study", description="name of the Cloud Run Job that runs studies")
    ingest_job: str = Field(
        "ingest", description="name of the Cloud Run Job that splits what a function cannot"
    )
    split_budget_mib: int = Field(
        2048, gt=0, description="the largest table, in MiB as unpacked text, that a function splits"
    )
    run_endpoint: str = Field("", description="another Cloud Run Jobs endpoint, for tests")
    url: str = Field("", description="the deployment that the command line speaks to")
    token: str = Field(
        "", repr=False, description="identity token that lets the command line in there"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="the least that is logged"
    )
    lease_seconds: float = Field(
        120.0, gt=0, description="after how long without a heartbeat work is taken over"
    )
    threads: int = Field(0, ge=0, description="threads of a study task; 0 is all it may use")
    study_cpus: float = Field(
        0, ge=0, description="cores of a study task that are paid for; 0 is all it may use"
    )
    study_memory_gib: float = Field(
        0, ge=0, description="memory of a study task that is paid for; 0 is the machine's"
    )
    pointer_ttl_seconds: float = Field(
        2.0, ge=0, le=5, description="how long a server believes which model is in production"
    )
    model_cache_mib: int = Field(
        256, gt=0, description="memory for models that are loaded; the latest used are kept"
    )
    default_model: str = Field(
        "",
        pattern=f"^$|{ID_PATTERN}",
        description="the model that calls mean which name none: MLflow's and Vertex AI's",
    )
    host: str = Field(
        "0.0.0.0",  # noqa: S104  # a container is asked from without
        description="address where `python functions/predict` listens",
    )
    port: int = Field(
        8080,
        ge=0,
        le=65535,
        description="where it listens; Vertex AI's AIP_HTTP_PORT and Cloud Run's PORT stand in",
    )
    health_route: str = Field(
        "", description="another path of GET /ping; Vertex AI's AIP_HEALTH_ROUTE stands in"
    )
    predict_route: str = Field(
        "", description="another path of predictions; Vertex AI's AIP_PREDICT_ROUTE stands in"
    )
    commit: str = Field("unknown", description="the source commit, answered by /version")

    @property
    def splittable_buckets(self) -> list[str]:
        """The buckets that a request may name an object of."""
        others = (one.strip() for one in self.source_buckets.split(","))
        return [self.uploads_bucket, *filter(None, others)]

    @model_validator(mode="after")
    def _gcp_needs_a_project(self) -> Self:
        if self.backend == "gcp" and not self.project:
            raise ValueError(
                "MLSYS_PROJECT (or GOOGLE_CLOUD_PROJECT) is needed by MLSYS_BACKEND=gcp"
            )
        return self


def settings_from(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings.

    Args:
        environment: variables by name; default: this process's.

    Raises:
        InvalidInput: a value does not fit, or an `MLSYS_*` variable is none of ours.

    >>> settings_from({"MLSYS_HOME": "/data"}).home.as_posix()
    '/data'

    """
    environment = os.environ if environment is None else environment
    given = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(PREFIX)
    }
    for name, setting in STAND_INS.items():
        if name in environment:
            given.setdefault(setting, environment[name])
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        problems = "; ".join(
            f"{PREFIX}{'_'.join(map(str, one['loc'])).upper()}: {one['msg']}"
            for one in error.errors(include_url=False)
        )
        raise InvalidInput(f"settings: {problems}") from error
