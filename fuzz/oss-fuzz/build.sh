#!/usr/bin/env bash
# Builds all targets into $OUT, as OSS-Fuzz and ClusterFuzzLite expect them. In their image this file is
# outside of the repository, which is the current folder.
#
# It runs anywhere: OUT=DIR fuzz/oss-fuzz/build.sh
set -euo pipefail
[ -f cranelift/pin/Cargo.toml ] || cd "$(dirname "$0")/../.."
cargo xtask fuzz --out "${OUT:?the folder to write to}"
