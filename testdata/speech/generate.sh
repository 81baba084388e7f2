#!/bin/sh
# Makes the speech files of this folder with espeak-ng and sox. The files are kept in the repository, so that tests and the
# demonstration need neither; run this only to change them. See README.md.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# speak NAME RATE VOICE PITCH SPEED TEXT
speak() {
	name=$1 rate=$2 voice=$3 pitch=$4 speed=$5 text=$6
	espeak-ng -v "$voice" -p "$pitch" -s "$speed" -w "$work/raw.wav" "$text"
	# 100 ms of silence at either end, and no other there.
	sox -D -G "$work/raw.wav" -r "$rate" -c 1 -b 16 "$work/cut.wav" \
		highpass 60 silence 1 0.02 0.3% reverse silence 1 0.02 0.3% reverse pad 0.1 0.1
	# The active level is that of the speech without its pauses.
	sox -D "$work/cut.wav" "$work/active.wav" silence 1 0.02 1% -1 0.05 1%
	level=$(sox "$work/active.wav" -n stats 2>&1 | awk '/^RMS lev dB/ {print $4}')
	gain=$(awk -v level="$level" 'BEGIN {printf "%.2f", -20 - level}')
	sox -D "$work/cut.wav" -r "$rate" -c 1 -b 16 -e signed-integer "$name.wav" gain -l "$gain"
	printf '%s: %s s, active level -20 dBov (gain %s dB)\n' "$name" "$(soxi -D "$name.wav")" "$gain"
}

speak alice 48000 en-gb+f2 60 150 \
	"Good morning everybody. The shipment from Rotterdam arrived on Tuesday, and all forty crates have been counted twice."
speak bob 16000 en-us+m3 35 150 \
	"I would like to buy twelve thousand shares at nineteen dollars and fifty cents, please confirm the order."
speak carol 16000 en-gb-scotland+f4 70 155 \
	"Could you read the number back to me? I have seven, four, zero, eight, double three, and then a nine."
speak dave 48000 en-gb-x-rp+m1 45 145 \
	"The weather over the North Sea is clearing slowly, with light winds and a few showers near the coast."
speak erin 16000 en-us+f3 55 160 \
	"We tested the new pump for six hours yesterday. It was quiet, it stayed cool, and it used less power than before."
speak frank 16000 en-029+m7 25 150 \
	"My grandfather built this boat by hand. He sailed it around the island every summer until he was eighty."
