#!/usr/bin/env bash
# Runs go test with the arguments given. Up to three tests that fail are run once more, alone: many play calls in real time, and on a machine
# shared with others a test may have been without a processor for long enough to fail (docs/adr/0032). What is not forgiven: a second
# failure, a data race, a panic, a package that does not build or times out, a fourth test. What was forgiven is said at the end.
set -uo pipefail
go=${GO:-go}
out=$(mktemp)
trap 'rm -f "$out"' EXIT
"$go" test "$@" | tee "$out"
status=${PIPESTATUS[0]}
[ "$status" -eq 0 ] && exit 0
grep -qE 'WARNING: DATA RACE|^panic:|^fatal error:|\[(build|setup) failed\]' "$out" && exit "$status"

# The tests that failed, by package: "package Test|Test".
failed=$(awk '
  /^--- FAIL: / { names = names (names == "" ? "" : "|") $3 }
  /^ok / { names = "" }
  /^FAIL[[:space:]]+[^[:space:]]/ { print $2, (names == "" ? "-" : names); names = "" }' "$out")
[ -n "$failed" ] || exit "$status"
count=$(grep -c '^--- FAIL: ' "$out")
if [ "$count" -gt 3 ] || grep -q ' -$' <<<"$failed"; then exit "$status"; fi

flags=() # without the packages
for argument in "$@"; do case $argument in ./*) ;; *) flags+=("$argument") ;; esac; done
while read -r package names; do
  echo "test: $names of $package failed; once more, alone"
  "$go" test "${flags[@]}" -count=1 -run "^($names)\$" "$package" || exit 1
done <<<"$failed"
echo "test: passed the second time, look at the first: $(awk '{print $2}' <<<"$failed" | paste -sd ' ')"
