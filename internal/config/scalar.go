package config

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

//nolint:gochecknoglobals // constants that Go cannot say as such
var (
	durationType = reflect.TypeFor[time.Duration]()
	sizeType     = reflect.TypeFor[Size]()
)

func (r *reader) readScalar(node ast.Node, value reflect.Value, key, accept string) {
	switch node.(type) {
	case *ast.MappingNode, *ast.MappingValueNode, *ast.SequenceNode:
		r.fail(key, "wants %s, has %s", wanted(value, accept), describe(node))
		return
	}
	text := strings.TrimSpace(node.String())
	if s, ok := node.(*ast.StringNode); ok {
		text = s.Value
	} else if l, ok := node.(*ast.LiteralNode); ok {
		text = l.Value.Value
	}
	if err := setScalar(value, text, accept); err != nil {
		r.fail(key, "%v", err)
	}
}

func setScalar(value reflect.Value, text, accept string) error {
	refused := fmt.Errorf("wants %s, has %q", wanted(value, accept), text)
	if value.Type() == durationType {
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 {
			return refused
		}
		value.SetInt(int64(d))
		return nil
	}
	if value.Type() == sizeType {
		n, ok := parseSize(text)
		if !ok {
			return refused
		}
		value.SetInt(n)
		return nil
	}
	switch value.Kind() { //nolint:exhaustive // the kinds that occur in Config
	case reflect.String:
		if accept != "" && !slices.Contains(strings.Split(accept, ","), text) {
			return refused
		}
		value.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return refused
		}
		value.SetBool(b)
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return refused
		}
		value.SetInt(int64(n))
	default:
		return refused
	}
	return nil
}

// sizeUnits are those of powers of 2 (IEC 80000-13) and of 10.
//
//nolint:gochecknoglobals // a table
var sizeUnits = map[string]int64{
	"": 1, "B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
}

func parseSize(text string) (int64, bool) {
	digits := strings.TrimRight(text, "kKMGTiB ")
	n, err := strconv.ParseInt(digits, 10, 64)
	unit, ok := sizeUnits[strings.TrimSpace(text[len(digits):])]
	if err != nil || !ok || n < 0 || n > math.MaxInt64/unit {
		return 0, false
	}
	return n * unit, true
}

func wanted(value reflect.Value, accept string) string {
	switch {
	case accept != "":
		return "one of " + strings.ReplaceAll(accept, ",", ", ")
	case value.Type() == durationType:
		return "a duration such as 200ms or 15s"
	case value.Type() == sizeType:
		return "a size such as 500MiB or 2TB"
	case value.Kind() == reflect.Bool:
		return "true or false"
	case value.Kind() == reflect.Int:
		return "a whole number"
	default:
		return "a text"
	}
}

// presetElement gives an element of a list the defaults that differ from Go's zero value.
func presetElement(element reflect.Value) {
	switch e := element.Addr().Interface().(type) {
	case *RecordingServer:
		e.SRTP = "disabled"
	case *Token:
		e.Scope = "admin"
	case *Webhook:
		presetWebhook(e)
	}
}

const envPrefix = "PARLEY_"

// notConfiguration are variables with our prefix that the command line uses.
//
//nolint:gochecknoglobals // a table
var notConfiguration = []string{"PARLEY_API", "PARLEY_TOKEN"}

// environment applies PARLEY_SECTION_KEY=value. Lists are YAML ([a, b]) or separated by commas.
func (r *reader) environment(environ []string, cfg *Config) {
	for _, entry := range environ {
		name, text, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) || slices.Contains(notConfiguration, name) {
			continue
		}
		key, field, accept, ok := findByVariable(reflect.ValueOf(cfg).Elem(), "", strings.ToLower(strings.TrimPrefix(name, envPrefix)))
		r.origin[key] = name
		if !ok {
			r.origin[name] = "environment"
			r.fail(name, "no such key")
			continue
		}
		if field.Kind() == reflect.Slice && !strings.HasPrefix(strings.TrimSpace(text), "[") {
			text = "[" + text + "]"
		}
		if field.Kind() != reflect.Slice && field.Kind() != reflect.Struct {
			if err := setScalar(field, text, accept); err != nil {
				r.fail(key, "%v", err)
			}
			continue
		}
		tree, err := parser.ParseBytes([]byte(text), 0)
		if err != nil || len(tree.Docs) == 0 || tree.Docs[0].Body == nil {
			r.fail(key, "is not YAML: %q", text)
			continue
		}
		r.read(tree.Docs[0].Body, field, key, accept)
	}
}

// findByVariable finds jitter_buffer.max for "jitter_buffer_max": keys have underscores themselves, so it tries each field.
func findByVariable(value reflect.Value, key, rest string) (found string, field reflect.Value, accept string, ok bool) {
	for _, f := range fieldsOf(value.Type()) {
		name := f.Tag.Get("yaml")
		sub := value.FieldByIndex(f.Index)
		if name == rest {
			return join(key, name), sub, f.Tag.Get("accept"), true
		}
		if after, cut := strings.CutPrefix(rest, name+"_"); cut && sub.Kind() == reflect.Struct {
			if found, field, accept, ok = findByVariable(sub, join(key, name), after); ok {
				return found, field, accept, true
			}
		}
	}
	return "", reflect.Value{}, "", false
}
