package main

import (
	"bytes"
	"context"
	_ "embed" // the scenario
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/conftest"
)

const (
	setupRooms     = 100
	setupPerSecond = 200
	setupSeconds   = 6 // times the length of the other measurements
	setupStay      = 5 // seconds that a call lasts, as the scenario has it
	setupPatience  = time.Minute
	maxSetup       = 50 * time.Millisecond
	// setupMedia is which part of the packets has to have come: SIPp sends 50 a second in each call but for its beginning, and stops with the BYE.
	setupMedia = 0.9
)

//go:embed setup.xml
var setupScenario []byte

// setup: a foreign user agent, SIPp, calls 200 times a second, five seconds each, and sends PCMU.
func (b *bench) setup(ctx context.Context) error {
	_, stop, err := b.serve(ctx, "")
	if err != nil {
		return err
	}
	defer stop()
	dir, err := os.MkdirTemp(b.work, "setup")
	if err != nil {
		return err
	}
	if err = setupFiles(dir); err != nil {
		return err
	}
	lasts := b.seconds * setupSeconds
	calls := lasts * setupPerSecond
	end, cancel := context.WithTimeout(ctx, time.Duration(lasts+setupStay)*time.Second+setupPatience)
	defer cancel()
	sipp := setupCall(end, dir, target, calls)
	out, runErr := sipp.CombinedOutput() // that calls failed is an error as well
	took, failed, err := setupReport(dir, calls)
	if err != nil {
		return fmt.Errorf("sipp (Debian package sip-tester): %w, %w\n%s", runErr, err, tail(string(out)))
	}
	values, err := metrics(ctx)
	if err != nil {
		return err
	}
	came := values[`parley_rtp_packets_total{direction="in"}`]
	share := came / float64(calls*setupStay*packetsPerSecond)
	p99 := conftest.Percentile(took, tail99)
	if text, err := os.ReadFile(filepath.Join(dir, "errors")); err == nil && failed > 0 { //nolint:gosec // what SIPp has written
		fmt.Println(tail(string(text)))
	}
	b.report(failed == 0 && p99 <= maxSetup && share >= setupMedia,
		fmt.Sprintf("SIPp calls %d times a second for %d s, %d s each, into %d rooms, and sends PCMU", setupPerSecond, lasts, setupStay, setupRooms),
		"none fails, p99 from INVITE to 200 50 ms", "%d of %d failed, from INVITE to 200, in whole milliseconds, p50 %v, p99 %v, at most %v; %.1f %% of the packets that calls of %d s have came to the mixer",
		failed, calls, conftest.Percentile(took, 0.5), p99, slices.Max(took), 100*share, setupStay) //nolint:mnd // half, and percent
	return nil
}

// setupCall is SIPp, which writes its reports to the folder with its files.
func setupCall(ctx context.Context, dir, target string, calls int) *exec.Cmd {
	sipp := exec.CommandContext(ctx, "sipp", target, "-sf", "setup.xml", "-inf", "rooms.csv", "-i", "127.0.0.1", "-p", "0", "-mi", "127.0.0.1", //nolint:gosec // our own words
		"-r", strconv.Itoa(setupPerSecond), "-m", strconv.Itoa(calls), "-l", strconv.Itoa(calls), "-timer_resol", "1", "-nostdin",
		"-trace_rtt", "-rtt_freq", "1", "-trace_stat", "-stf", "counts.csv", "-fd", "1", "-trace_err", "-error_file", "errors")
	sipp.Dir = dir
	return sipp
}

const (
	packetsPerSecond = 50
	tail99           = 0.99
	tailText         = 2000
)

// tail is the end of a text.
func tail(text string) string { return text[max(0, len(text)-tailText):] }

// setupFiles writes what SIPp reads: the scenario, the rooms in turn, and a second of a quiet tone.
func setupFiles(dir string) error {
	const rate, level, frequency = 8000, 2000, 440
	pcm := make([]int16, rate)
	for i := range pcm {
		pcm[i] = int16(level * math.Sin(2*math.Pi*frequency*float64(i)/rate))
	}
	encoder, err := codecs.NewEncoder(codecs.Format{Codec: codecs.PCMU})
	if err != nil {
		return err
	}
	sound := make([]byte, rate)
	for at := 0; at < rate; at += rate / packetsPerSecond {
		if _, err = encoder.Encode(sound[at:], pcm[at:at+rate/packetsPerSecond]); err != nil {
			return err
		}
	}
	rooms := bytes.NewBufferString("SEQUENTIAL\n")
	for n := range setupRooms {
		fmt.Fprintf(rooms, "room%d;\n", n)
	}
	for name, text := range map[string][]byte{"setup.xml": setupScenario, "rooms.csv": rooms.Bytes(), "sound.pcmu": sound} {
		if err = os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// setupReport reads what SIPp has written: how long each call took to be answered, and how many failed, those that it never made among them.
func setupReport(dir string, calls int) (took []time.Duration, failed int, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "setup_*_rtt.csv"))
	if err != nil || len(files) != 1 {
		return nil, 0, fmt.Errorf("%w: %d files of response times", errReport, len(files))
	}
	times, err := readTable(files[0])
	if err != nil {
		return nil, 0, err
	}
	for _, row := range times {
		ms, failed := strconv.ParseFloat(row["response_time_ms"], 64)
		if failed != nil {
			return nil, 0, fmt.Errorf("%w: %w", errReport, failed)
		}
		took = append(took, time.Duration(ms*float64(time.Millisecond)))
	}
	counts, err := readTable(filepath.Join(dir, "counts.csv"))
	if err != nil {
		return nil, 0, err
	}
	if len(took) == 0 || len(counts) == 0 {
		return nil, 0, fmt.Errorf("%w: no calls", errReport)
	}
	succeeded, err := strconv.Atoi(counts[len(counts)-1]["SuccessfulCall(C)"])
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %w", errReport, err)
	}
	return took, calls - succeeded, nil
}

var errReport = errors.New("the report is not as expected")

// readTable reads a table whose first line has the names of the columns.
func readTable(file string) (rows []map[string]string, err error) {
	text, err := os.ReadFile(file) //nolint:gosec // what SIPp has written
	if err != nil {
		return nil, err
	}
	reader := csv.NewReader(strings.NewReader(string(text)))
	reader.Comma, reader.FieldsPerRecord, reader.LazyQuotes = ';', -1, true
	lines, err := reader.ReadAll()
	if err != nil || len(lines) == 0 {
		return nil, err
	}
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, value := range line[:min(len(line), len(lines[0]))] {
			row[lines[0][i]] = value
		}
		rows = append(rows, row)
	}
	return rows, nil
}
