package control_test

import (
	"bytes"
	"context"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/cdr"
	"github.com/parley-sip/parley/internal/control"
)

// decode reads JSON in the way that the validator wants it.
func decode(t *testing.T, text []byte) any {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	must(t, err)
	return value
}

// eventTypes are those that the source of the focus names, and those of records.
func eventTypes(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "..", "focus", "event.go"), nil, 0)
	must(t, err)
	var out []string
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "EventType" {
				literal, ok := spec.Values[0].(*ast.BasicLit)
				if !ok {
					t.Fatalf("%v is not a literal", spec.Names)
				}
				text, err := strconv.Unquote(literal.Value)
				must(t, err)
				out = append(out, text)
			}
		}
		return true
	})
	for kind := range cdr.EventTypes() {
		out = append(out, string(kind))
	}
	slices.Sort(out)
	return out
}

// described is the served description of events, with what checks the payload of each type.
type described struct {
	document any
	compiler *jsonschema.Compiler
}

func describedEvents(t *testing.T, b *bench) *described {
	t.Helper()
	got := b.do("GET", "/asyncapi.json", "", 200)
	if kind := got.header.Get("Content-Type"); kind != "application/vnd.aai.asyncapi+json;version=3.0.0" {
		t.Errorf("it is of type %q", kind)
	}
	d := &described{document: decode(t, got.body), compiler: jsonschema.NewCompiler()}
	d.compiler.AssertFormat()
	must(t, d.compiler.AddResource("http://parley/asyncapi.json", d.document))
	return d
}

// check holds an event to the schema of its type.
func (d *described) check(t *testing.T, kind string, event any) {
	t.Helper()
	schema, err := d.compiler.Compile("http://parley/asyncapi.json#/components/schemas/event." + kind)
	if err != nil {
		t.Errorf("%s is not described: %v", kind, err)
		return
	}
	if err := schema.Validate(event); err != nil {
		text, _ := json.Marshal(event)
		t.Errorf("%s: %v\n%s", kind, err, text)
	}
}

// TestEventsAreDescribed: the document is AsyncAPI 3.0 by the schema of its authors, knows every type of event, and its examples
// are what it says.
func TestEventsAreDescribed(t *testing.T) {
	for name, tokens := range map[string][]control.Token{"open": nil, "with tokens": {{Name: "a", Secret: "s"}}} {
		t.Run(name, func(t *testing.T) {
			d := describedEvents(t, newBench(t, benchConfig{control: control.Config{Tokens: tokens}}))
			text, err := os.ReadFile(filepath.Join("testdata", "asyncapi-3.0.0.json"))
			must(t, err)
			form := jsonschema.NewCompiler()
			must(t, form.AddResource("http://asyncapi.com/definitions/3.0.0/asyncapi.json", decode(t, text)))
			schema, err := form.Compile("http://asyncapi.com/definitions/3.0.0/asyncapi.json")
			must(t, err)
			if err := schema.Validate(d.document); err != nil {
				t.Errorf("it is no AsyncAPI 3.0: %v", err)
			}
			document, _ := d.document.(map[string]any)
			messages := inside(t, document, "components", "messages")
			if got, want := slices.Sorted(maps.Keys(messages)), eventTypes(t); !slices.Equal(got, want) {
				t.Errorf("it describes\n%v\nthere are\n%v", got, want)
			}
			for kind, message := range messages {
				examples, _ := message.(map[string]any)["examples"].([]any)
				if len(examples) == 0 {
					t.Errorf("%s has no example", kind)
				}
				for _, example := range examples {
					payload := inside(t, map[string]any{"example": example}, "example", "payload")
					if payload["type"] != kind {
						t.Errorf("the example of %s is one of %v", kind, payload["type"])
					}
					d.check(t, kind, payload)
				}
			}
		})
	}
}

// TestWrongEventsAreNoticed: the schemas are not so wide that anything fits.
func TestWrongEventsAreNoticed(t *testing.T) {
	d := describedEvents(t, newBench(t, benchConfig{}))
	schema, err := d.compiler.Compile("http://parley/asyncapi.json#/components/schemas/event.dtmf.received")
	must(t, err)
	right := `{"id":"a-1","type":"dtmf.received","time":"2026-01-02T15:04:05.000Z","conference":"1","sequence":1,"object":{"participant":"p","digit":"1","duration_ms":100}}`
	if err := schema.Validate(decode(t, []byte(right))); err != nil {
		t.Fatal(err)
	}
	for old, wrong := range map[string]string{
		"dtmf.received": "dtmf.sent", `"digit":"1"`: `"digit":1`, `"sequence":1,`: "", "2026-01-02T": "2026-01-02 ", `"conference"`: `"confrence"`,
	} {
		if schema.Validate(decode(t, []byte(strings.Replace(right, old, wrong, 1)))) == nil {
			t.Errorf("%s instead of %s is not noticed", wrong, old)
		}
	}
}

// TestEmittedEventsAreAsDescribed in a whole conference with a recording, which has most of the types that there are.
func TestEmittedEventsAreAsDescribed(t *testing.T) {
	b := newBench(t, benchConfig{recorder: true, focus: focus.Config{Dynamic: true}})
	d := describedEvents(t, b)
	watcher := b.focus.Watch("", "")
	defer watcher.Close()
	alice := b.phone("alice", "1000")
	b.phone("bob", "1000")
	at := "/api/v1/conferences/1000"
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	seen := map[string]bool{}
	until := func(want focus.EventType) (object any) {
		t.Helper()
		for {
			event, err := watcher.Next(ctx)
			if err != nil {
				t.Fatalf("waiting for %s: %v", want, err)
			}
			text, err := json.Marshal(event)
			must(t, err)
			d.check(t, string(event.Type), decode(t, text))
			if seen[string(event.Type)] = true; event.Type == want {
				return event.Object
			}
		}
	}
	until(focus.ParticipantJoined)
	until(focus.ParticipantJoined)
	b.do("PATCH", at, `{"name":"Desk"}`, 200)
	until(focus.ConferenceUpdated)
	r := text(t, object(t, b.do("POST", at+"/recordings", `{"mode":["mixed"]}`, 201)), "id")
	until(focus.RecordingStarted)
	b.do("PATCH", at+"/recordings/"+r, `{"state":"paused"}`, 200)
	until(focus.RecordingPaused)
	b.do("PATCH", at+"/recordings/"+r, `{"state":"recording"}`, 200)
	until(focus.RecordingResumed)
	<-alice.Press('5')
	until(focus.DigitReceived)
	b.do("DELETE", at+"/recordings/"+r, "", 200)
	until(focus.RecordingStopped)
	b.do("DELETE", at, "", 204)
	until(focus.ConferenceEnded)
	for _, kind := range []focus.EventType{focus.ConferenceStarted, focus.ParticipantLeft, focus.ParticipantUpdated} {
		if !seen[string(kind)] {
			t.Errorf("there was no %s", kind)
		}
	}
}

// TestEventsAreInTheManual with what their objects are.
func TestEventsAreInTheManual(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "applications.md"))
	must(t, err)
	for _, kind := range eventTypes(t) {
		if !strings.Contains(string(text), "| `"+kind+"` | ") {
			t.Errorf("docs/applications.md does not name %s", kind)
		}
	}
}
