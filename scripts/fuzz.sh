#!/usr/bin/env bash
# Runs every fuzz target of the tree for a while, one after the other.
# Usage: scripts/fuzz.sh [TIME per target]
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-10s}
grep -rlE '^func Fuzz[A-Z]' --include='*_test.go' . | sort | while read -r file; do
  package=./$(dirname "${file#./}")
  grep -oE '^func Fuzz[A-Za-z0-9_]+' "$file" | cut -d' ' -f2 | while read -r target; do
    echo "fuzz: $package $target ($time)"
    go test "$package" -run '^$' -fuzz "^$target\$" -fuzztime "$time" </dev/null
  done
done
