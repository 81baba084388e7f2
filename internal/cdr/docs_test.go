package cdr

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestFieldsAreDocumented: docs/applications.md has the table of every kind of record as the comments of the fields say it.
func TestFieldsAreDocumented(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "applications.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range []any{Head{}, ConferenceRecord{}, ParticipantRecord{}, RecordingRecord{}} {
		if table := fieldTable(reflect.TypeOf(record)); !strings.Contains(string(text), table) {
			t.Errorf("docs/applications.md lacks\n%s", table)
		}
	}
}

// fieldTable is the table of the fields of a record, without those of its head.
func fieldTable(record reflect.Type) string {
	var out strings.Builder
	out.WriteString("| field | meaning |\n| --- | --- |\n")
	for field := range record.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" {
			continue
		}
		meaning := strings.TrimSuffix(field.Tag.Get("doc"), ".")
		if values := field.Tag.Get("enum"); values != "" && !strings.Contains(meaning, strings.Split(values, ",")[0]) {
			meaning += ": `" + strings.ReplaceAll(values, ",", "`, `") + "`"
		}
		fmt.Fprintf(&out, "| `%s` | %s |\n", name, meaning)
	}
	return out.String()
}
