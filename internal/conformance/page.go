package conformance

import (
	"fmt"
	"strings"
)

// Page writes docs/conformance.md. It depends on nothing but the tables and the proofs.
func Page(tables []Table, found map[string][]Proof) []byte {
	var page strings.Builder
	page.WriteString("# Conformance\n\nWhat the RFCs ask of us, and the tests that show it; made by `make conformance` from testdata/conformance and the comments of the\n" +
		"tests. A row without a test may be built all the same: see [roadmap.md](roadmap.md) for what is not.\n\n" +
		"| table | rows | MUST and SHOULD | of these shown by a test |\n| --- | --- | --- | --- |\n")
	for _, table := range tables {
		binding, shown := 0, 0
		for _, row := range table.Rows {
			if row.Binding() {
				binding++
				if len(found[row.ID]) > 0 {
					shown++
				}
			}
		}
		fmt.Fprintf(&page, "| [%s](#%s) | %d | %d | %d |\n", table.Name, table.Name, len(table.Rows), binding, shown)
	}
	for _, table := range tables {
		fmt.Fprintf(&page, "\n## %s\n\n%s\n\n| ID | RFC § | level | duty | tests |\n| --- | --- | --- | --- | --- |\n", table.Name, table.Title)
		for _, row := range table.Rows {
			fmt.Fprintf(&page, "| %s | %s | %s | %s | %s |\n", row.ID, row.Section, row.Level, row.Duty, proofs(found[row.ID]))
		}
	}
	return []byte(page.String())
}

// proofs is the last cell of a row.
func proofs(list []Proof) string {
	if len(list) == 0 {
		return "–"
	}
	links := make([]string, len(list))
	for i, p := range list {
		links[i] = fmt.Sprintf("[%s](../%s)", p.Name, p.File)
	}
	return strings.Join(links, ", ")
}
