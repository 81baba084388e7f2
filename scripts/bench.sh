#!/usr/bin/env bash
# Measures bin/parley with the load generator and the reflector, which live beside the repository or where LOAD_TOOLS says.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=${LOAD_TOOLS:-../shared/tools}
if [ ! -d "$tools/confload" ]; then
  echo "bench: no load generator in $tools (set LOAD_TOOLS to a folder with confload and reflector): only the Go benchmarks were run" >&2
  exit 0
fi
make -s build
go run ./internal/loadbench -tools "$tools" -parley bin/parley -write docs/performance.md "$@"
