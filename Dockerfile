# One image per weight of deployable; infra/deployables.yaml says which one each takes, and Terraform
# which command: `functions-framework --target=NAME --source=functions/NAME/main.py`, or
# `python jobs/NAME`. What is installed comes from uv.lock, held against the sha256 of each file;
# .ci/image.py says what that is. Why: docs/decisions/0025-images-from-the-lock.md.

ARG BASE_IMAGE=python:3.13-slim-trixie@sha256:9d2e5553305c7c7b0097999bb17187c69b921ccd6bc9d40e4bb5ebe652c00285

# --- What builds, and stays behind -------------------------------------------------------------

FROM ${BASE_IMAGE} AS build
WORKDIR /build
COPY .ci/uv.txt .ci/uv.txt
RUN python3 -m venv /opt/uv \
  && /opt/uv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r .ci/uv.txt
ENV PATH=/opt/uv/bin:$PATH UV_NO_CACHE=1 UV_PYTHON=/opt/uv/bin/python UV_PYTHON_DOWNLOADS=never
COPY pyproject.toml uv.lock README.md LICENSE ./
COPY .ci/image.py .ci/lighten.py .ci/

# The second step of each is all that a change of ours repeats.
FROM build AS build-serve
RUN python3 .ci/image.py install serve /opt/mlsys --no-install-project
COPY shared shared
RUN python3 .ci/image.py install serve /opt/mlsys

FROM build AS build-explain
RUN python3 .ci/image.py install explain /opt/mlsys --no-install-project
COPY shared shared
RUN python3 .ci/image.py install explain /opt/mlsys

FROM build AS build-ingest
RUN python3 .ci/image.py install ingest /opt/mlsys --no-install-project
COPY shared shared
RUN python3 .ci/image.py install ingest /opt/mlsys

FROM build AS build-train
RUN python3 .ci/image.py install train /opt/mlsys --no-install-project
COPY shared shared
RUN python3 .ci/image.py install train /opt/mlsys

# --- What is shipped ---------------------------------------------------------------------------

FROM ${BASE_IMAGE} AS runtime
ENV PATH=/opt/mlsys/bin:$PATH HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# Without what installs, and compiled: the base image is not, and who runs here may not write.
RUN library="$(python3 -c 'import os; print(os.path.dirname(os.__file__))')" \
  && rm -rf /usr/local/bin/pip* "$library"/ensurepip "$library"/site-packages/* \
  && python3 -m compileall -q --invalidation-mode unchecked-hash \
    -x '/(idlelib|pydoc_data|tests?|tkinter|turtledemo)/' "$library"
WORKDIR /app

FROM runtime AS deployables
COPY functions functions
COPY jobs jobs
RUN python3 -m compileall -q --invalidation-mode unchecked-hash functions jobs

# LightGBM links the OpenMP runtime and does not bring it.
FROM runtime AS learners
# hadolint ignore=DL3008  # Debian keeps no version once it has mended it
RUN apt-get update \
  && apt-get install --yes --no-install-recommends libgomp1 \
  && rm -rf /var/lib/apt/lists/*

FROM learners AS serve
COPY --from=build-serve /opt/mlsys /opt/mlsys
COPY --from=deployables /app /app
ARG COMMIT=unknown
ENV MLSYS_COMMIT=${COMMIT}
USER 65532:65532
CMD ["python", "functions/predict"]

FROM learners AS explain
COPY --from=build-explain /opt/mlsys /opt/mlsys
COPY --from=deployables /app /app
ARG COMMIT=unknown
ENV MLSYS_COMMIT=${COMMIT}
USER 65532:65532
CMD ["functions-framework", "--target=importance", "--source=functions/importance/main.py"]

FROM learners AS train
COPY --from=build-train /opt/mlsys /opt/mlsys
COPY --from=deployables /app /app
ARG COMMIT=unknown
ENV MLSYS_COMMIT=${COMMIT}
USER 65532:65532
CMD ["python", "jobs/study"]

FROM runtime AS ingest
COPY --from=build-ingest /opt/mlsys /opt/mlsys
COPY --from=deployables /app /app
ARG COMMIT=unknown
ENV MLSYS_COMMIT=${COMMIT}
USER 65532:65532
CMD ["functions-framework", "--target=split", "--source=functions/split/main.py"]
