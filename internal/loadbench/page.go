package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// errBroken is the one result that no busy machine excuses. Costs beyond their limits are in the table.
var errBroken = errors.New("somebody heard or was told what he must not, or not what he must")

// print writes the table, also to the page.
func (b *bench) print(ctx context.Context) error {
	var table strings.Builder
	table.WriteString("| what | figure | limit | within |\n| --- | --- | --- | --- |\n")
	for _, r := range b.rows {
		fmt.Fprintf(&table, "| %s | %s | %s | %s |\n", r.what, r.figure, r.limit, map[bool]string{true: "yes", false: "**no**"}[r.good])
	}
	fmt.Print("\n", table.String())
	if b.page != "" {
		if err := os.WriteFile(b.page, []byte(fmt.Sprintf(page, time.Now().UTC().Format(time.DateOnly), machine(ctx), b.rounds, b.seconds, table.String())), 0o644); err != nil { //nolint:gosec // a page of the documentation
			return err
		}
	}
	if b.broken {
		return errBroken
	}
	return nil
}

// page is docs/performance.md: date, machine, rounds, seconds, table.
const page = `# Performance

Made by ` + "`make bench`" + ` on %s; do not edit. Machine: %s.

Costs are those of the server's process. A cost "against the reflector" is a ratio to a program that does nothing but receive and send
the same packets with the same sockets, measured in turn in the same run (median of %d rounds of %d s): it can be compared between machines, the
milliseconds cannot. On loopback the sender's system call does the receiver's share of the network's work as well, for both. "ms/leg s" is
milliseconds of processor time for each second of each leg. Lateness is from when a tick of the mixer was due to when it began.

%s
What the costs are made of, and what was done about them: [architecture](architecture.md), ADR [2](adr/0002-a-tick-not-a-goroutine-per-leg.md),
[5](adr/0005-encode-once-fork-and-merge.md), [8](adr/0008-mixing-threads-give-way-between-ticks.md), [30](adr/0030-mixing-threads-are-real-time.md). What lost packets sound like: [audio](audio.md#lost-speech).
`

// machine describes where the figures were measured.
func machine(ctx context.Context) string {
	model := "unknown processor"
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	virtual := ""
	if out, err := exec.CommandContext(ctx, "systemd-detect-virt").Output(); err == nil {
		virtual = ", virtual (" + strings.TrimSpace(string(out)) + ")"
	} else if strings.Contains(string(text), "hypervisor") {
		virtual = ", virtual"
	}
	return fmt.Sprintf("%d processors %s%s, Linux %s, %s", runtime.NumCPU(), model, virtual, strings.TrimSpace(string(kernel)), runtime.Version())
}
