#!/usr/bin/env bash
# Runs go test with the arguments given. Up to three tests that fail are run once more, alone: many play calls in real time, and on a machine
# shared with others a test may have been without a processor for long enough to fail (docs/adr/0032). What is not forgiven: a second
# failure, a data race, a panic, a package that does not build, times out or is killed, a fourth test. What was forgiven is said at the end,
# with what the first failure said and how busy the machine was then.
set -uo pipefail
go=${GO:-go}
out=$(mktemp)
trap 'rm -f "$out"' EXIT
"$go" test "$@" | tee "$out"
status=${PIPESTATUS[0]}
[ "$status" -eq 0 ] && exit 0
grep -qE 'WARNING: DATA RACE|^panic:|^fatal error:|\[(build|setup) failed\]|^signal: |^exit status ([2-9]|1[0-9])' "$out" && exit "$status"
busy="load $(cut -d ' ' -f 1-3 /proc/loadavg 2>/dev/null || echo unknown) on $(getconf _NPROCESSORS_ONLN) processors"

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
echo "test: NOT CLEAN: $count failed in the first run (at its end: $busy) and passed alone. What the first failures said:"
awk '
  /^--- FAIL: / { kept = 20 }
  /^[^[:space:]]/ && !/^--- FAIL: / { kept = 0 }
  kept-- > 0 { print "  " $0 }' "$out"
echo "test: passed the second time, look at the first: $(awk '{print $2}' <<<"$failed" | paste -sd ' ')"
