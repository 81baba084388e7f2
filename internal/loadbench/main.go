package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// bench is one run of all measurements.
type bench struct {
	confload, reflector, parley string
	work                        string
	rounds                      int
	seconds                     int
	calls                       int
	page                        string
	broken                      bool // somebody heard the wrong thing
	rows                        []row
}

type row struct {
	what, figure, limit string
	good                bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	tools := flag.String("tools", "", "folder with confload and reflector")
	only := flag.String("only", "", "the only measurements to make, separated by commas, such as crowd,cycles, which need no tools")
	b := bench{}
	flag.StringVar(&b.parley, "parley", "bin/parley", "the program to measure")
	flag.IntVar(&b.rounds, "rounds", 3, "rounds of the cost measurement; the median counts")
	flag.IntVar(&b.seconds, "seconds", 10, "length of each measurement")
	flag.IntVar(&b.calls, "calls", 100_000, "how many calls come and go")
	flag.StringVar(&b.page, "write", "", "file for the table, in Markdown")
	flag.Parse()
	if err := b.run(ctx, *tools, *only); err != nil {
		fmt.Fprintln(os.Stderr, "loadbench:", err)
		os.Exit(1) //nolint:gocritic // the deferred stop has nothing left to do
	}
}

func (b *bench) run(ctx context.Context, tools, only string) error {
	chosen, err := choose(only)
	if err != nil {
		return err
	}
	if b.work, err = os.MkdirTemp("", "loadbench"); err != nil {
		return err
	}
	defer os.RemoveAll(b.work) //nolint:errcheck // a temporary folder
	if tools != "" || only == "" {
		if err := b.build(ctx, tools); err != nil {
			return err
		}
	}
	for _, m := range chosen {
		if err := m.measure(b, ctx); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return b.print(ctx)
}

// measurement is one of those that can be chosen.
type measurement struct {
	name    string
	measure func(*bench, context.Context) error
}

// measurements are all of them, in the order in which they are made.
func measurements() []measurement {
	return []measurement{
		{"correctness", (*bench).correctness},
		{"cost", (*bench).cost},
		{"room", (*bench).room},
		{"listeners", (*bench).listeners},
		{"protection", (*bench).protection},
		{"latency", (*bench).latency},
		{"recording", (*bench).recording},
		{"start", (*bench).start},
		{"clap", (*bench).clap},
		{"failover", (*bench).failover},
		{"spool", (*bench).spooled},
		{"crossing", (*bench).crossing},
		{"roster", (*bench).roster},
		{"disturbed", (*bench).disturbed},
		{"idle", (*bench).idle},
		{"crowd", (*bench).crowd},
		{"audience", (*bench).audience},
		{"watchers", (*bench).watchers},
		{"setup", (*bench).setup},
		{"surge", (*bench).surge},
		{"storm", (*bench).storm},
		{"cycles", (*bench).cycles},
		{"continuity", (*bench).continuity},
	}
}

// choose finds measurements by their names, which commas separate; nothing stands for all. An unknown name is an error that lists the names.
func choose(only string) (chosen []measurement, err error) {
	all := measurements()
	if only == "" {
		return all, nil
	}
	wanted := strings.FieldsFunc(only, func(r rune) bool { return r == ',' || r == ' ' })
	for _, m := range all {
		if n := slices.Index(wanted, m.name); n >= 0 {
			chosen, wanted[n] = append(chosen, m), ""
		}
	}
	if n := slices.IndexFunc(wanted, func(name string) bool { return name != "" }); n >= 0 || len(chosen) == 0 {
		names := make([]string, len(all))
		for i, m := range all {
			names[i] = m.name
		}
		return nil, fmt.Errorf("%w: -only %s; there are %s", errUnknown, only, strings.Join(names, ", "))
	}
	return chosen, nil
}

// errUnknown is a measurement that there is not.
var errUnknown = errors.New("no such measurement")

// build compiles the tools from a copy, since their folder may be read-only.
func (b *bench) build(ctx context.Context, tools string) error {
	for _, tool := range []string{"confload", "reflector"} {
		copied := filepath.Join(b.work, tool)
		if err := os.CopyFS(copied, os.DirFS(filepath.Join(tools, tool))); err != nil {
			return fmt.Errorf("the tools are not in %s: %w", tools, err)
		}
		command := []string{"go", "build", "-o", tool, "."}
		if tool == "reflector" {
			command = []string{"make"}
		}
		build := exec.CommandContext(ctx, command[0], command[1:]...) //nolint:gosec // our own words
		build.Dir = copied
		build.Env = append(os.Environ(), "GOFLAGS=-buildvcs=false")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("building %s: %w\n%s", tool, err, out)
		}
	}
	b.confload, b.reflector = filepath.Join(b.work, "confload", "confload"), filepath.Join(b.work, "reflector", "reflector")
	return nil
}

// load runs confload and reads what it found. That it found faults is not an error here.
func (b *bench) load(ctx context.Context, args ...string) (result, error) {
	file := filepath.Join(b.work, "result.json")
	_ = os.Remove(file)
	args = append(args, "-json", file, "-duration", strconv.Itoa(b.seconds)+"s", "-cps", "100", "-rt")
	command := exec.CommandContext(ctx, b.confload, args...) //nolint:gosec // our own words
	out, runErr := command.CombinedOutput()
	text, err := os.ReadFile(file) //nolint:gosec // what confload has written
	if err != nil {
		return result{}, fmt.Errorf("confload %v: %w\n%s", args, runErr, out)
	}
	var r result
	err = json.Unmarshal(text, &r)
	return r, err
}

// result is what we read of confload's report.
type result struct {
	OK       bool     `json:"ok"`
	Problems []string `json:"problems"`
	Media    struct {
		LossPercent float64 `json:"loss_percent"`
		GapMS       summary `json:"inter_arrival_ms"`
	} `json:"media"`
	Verify struct {
		Violations int     `json:"violations"`
		GainDB     summary `json:"gain_db"`
		SINAD      summary `json:"sinad_db"`
	} `json:"verify"`
	Latency struct {
		AddedMS summary `json:"added_by_server_ms"`
	} `json:"latency"`
	Server struct {
		PerLeg    float64 `json:"cpu_ms_per_leg_s"`
		RSSPerLeg float64 `json:"rss_kib_per_leg"`
	} `json:"server"`
	Notes []string `json:"notes"`
}

type summary struct {
	Min float64 `json:"min"`
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

func (b *bench) report(good bool, what, limit, format string, args ...any) {
	r := row{what: what, limit: limit, figure: fmt.Sprintf(format, args...), good: good}
	b.rows = append(b.rows, r)
	fmt.Printf("%-4s %-52s %-46s limit: %s\n", map[bool]string{true: "ok", false: "BAD"}[good], r.what, r.figure, r.limit)
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

func list(values []float64) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = fmt.Sprintf("%.3f", v)
	}
	return strings.Join(words, ", ")
}
