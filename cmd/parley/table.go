package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
)

// json prints what the server has sent, for people and machines alike.
func (t *terminal) json(value json.RawMessage) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(t.out, harmlessJSON(text))
	return err
}

// show prints a list as a table of the given columns, or as JSON.
func (t *terminal) show(asJSON bool, found json.RawMessage, columns ...string) error {
	if asJSON {
		return t.json(found)
	}
	var rows []map[string]any
	numbers := json.NewDecoder(bytes.NewReader(found))
	numbers.UseNumber() // as they were sent
	if err := numbers.Decode(&rows); err != nil {
		return fmt.Errorf("the server's answer: %w", err)
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)                     //nolint:mnd // two blanks between columns
	_, _ = fmt.Fprintln(w, strings.ToUpper(strings.Join(columns, "\t"))) // Flush tells
	for _, row := range rows {
		cells := make([]string, len(columns))
		for i, column := range columns {
			cells[i] = harmless(cell(row[column]))
		}
		_, _ = fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}

// cell says a value in few words: a list of objects as its length, a list of words as the words.
func cell(value any) string {
	switch v := value.(type) {
	case nil:
		return "-"
	case []any:
		words := make([]string, 0, len(v))
		for _, element := range v {
			switch e := element.(type) {
			case string:
				words = append(words, e)
			case map[string]any:
				words = append(words, called(e)...)
			}
		}
		if len(words) == 0 {
			return strconv.Itoa(len(v))
		}
		return strings.Join(words, ",")
	case map[string]any:
		for _, key := range []string{"by", "token", "at"} { // of an acknowledgement
			if text, _ := v[key].(string); text != "" {
				return text
			}
		}
		return fmt.Sprint(v)
	case string:
		if v == "" {
			return "-"
		}
		return v
	default:
		return fmt.Sprint(v)
	}
}

// called is the name of an object of a list, or its address, with its state if it has one; nothing if it has no name.
func called(object map[string]any) []string {
	name, _ := object["name"].(string)
	if name == "" {
		name, _ = object["aor"].(string)
	}
	if name == "" {
		return nil
	}
	if state, ok := object["state"].(string); ok {
		name += ":" + state
	}
	return []string{name}
}
