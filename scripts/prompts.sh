#!/bin/sh
# Makes the English prompts of internal/prompts/en with espeak-ng, sox and opusenc. The files are kept in the repository, so that
# building needs none of them; run this only to change them. Their list is internal/prompts/en/prompts.txt.
set -eu
cd "$(dirname "$0")/../internal/prompts/en"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

rm -f ./*.opus
while IFS='	' read -r name text; do
	case $name in '' | '#'*) continue ;; esac
	espeak-ng -v en-us+f2 -p 45 -s 155 -w "$work/raw.wav" "$text"
	# A little silence at either end, no more: prompts are said one after the other.
	sox -D -G "$work/raw.wav" -r 48000 -c 1 -b 16 "$work/cut.wav" \
		highpass 60 silence 1 0.02 0.3% reverse silence 1 0.02 0.3% reverse pad 0.06 0.08
	# The active level is that of the speech without its pauses.
	sox -D "$work/cut.wav" "$work/active.wav" silence 1 0.02 1% -1 0.05 1%
	level=$(sox "$work/active.wav" -n stats 2>&1 | awk '/^RMS lev dB/ {print $4}')
	gain=$(awk -v level="$level" 'BEGIN {printf "%.2f", -20 - level}')
	sox -D "$work/cut.wav" -r 48000 -c 1 -b 16 -e signed-integer "$work/out.wav" gain -l "$gain"
	opusenc --quiet --speech --bitrate 24 --framesize 20 --discard-comments --padding 0 --serial 1 "$work/out.wav" "$name.opus"
done < prompts.txt
