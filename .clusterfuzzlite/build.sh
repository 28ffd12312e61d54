#!/usr/bin/env bash
# Builds all targets into $OUT, for ClusterFuzzLite and OSS-Fuzz. In their images this file is outside of the
# repository, which is the current folder.
#
# It runs anywhere: OUT=DIR .clusterfuzzlite/build.sh
set -euo pipefail
[ -f cranelift/pin/Cargo.toml ] || cd "$(dirname "$0")/.."
# The targets are built without the service's sanitizer. Flags of coverage stay.
unset CFLAGS CXXFLAGS
[ "${SANITIZER-}" = coverage ] || unset RUSTFLAGS
cargo xtask fuzz --out "${OUT:?the folder to write to}"
