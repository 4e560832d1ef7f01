"""What is to be split, and how: what every way in comes to, a dropped file or a request."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from mlsys.domain.dataset import Dataset
from mlsys.domain.errors import MlsysError
from mlsys.domain.ids import content_id
from mlsys.domain.split_records import Source, Split, SplitStatus

ALGORITHM = "2"


@dataclass(frozen=True)
class SplitRequest:
    """One table to be split.

    Attributes:
        id: of the split; the same request has the same.
        entity_id: whose table it is.
        source_uri: what people see as its source: an object, a folder of several, or the
            `_SUCCESS` in it.
        source_generation: of that object; of a folder, a name for the generations in it.
        dataset: how it is read, checked and split.
        sources: the objects that make it up, if they were looked at already.
        labels: of the record.
        description: of the record.
        asked_sha256: of what a client sent, where a client chose the id.
        problem: why it cannot be split at all; the split then FAILED with it.
    """

    id: str
    entity_id: str
    source_uri: str
    source_generation: str
    dataset: Dataset
    sources: Sequence[Source] = ()
    labels: dict[str, str] = field(default_factory=dict)
    description: str = ""
    asked_sha256: str = ""
    problem: MlsysError | None = None

    def record(self, sources: Sequence[Source], *, now: datetime, request_id: str) -> Split:
        """Make the record that the split begins with."""
        params, wish = self.dataset.split, self.dataset.experiment
        return Split(
            id=self.id,
            entity_id=self.entity_id,
            status=SplitStatus.RUNNING,
            created_at=now,
            updated_at=now,
            source_uri=self.source_uri,
            source_generation=self.source_generation,
            sources=list(sources),
            strategy=params.strategy,
            params=params.model_dump(mode="json", exclude_none=True),
            seed=params.seed,
            target_column=self.dataset.target_column,
            labels=self.labels,
            description=self.description,
            asked_sha256=self.asked_sha256,
            experiment_wish=None if wish is None else wish.model_dump(mode="json"),
            request_id=request_id,
        )


def generation_of(sources: Sequence[Source]) -> str:
    """Name the generations of one or several objects: of one, its own."""
    if len(sources) == 1:
        return sources[0].generation
    return content_id("objects", *([one.uri, one.generation] for one in sources))
