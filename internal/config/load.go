package config

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// KeyError is one thing wrong with the configuration. Line is 0 when it does not come from a line of the file.
type KeyError struct {
	File    string
	Line    int
	Key     string // dotted: media.jitter_buffer.max, conferences[2].id
	Problem string
}

// Error gives file, line, key and problem in the form that editors understand.
func (e *KeyError) Error() string {
	where := e.File
	if e.Line > 0 {
		where = fmt.Sprintf("%s:%d", e.File, e.Line)
	}
	if e.Key == "" {
		return where + ": " + e.Problem
	}
	return where + ": " + e.Key + ": " + e.Problem
}

// Load reads the file (none when the name is empty) over the defaults, then the environment (as of os.Environ) over both, and
// checks the result. The error joins one KeyError for everything that is wrong.
func Load(file string, environ []string) (Config, error) {
	var source []byte
	if file != "" {
		var err error
		if source, err = os.ReadFile(file); err != nil { //nolint:gosec // the operator names the file
			return Config{}, fmt.Errorf("configuration: %w", err)
		}
	}
	return Parse(file, source, environ)
}

// Parse is Load with the contents of the file given.
func Parse(file string, source []byte, environ []string) (Config, error) {
	cfg := Default()
	r := &reader{file: file, lines: map[string]int{}, origin: map[string]string{}}
	if tree, err := parser.ParseBytes(source, 0); err != nil {
		r.syntax(err)
	} else {
		for _, document := range tree.Docs {
			if document.Body != nil {
				r.read(document.Body, reflect.ValueOf(&cfg).Elem(), "", "")
			}
		}
	}
	r.environment(environ, &cfg)
	if len(r.found) == 0 {
		r.check(&cfg)
	}
	slices.SortStableFunc(r.found, func(a, b *KeyError) int { return cmp.Or(a.Line-b.Line, strings.Compare(a.Key, b.Key)) })
	problems := make([]error, 0, len(r.found))
	for _, problem := range r.found {
		problems = append(problems, problem)
	}
	return cfg, errors.Join(problems...)
}

// reader walks the file beside the Config it fills, so that it knows the line of every key.
type reader struct {
	file   string
	lines  map[string]int    // of the keys seen in the file
	origin map[string]string // the environment variable a key came from
	found  []*KeyError
}

func (r *reader) fail(key, format string, args ...any) {
	e := &KeyError{File: r.file, Line: r.lineOf(key), Key: key, Problem: fmt.Sprintf(format, args...)}
	list, _, _ := strings.Cut(key, "[") // an element comes from where its list comes from
	if variable, ok := r.origin[list]; ok {
		e.File, e.Line = variable, 0
	}
	if e.File == "" {
		e.File = "configuration"
	}
	r.found = append(r.found, e)
}

// lineOf is the line of a key, or, where it is missing, of what it should stand in.
func (r *reader) lineOf(key string) int {
	for r.lines[key] == 0 && key != "" {
		key = key[:max(strings.LastIndexAny(key, ".["), 0)]
	}
	return r.lines[key]
}

func (r *reader) syntax(err error) {
	e := &KeyError{File: r.file, Problem: err.Error()}
	if syntax, ok := errors.AsType[*yaml.SyntaxError](err); ok {
		e.Problem = syntax.GetMessage()
		if token := syntax.GetToken(); token != nil {
			e.Line = token.Position.Line
		}
	}
	r.found = append(r.found, e)
}

// read puts a node into a value of ours. accept lists the allowed strings, separated by commas.
func (r *reader) read(node ast.Node, value reflect.Value, key, accept string) {
	if token := node.GetToken(); token != nil && r.lines[key] == 0 {
		r.lines[key] = token.Position.Line
	}
	if _, null := node.(*ast.NullNode); null {
		return // a key without a value keeps its default
	}
	switch {
	case value.Kind() == reflect.Pointer:
		if value.IsNil() {
			value.Set(reflect.New(value.Type().Elem()))
		}
		r.read(node, value.Elem(), key, accept)
	case value.Kind() == reflect.Struct:
		r.readStruct(node, value, key)
	case value.Kind() == reflect.Slice:
		r.readSlice(node, value, key, accept)
	default:
		r.readScalar(node, value, key, accept)
	}
}

func (r *reader) readStruct(node ast.Node, value reflect.Value, key string) {
	entries, ok := mappingOf(node)
	if !ok {
		r.fail(key, "wants keys and values, has %s", describe(node))
		return
	}
	seen := map[string]bool{}
	for _, entry := range entries {
		name := strings.TrimSpace(entry.Key.String())
		sub := join(key, name)
		r.lines[sub] = entry.Key.GetToken().Position.Line
		field, accept, ok := fieldOf(value, name)
		switch {
		case !ok:
			r.unknown(sub, name, keysOf(value.Type()))
		case seen[name]:
			r.fail(sub, "given twice")
		default:
			r.read(entry.Value, field, sub, accept)
		}
		seen[name] = true
	}
}

func (r *reader) readSlice(node ast.Node, value reflect.Value, key, accept string) {
	sequence, ok := node.(*ast.SequenceNode)
	if !ok {
		r.fail(key, "wants a list, has %s", describe(node))
		return
	}
	list := reflect.MakeSlice(value.Type(), len(sequence.Values), len(sequence.Values))
	for i, element := range sequence.Values {
		if list.Index(i).Kind() == reflect.Struct {
			presetElement(list.Index(i))
		}
		r.read(element, list.Index(i), fmt.Sprintf("%s[%d]", key, i), accept)
	}
	value.Set(list)
}

func mappingOf(node ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := node.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

func describe(node ast.Node) string {
	switch node.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "keys and values"
	case *ast.SequenceNode:
		return "a list"
	default:
		if text, ok := node.(*ast.StringNode); ok {
			return strconv.Quote(text.Value) // without the quotes that the file has
		}
		return strconv.Quote(strings.TrimSpace(node.String()))
	}
}

func join(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}

func fieldOf(value reflect.Value, name string) (field reflect.Value, accept string, ok bool) {
	for _, f := range fieldsOf(value.Type()) {
		if f.Tag.Get("yaml") == name {
			return value.FieldByIndex(f.Index), f.Tag.Get("accept"), true
		}
	}
	return reflect.Value{}, "", false
}

// fieldsOf are the fields with a key; those of embedded structs stand among them.
func fieldsOf(t reflect.Type) []reflect.StructField {
	return slices.DeleteFunc(reflect.VisibleFields(t), func(f reflect.StructField) bool { return f.Anonymous })
}

func keysOf(t reflect.Type) []string {
	fields := fieldsOf(t)
	keys := make([]string, 0, len(fields))
	for _, f := range fields {
		keys = append(keys, f.Tag.Get("yaml"))
	}
	return keys
}
