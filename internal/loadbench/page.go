package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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
	table.WriteString(tableHead)
	today := time.Now().UTC().Format(time.DateOnly)
	for _, r := range b.rows {
		table.WriteString(r.line(today))
	}
	fmt.Print("\n", table.String())
	if b.page != "" {
		old, err := os.ReadFile(b.page)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		page, err := renew(string(old), machine(ctx), today, b.rows)
		if err != nil {
			return fmt.Errorf("%s: %w", b.page, err)
		}
		if err := os.WriteFile(b.page, []byte(page), 0o644); err != nil { //nolint:gosec // a page of the documentation
			return err
		}
	}
	if b.broken {
		return errBroken
	}
	return nil
}

const tableHead = "| what | figure | limit | within | measured |\n| --- | --- | --- | --- | --- |\n"

// line is a row of the table.
func (r row) line(measured string) string {
	return fmt.Sprintf("| %s | %s | %s | %s | %s |\n", r.what, r.figure, r.limit, map[bool]string{true: "yes", false: "**no**"}[r.good], measured)
}

// What is between these lines of the page is ours, all else is its authors'.
const (
	pageBegin = "<!-- make bench: begin -->\n"
	pageEnd   = "<!-- make bench: end -->\n"
)

// errUnmarked is a page with no place for the table.
var errUnmarked = errors.New("there is text, and not one pair of the lines " + strings.TrimSpace(pageBegin) + " and " + strings.TrimSpace(pageEnd))

// renew puts rows into the table of a page: in the place of those that measured the same before, or below. Rows that were not measured this time
// stay when they are from the same machine, as figures of two are not to be compared.
func renew(page, machine, today string, rows []row) (string, error) {
	if strings.TrimSpace(page) == "" {
		page = "# Performance\n\n" + pageBegin + pageEnd
	}
	before, rest, begun := strings.Cut(page, pageBegin)
	old, after, ended := strings.Cut(rest, pageEnd)
	if !begun || !ended || strings.Contains(after, pageBegin) {
		return "", errUnmarked
	}
	head := "Machine: " + machine + ".\n\n" + tableHead
	lines := make(map[string]string, len(rows))
	for _, r := range rows {
		lines[r.what] = r.line(today)
	}
	var table strings.Builder
	if kept, same := strings.CutPrefix(old, head); same {
		for line := range strings.Lines(kept) {
			what, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
			if now, measured := lines[what]; measured {
				line = now
				delete(lines, what)
			}
			table.WriteString(line)
		}
	}
	for _, r := range rows {
		table.WriteString(lines[r.what])
		delete(lines, r.what)
	}
	return before + pageBegin + head + table.String() + pageEnd + after, nil
}

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
