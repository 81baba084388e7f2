package control

import (
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/cdr"
)

// node is an object of the AsyncAPI document.
type node = map[string]any

// asyncAPI describes all events in the form of AsyncAPI 3.0: what they look like, and the ways by which they come. registry has
// the schemas of the OpenAPI document, which are the same.
func asyncAPI(info *huma.Info, registry huma.Registry, tokens bool) node {
	schemas, messages := node{}, node{}
	for _, list := range [][]docsEvent{eventsDocs, recordsDocs} {
		for _, e := range list {
			describeMessage(e, registry, schemas, messages)
		}
	}
	for name := range closure(registry, schemas) {
		schemas[name] = registry.Map()[name]
	}
	components := node{"schemas": schemas, "messages": messages}
	servers := node{
		"http": node{"host": "{host}", "protocol": "http", "variables": hostVariable(), "description": "The HTTP API."},
		"ws":   node{"host": "{host}", "protocol": "ws", "variables": hostVariable(), "description": "The same for WebSocket."},
	}
	if tokens {
		components["securitySchemes"] = node{"bearer": node{"type": "http", "scheme": "bearer"}}
		for _, server := range servers {
			server.(node)["security"] = []any{reference("components", "securitySchemes", "bearer")} //nolint:forcetypeassert // from above
		}
	}
	return node{
		"asyncapi": "3.0.0", "defaultContentType": "application/json", "components": components, "servers": servers,
		"info": node{
			"title": info.Title + " events", "version": info.Version,
			"description": "What happens in conferences, as it comes by Server-Sent Events, by WebSocket and to webhooks. The events of one conference are in order, and their sequence has no gap.",
		},
		"channels": channels(), "operations": operations(),
	}
}

func hostVariable() node {
	return node{"host": node{"default": "127.0.0.1:8080", "description": "Host and port of http.listen."}}
}

// reference points to another part of the document.
func reference(path ...string) node {
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	var at strings.Builder
	at.WriteString("#")
	for _, segment := range path {
		at.WriteString("/" + escape.Replace(segment))
	}
	return node{"$ref": at.String()}
}

// describeMessage adds the schema of an event of one type, with the object that this type has, and its message.
func describeMessage(e docsEvent, registry huma.Registry, schemas, messages node) {
	var envelope reflect.Type
	var example any
	name := string(e.Type)
	if record, ok := pointerTo(e.what).(cdr.Record); ok {
		envelope, example = reflect.TypeFor[cdr.Event](), cdr.EventOf(record, time.Time(exampleTime))
	} else {
		envelope, example = reflect.TypeFor[focus.Event](), focus.Event{
			ID: "4f2a9c01-1234", Type: e.Type, Time: exampleTime, Conference: "1000", Sequence: 7, Object: e.what,
		}
	}
	schema := *huma.SchemaFromType(registry, envelope)
	schema.Properties = maps.Clone(schema.Properties)
	schema.Properties["type"] = &huma.Schema{Type: huma.TypeString, Enum: []any{name}, Description: "What happened."}
	schema.Properties["object"] = registry.Schema(reflect.TypeOf(e.what), true, "")
	schemas["event."+name] = &schema
	messages[name] = node{
		"name": name, "title": name, "summary": strings.ToUpper(e.When[:1]) + e.When[1:] + ".", "contentType": "application/json",
		"payload": reference("components", "schemas", "event."+name), "examples": []any{node{"name": "example", "payload": example}},
	}
}

// pointerTo gives a pointer to a copy of a value.
func pointerTo(value any) any {
	out := reflect.New(reflect.TypeOf(value))
	out.Elem().Set(reflect.ValueOf(value))
	return out.Interface()
}

// closure are the schemas of the registry to which those given refer, directly or not.
func closure(registry huma.Registry, from node) map[string]bool {
	found := map[string]bool{}
	var visit func(s *huma.Schema)
	visit = func(s *huma.Schema) {
		if s == nil {
			return
		}
		if name := s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]; name != "" && !found[name] {
			found[name] = true
			visit(registry.Map()[name])
		}
		visit(s.Items)
		for _, property := range s.Properties {
			visit(property)
		}
	}
	for _, schema := range from {
		visit(schema.(*huma.Schema)) //nolint:forcetypeassert // describeMessage has put it there
	}
	return found
}

// ways are how events come: the channel, its address and whether it is a WebSocket.
//
//nolint:gochecknoglobals // a table
var ways = []struct {
	name, address, title string
	socket               bool
}{
	{"events", "/events", "Events of all conferences, by Server-Sent Events", false},
	{"conferenceEvents", "/conferences/{id}/events", "Events of one conference, by Server-Sent Events", false},
	{"eventSocket", "/events/socket", "Events of all conferences, by WebSocket", true},
	{"conferenceEventSocket", "/conferences/{id}/events/socket", "Events of one conference, by WebSocket", true},
}

const webhookChannel = "webhook"

func channels() node {
	out := node{}
	for _, way := range ways {
		channel := node{"address": apiPrefix + way.address, "title": way.title, "messages": messagesOf(eventsDocs), "servers": []any{reference("servers", "http")}}
		if strings.Contains(way.address, "{id}") {
			channel["parameters"] = node{"id": node{"description": "Conference; it need not exist yet."}}
		}
		if way.socket {
			channel["servers"] = []any{reference("servers", "ws")}
			channel["bindings"] = node{"ws": node{"method": http.MethodGet, "query": node{
				"type": "object", "properties": node{lastEventQuery: node{"type": "string", "description": lastEventDoc}},
			}}}
		}
		out[way.name] = channel
	}
	out[webhookChannel] = node{
		"address": nil, "title": "Events and call detail records, posted to the webhooks of the configuration",
		"messages": messagesOf(slices.Concat(eventsDocs, recordsDocs)),
	}
	return out
}

func messagesOf(list []docsEvent) node {
	out := node{}
	for _, e := range list {
		out[string(e.Type)] = reference("components", "messages", string(e.Type))
	}
	return out
}

func operations() node {
	out := node{webhookChannel: node{
		"action": "send", "channel": reference("channels", webhookChannel), "summary": "Post an event",
		"description": "Signed in the form of Standard Webhooks; repeated until a 2xx answers.",
		"bindings":    node{"http": node{"method": http.MethodPost}},
	}}
	for _, way := range ways {
		out[way.name] = node{"action": "send", "channel": reference("channels", way.name), "summary": way.title}
	}
	return out
}

// asyncDocument serves the description of events; it does not change any more.
func asyncDocument(document node) http.HandlerFunc {
	text, err := json.Marshal(document)
	if err != nil {
		panic(err) // every test of the package would see it
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.aai.asyncapi+json;version=3.0.0")
		_, _ = w.Write(text) // the reader has gone
	}
}
