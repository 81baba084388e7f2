package control

import (
	"cmp"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// docsTemplate is the readable form of the API's description. It needs nothing from elsewhere.
//
//nolint:gochecknoglobals // a table in the form of a page
var docsTemplate = template.Must(template.New("docs").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{.Title}} API</title><style>
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f23}
code{font-family:ui-monospace,monospace;font-size:.9em} h1{margin-bottom:0} table{border-collapse:collapse;width:100%;margin:.5rem 0}
td,th{text-align:left;border-bottom:1px solid #d8dee4;padding:.25rem .5rem;vertical-align:top} section{margin:2rem 0}
.m{display:inline-block;min-width:4.5rem;font-weight:600;color:#0550ae} .s{color:#57606a}
</style></head><body><h1>{{.Title}} API</h1><p class="s">{{.Description}} The machine-readable description is at <a href="/openapi.json">/openapi.json</a>.</p>
{{range .Operations}}<section id="{{.ID}}"><h2><span class="m">{{.Method}}</span> <code>{{.Path}}</code></h2><p>{{.Summary}}.</p>
{{if .Fields}}<table><tr><th>name</th><th>in</th><th>type</th><th>meaning</th></tr>{{range .Fields}}
<tr><td><code>{{.Name}}</code></td><td>{{.In}}</td><td>{{.Type}}</td><td>{{.Doc}}</td></tr>{{end}}</table>{{end}}
<p class="s">Answers: {{.Answers}}</p></section>{{end}}</body></html>
`))

type docsOperation struct {
	ID, Method, Path, Summary, Answers string
	Fields                             []docsField
}

type docsField struct {
	Name, In, Type, Doc string
}

func docsPage(api *huma.OpenAPI) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		page := struct {
			Title, Description string
			Operations         []docsOperation
		}{api.Info.Title, api.Info.Description, operationsOf(api)}
		_ = docsTemplate.Execute(w, page) // the reader has gone
	}
}

func operationsOf(api *huma.OpenAPI) []docsOperation {
	var out []docsOperation
	for path, item := range api.Paths {
		for _, o := range []*huma.Operation{item.Get, item.Post, item.Patch, item.Delete} {
			if o == nil {
				continue
			}
			var answers []string
			for status, response := range o.Responses {
				answers = append(answers, strings.TrimSpace(status+" "+response.Description))
			}
			slices.Sort(answers)
			out = append(out, docsOperation{
				ID: o.OperationID, Method: o.Method, Path: path, Summary: o.Summary, Answers: strings.Join(answers, ", "), Fields: fieldsOf(api, o),
			})
		}
	}
	slices.SortFunc(out, func(a, b docsOperation) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Method, b.Method))
	})
	return out
}

func fieldsOf(api *huma.OpenAPI, o *huma.Operation) []docsField {
	var fields []docsField
	for _, parameter := range o.Parameters {
		fields = append(fields, docsField{parameter.Name, parameter.In, typeOf(parameter.Schema), cmp.Or(parameter.Description, parameter.Schema.Description)})
	}
	if o.RequestBody == nil {
		return fields
	}
	for media, content := range o.RequestBody.Content {
		schema := content.Schema
		if schema != nil && schema.Ref != "" {
			schema = api.Components.Schemas.SchemaFromRef(schema.Ref)
		}
		if schema == nil || len(schema.Properties) == 0 {
			fields = append(fields, docsField{"(body)", media, "binary", ""})
			continue
		}
		names := make([]string, 0, len(schema.Properties))
		for name := range schema.Properties {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			fields = append(fields, docsField{name, "body", typeOf(schema.Properties[name]), schema.Properties[name].Description})
		}
	}
	return fields
}

func typeOf(schema *huma.Schema) string {
	if schema.Type == huma.TypeArray && schema.Items != nil {
		return "list of " + typeOf(schema.Items)
	}
	if len(schema.Enum) > 0 {
		words := make([]string, len(schema.Enum))
		for i, value := range schema.Enum {
			if word, ok := value.(string); ok {
				words[i] = word
			}
		}
		return strings.Join(words, " | ")
	}
	if schema.Ref != "" {
		return schema.Ref[strings.LastIndexByte(schema.Ref, '/')+1:]
	}
	return schema.Type
}
