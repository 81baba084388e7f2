package conformance

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write docs/conformance.md anew")

const root = "../.."

// Every identifier that a test names is a row, and the page says what the tests say.
func TestPage(t *testing.T) {
	tables, err := ReadTables(filepath.Join(root, "testdata", "conformance"))
	if err != nil {
		t.Fatal(err)
	}
	found, err := Scan(root)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]bool{}
	for _, table := range tables {
		if len(table.Rows) < 20 {
			t.Errorf("%d rows in %s", len(table.Rows), table.Name)
		}
		for _, row := range table.Rows {
			rows[row.ID] = true
		}
	}
	for id, proofs := range found {
		if !rows[id] {
			t.Errorf("%s in %s of %s is no row of any table", id, proofs[0].Name, proofs[0].File)
		}
	}
	page, file := Page(tables, found), filepath.Join(root, "docs", "conformance.md")
	if *update {
		if err = os.WriteFile(file, page, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, page) {
		t.Error("docs/conformance.md is not what the tests say: run make conformance, and read what has changed")
	}
}

func TestReadTable(t *testing.T) {
	table := readTable("x", "# Title\n\n| ID | RFC § | Level | Our focus must | Test |\n| --- | --- | --- | --- | --- |\n"+
		"| FO-TIM-01 | 28 §7.1 | MUST | list it | header |\n| RQ-005 | 41 | SHOULD° | begin early | – |\n| word | a | b | c |\n")
	if table.Title != "Title" || len(table.Rows) != 2 || table.Rows[0] != (Row{"FO-TIM-01", "28 §7.1", "MUST", "list it"}) || !table.Rows[1].Binding() {
		t.Errorf("%+v", table)
	}
}

func TestScan(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a_test.go": "package a\n\n// Before.\n//\n// Shows FO-TIM-01, ME-RTP-02.\nfunc TestA(t *testing.T) {\n\t// FO-END-03: within\n}\n\n// SR-EST-01 of a helper.\nfunc help() {}\n",
		"a.go":      "package a\n\n// FO-IN-01\nfunc A() {}\n",
		filepath.Join("testdata", "sipp", "hold.xml"):    "<!-- FO-MOD-03 -->\n<scenario name=\"FO-MOD-99\"/>\n",
		filepath.Join("siprec", "testdata", "pause.txt"): "# Before SR-UPD-01\njoin SR-UPD-02\n----\nreport\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found, err := Scan(dir)
	if err != nil {
		t.Fatal(err)
	}
	for id, name := range map[string]string{"FO-TIM-01": "TestA", "ME-RTP-02": "TestA", "FO-END-03": "TestA", "FO-MOD-03": "hold", "SR-UPD-01": "pause"} {
		if len(found[id]) != 1 || found[id][0].Name != name {
			t.Errorf("%s: %+v", id, found[id])
		}
	}
	if len(found) != 5 {
		t.Errorf("%v", found)
	}
}
