#!/usr/bin/env bash
# Builds all targets into $OUT, as OSS-Fuzz and ClusterFuzzLite expect them.
#
# It runs anywhere: OUT=/tmp/out fuzz/oss-fuzz/build.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo xtask fuzz --out "${OUT:?the folder to write to}"
