"""What serves predictions, its engine maybe broken: `python -m tests.faults.prediction_server`.

Arguments: the home, the port, and `whole`, `torn` or `hoarding`. When it is told to stop it prints
how many models it holds.
"""

import gc
import json
import sys
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from mlsys import logs
from mlsys.domain.artifacts import Model
from mlsys.domain.model_records import ModelVersion
from mlsys.edge.asgi import Server
from mlsys.edge.listening import listen
from mlsys.handlers.predict import served
from mlsys.runtime import Runtime
from mlsys.settings import Settings
from mlsys.use_cases.serving.loaded_models import LoadedModel, LoadedModels, ModelSelection

TTL_SECONDS = 0.01
ROOM_BYTES = 1


class TornModels(LoadedModels):
    """Goes to a new version in two steps, one request apart."""

    _version: ModelVersion | None = None
    _model: Model | None = None

    def find(self, selection: ModelSelection) -> LoadedModel:
        return self._torn(super().find(selection))

    def at_hand(self, selection: ModelSelection) -> LoadedModel | None:
        found = super().at_hand(selection)
        return None if found is None else self._torn(found)

    def _torn(self, found: LoadedModel) -> LoadedModel:
        if self._model is None or self._version is found.version:
            self._model = found.model
        self._version = found.version
        return LoadedModel(self._version, self._model)


class HoardingModels(LoadedModels):
    """Lets go of no model."""

    def find(self, selection: ModelSelection) -> LoadedModel:
        found = super().find(selection)
        vars(self).setdefault("hoard", {})[id(found)] = found
        return found

    def at_hand(self, selection: ModelSelection) -> LoadedModel | None:
        return None if super().at_hand(selection) is None else self.find(selection)


ENGINES = {"whole": LoadedModels, "torn": TornModels, "hoarding": HoardingModels}


class Serving(Runtime):
    """A home, with the engine that is asked for and room for one model."""

    @cached_property
    def models(self) -> LoadedModels:
        """The models of this process."""
        return ENGINES[sys.argv[3]](
            records=self.records,
            objects=self.objects,
            pointer_ttl_seconds=TTL_SECONDS,
            max_bytes=ROOM_BYTES,
        )


def main() -> None:
    """Serve until SIGTERM, as it is deployed; then count."""
    logs.configure("error")
    runtime = Serving(Settings(home=Path(sys.argv[1])))
    with suppress(SystemExit):
        listen(Server(served(runtime), runtime), host="127.0.0.1", port=int(sys.argv[2]))
    runtime.models.close()
    held = sum(isinstance(one, LoadedModel) for one in gc.get_objects())
    sys.stdout.write(json.dumps({"held": held}))


if __name__ == "__main__":
    main()
