#!/bin/sh
# Look for known vulnerabilities in an image: sh deploy/scan.sh IMAGE
# The scanner is handed an archive of it: by Docker's socket it could do anything on the machine.
set -eu

archive=$PWD/image.tar
trap 'rm -f "$archive"' EXIT
docker save --output "$archive" "$1"
docker run --rm --volume "$archive:/image.tar:ro" --volume "$PWD/deploy/grype.yaml:/grype.yaml:ro" \
  anchore/grype:v0.120.1@sha256:e4a44ef45d285b829ce6efe2642980329661bd2d18eab5fc539138d4adaebbbe \
  --config /grype.yaml docker-archive:/image.tar
