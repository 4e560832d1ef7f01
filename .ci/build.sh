#!/usr/bin/env bash
# Build and push what `.ci/registry.py missing` prints: REGISTRY and COMMIT, lines on standard input.
set -euo pipefail
while read -r image key; do
  address="$1/$image:$key"
  docker build --target "$image" --build-arg "COMMIT=$2" --tag "$address" . < /dev/null
  docker push "$address" < /dev/null
done
