#!/usr/bin/env bash
# Build and push what `.ci/registry.py missing` prints: REGISTRY and COMMIT, lines on standard input.
# Cloud Run takes amd64 only. Attestations would be versions more that the registry counts.
set -euo pipefail
export BUILDX_NO_DEFAULT_ATTESTATIONS=1
while read -r image key; do
  address="$1/$image:$key"
  docker build --platform=linux/amd64 --target "$image" --build-arg "COMMIT=$2" --tag "$address" . < /dev/null
  docker push "$address" < /dev/null
done
