package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Row is one duty.
type Row struct {
	ID      string // such as "FO-TIM-12"
	Section string // of which RFC, as the table has it
	Level   string // MUST, SHOULD, MAY, …; with ° where the RFC says it in plain words
	Duty    string
}

// Binding reports whether the row is a MUST or a SHOULD.
func (r Row) Binding() bool {
	return strings.HasPrefix(r.Level, "MUST") || strings.HasPrefix(r.Level, "SHOULD")
}

// Table is one file of rows.
type Table struct {
	Name  string // without extension
	Title string
	Rows  []Row
}

// identifier is what names a row.
var identifier = regexp.MustCompile(`\b(?:(?:FO|CE|ME|SR)-[A-Z]+|RQ|SC)-[0-9]+[a-z]?\b`)

// ReadTables reads the tables of a folder, in order of their names. The columns are identifier, RFC section, level, duty.
func ReadTables(folder string) ([]Table, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.md"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no tables in %s: %w", folder, err)
	}
	tables := make([]Table, 0, len(files))
	for _, file := range files {
		text, err := os.ReadFile(file) //nolint:gosec // a file of the repository
		if err != nil {
			return nil, fmt.Errorf("read table: %w", err)
		}
		tables = append(tables, readTable(strings.TrimSuffix(filepath.Base(file), ".md"), string(text)))
	}
	return tables, nil
}

func readTable(name, text string) Table {
	table := Table{Name: name}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if title, ok := strings.CutPrefix(line, "# "); ok && table.Title == "" {
			table.Title = title
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		id := strings.TrimSpace(cells[0])
		if !strings.HasPrefix(line, "|") || len(cells) < 4 || identifier.FindString(id) != id || id == "" {
			continue
		}
		table.Rows = append(table.Rows, Row{
			ID: id, Section: strings.TrimSpace(cells[1]), Level: strings.TrimSpace(cells[2]), Duty: strings.TrimSpace(cells[3]),
		})
	}
	return table
}
