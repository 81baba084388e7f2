package control

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// docsSource is the readable form of the API's description. It needs nothing from elsewhere.
//
//go:embed docs.html
var docsSource string

type docs struct {
	Title, Version, Description string
	Tokens                      bool
	Groups                      []docsGroup
	Objects                     []docsObject
	Events, Records             []docsEvent
}

type docsGroup struct {
	Name       string
	Operations []docsOperation
}

type docsOperation struct {
	ID, Method, Path, Summary, Description, Example string
	Request                                         []docsField
	Answers                                         []docsAnswer
	Errors                                          []string
}

type docsAnswer struct {
	Status, Meaning, Type, Link string
}

type docsObject struct {
	Name   string
	Fields []docsField
}

type docsField struct {
	Name, In, Type, Doc string
	Link                string // the object that Type names
}

// docsPage renders the page once; the description does not change any more.
func docsPage(api *huma.OpenAPI, tokens bool) http.HandlerFunc {
	page := docs{
		Title: api.Info.Title, Version: api.Info.Version, Description: api.Info.Description, Tokens: tokens,
		Groups: groupsOf(api), Objects: objectsOf(api), Events: eventsDocs, Records: recordsDocs,
	}
	var text bytes.Buffer
	if err := template.Must(template.New("docs").Parse(docsSource)).Execute(&text, page); err != nil {
		panic(err) // the template does not fit its data: every test of the package would see it
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		_, _ = w.Write(text.Bytes()) // the reader has gone
	}
}

func methodsOf(item *huma.PathItem) []*huma.Operation {
	return slices.DeleteFunc([]*huma.Operation{item.Get, item.Post, item.Patch, item.Delete}, func(o *huma.Operation) bool { return o == nil })
}

func groupsOf(api *huma.OpenAPI) []docsGroup {
	groups := make([]docsGroup, 0, len(api.Tags))
	for _, tag := range api.Tags {
		group := docsGroup{Name: tag.Name}
		for _, path := range slices.Sorted(maps.Keys(api.Paths)) {
			for _, o := range methodsOf(api.Paths[path]) {
				if slices.Contains(o.Tags, tag.Name) {
					group.Operations = append(group.Operations, describeOperation(api, path, o))
				}
			}
		}
		groups = append(groups, group)
	}
	return groups
}

func describeOperation(api *huma.OpenAPI, path string, o *huma.Operation) docsOperation {
	out := docsOperation{
		ID: o.OperationID, Method: o.Method, Path: path, Summary: o.Summary, Description: o.Description, Request: requestOf(api, o), Example: exampleOf(path, o),
	}
	for _, status := range slices.Sorted(maps.Keys(o.Responses)) {
		response := o.Responses[status]
		if status > "3" {
			out.Errors = append(out.Errors, status)
			continue
		}
		answer := docsAnswer{Status: status, Meaning: response.Description}
		for media, content := range response.Content {
			if answer.Type = media; media == "application/json" {
				answer.Type, answer.Link = typeOf(content.Schema), linkOf(content.Schema)
			}
		}
		out.Answers = append(out.Answers, answer)
	}
	return out
}

// exampleOf is a call by curl, where that says more than the path.
func exampleOf(path string, o *huma.Operation) string {
	at := "http://127.0.0.1:8080" + strings.NewReplacer("{id}", "1000", "{pid}", "PARTICIPANT", "{rid}", "RECORDING", "{aid}", "ANNOUNCEMENT", "{sid}", "SIDEBAR").Replace(path)
	switch {
	case strings.HasSuffix(path, "/events"):
		return "curl -N " + at
	case o.RequestBody == nil:
		return ""
	case strings.HasSuffix(path, "/announcements"):
		return "curl " + at + " \\\n     -H 'Content-Type: audio/wav' --data-binary @hello.wav"
	}
	example := map[string]string{
		"create-conference": `{"id": "1000", "name": "Trading desk"}`, "change-conference": `{"locked": true}`,
		"dial-participant": `{"uri": "sip:bob@192.0.2.7"}`, "change-participant": `{"muted": true}`,
		"move-participant": `{"conference": "1001"}`, "open-sidebar": `{"participants": ["ALICE", "BOB"], "hear_main": true, "private": true}`, "change-sidebar": `{"participants": ["ALICE"]}`,
		"start-recording": `{"mode": ["mixed", "separate"]}`, "hold-recorded": `{"held": true}`, "change-recording": `{"state": "paused"}`,
	}[o.OperationID]
	return fmt.Sprintf("curl -X %s %s \\\n     -H 'Content-Type: application/json' -d '%s'", o.Method, at, example)
}

func requestOf(api *huma.OpenAPI, o *huma.Operation) []docsField {
	var fields []docsField
	for _, parameter := range o.Parameters {
		doc := parameter.Description
		if doc == "" {
			doc = parameter.Schema.Description
		}
		fields = append(fields, docsField{Name: parameter.Name, In: parameter.In, Type: typeOf(parameter.Schema), Doc: doc})
	}
	if o.RequestBody == nil {
		return fields
	}
	for media, content := range o.RequestBody.Content {
		schema := resolve(api, content.Schema)
		if schema == nil || len(schema.Properties) == 0 {
			fields = append(fields, docsField{Name: "(all of it)", In: "body", Type: media, Doc: soundDoc})
			continue
		}
		for _, field := range fieldsOf(schema) {
			field.In = "body"
			fields = append(fields, field)
		}
	}
	return fields
}

// objectsOf are the schemas that bodies name.
func objectsOf(api *huma.OpenAPI) []docsObject {
	var out []docsObject
	schemas := api.Components.Schemas.Map()
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		if fields := fieldsOf(schemas[name]); len(fields) > 0 && !strings.HasSuffix(name, "Request") {
			out = append(out, docsObject{name, fields})
		}
	}
	return out
}

func fieldsOf(schema *huma.Schema) []docsField {
	fields := make([]docsField, 0, len(schema.Properties))
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		property := schema.Properties[name]
		field := docsField{Name: name, Type: typeOf(property), Doc: property.Description, Link: linkOf(property)}
		if property.Default != nil {
			field.Doc = strings.TrimSpace(fmt.Sprintf("%s Default: %v.", field.Doc, property.Default))
		}
		if slices.Contains(schema.Required, name) && schema.AdditionalProperties == false {
			field.Type += ", required"
		}
		fields = append(fields, field)
	}
	return fields
}

func resolve(api *huma.OpenAPI, schema *huma.Schema) *huma.Schema {
	if schema != nil && schema.Ref != "" {
		return api.Components.Schemas.SchemaFromRef(schema.Ref)
	}
	return schema
}

// linkOf names the object that a schema is, or is a list of.
func linkOf(schema *huma.Schema) string {
	if schema.Items != nil {
		return linkOf(schema.Items)
	}
	return schema.Ref[strings.LastIndexByte(schema.Ref, '/')+1:]
}

func typeOf(schema *huma.Schema) string {
	switch {
	case schema.Type == huma.TypeArray && schema.Items != nil:
		return "list of " + typeOf(schema.Items)
	case len(schema.Enum) > 0:
		words := make([]string, len(schema.Enum))
		for i, value := range schema.Enum {
			words[i] = fmt.Sprint(value)
		}
		return strings.Join(words, " | ")
	case schema.Ref != "":
		return linkOf(schema)
	case schema.Format == "date-time":
		return "time"
	case schema.Minimum != nil && schema.Maximum != nil:
		return fmt.Sprintf("%s, %g to %g", schema.Type, *schema.Minimum, *schema.Maximum)
	}
	return schema.Type
}
