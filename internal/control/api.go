package control

import (
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/page"
)

const apiPrefix = "/api/v1"

// The groups of operations, in the order of the pages.
const (
	tagConferences  = "Conferences"
	tagParticipants = "Participants"
	tagRecordings   = "Recordings"
	tagEvents       = "Events"
	tagRecorder     = "Recorder"
	tagServer       = "Server"
)

func (s *Server) registerAPI(mux *http.ServeMux, metrics bool) {
	config := huma.DefaultConfig("Parley", s.cfg.Version)
	config.Info.Description = "Conferences, their participants, recordings and events. Times are RFC 3339 in UTC, errors are problem documents (RFC 9457)."
	config.CreateHooks = nil // no $schema in every object
	config.DocsPath = ""     // the built-in pages load a script from elsewhere; ours do not
	config.SchemasPath = ""
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"bearer": {Type: "http", Scheme: "bearer"}}
	config.Components.Schemas.RegisterTypeAlias(reflect.TypeFor[focus.Time](), reflect.TypeFor[time.Time]())
	for _, tag := range []string{tagConferences, tagParticipants, tagRecordings, tagEvents, tagRecorder, tagServer} {
		config.Tags = append(config.Tags, &huma.Tag{Name: tag})
	}
	api := humago.New(mux, config)
	if s.focus != nil {
		s.registerConferences(api)
		s.registerLife(api)
		s.registerParticipants(api)
		s.registerSidebars(api)
		s.registerRecordings(api)
		s.registerEvents(api)
		s.registerSockets(api)
		s.registerLevels(api)
		s.registerAssurance(api)
	}
	if s.cfg.Recorder != nil {
		s.registerRecorder(api)
		s.registerListening(api)
		s.registerActivity(api)
	}
	if s.cfg.Operation != nil {
		s.registerOperation(api)
	}
	s.registerAccess(api)
	describeServer(api.OpenAPI(), metrics)
	if s.focus != nil {
		events := asyncAPI(api.OpenAPI().Info, api.OpenAPI().Components.Schemas, len(s.cfg.Tokens) > 0)
		mux.HandleFunc("GET /asyncapi.json", asyncDocument(events))
	}
	mux.HandleFunc("GET /docs", docsPage(api.OpenAPI(), len(s.cfg.Tokens) > 0))
	if s.cfg.Page {
		page.Register(mux)
	} else {
		mux.Handle("GET /{$}", http.RedirectHandler("/docs", http.StatusFound)) // for who only types the address
	}
}

// operation describes a route with the errors that its kind can have.
func operation(tag, method, at, id, summary string) huma.Operation {
	failures := []int{http.StatusUnauthorized}
	if method != http.MethodGet {
		failures = append(failures, http.StatusForbidden, http.StatusConflict, http.StatusServiceUnavailable)
	}
	if strings.Contains(at, "{id}") {
		failures = append(failures, http.StatusNotFound)
	}
	return huma.Operation{
		OperationID: id, Method: method, Path: apiPrefix + at, Summary: summary, Tags: []string{tag}, Errors: failures,
		Security: []map[string][]string{{"bearer": {}}},
	}
}

// describeServer adds what is served beside the API to its description.
func describeServer(api *huma.OpenAPI, metrics bool) {
	text := func(path, id, summary string, answers map[string]string) {
		o := &huma.Operation{
			OperationID: id, Method: http.MethodGet, Path: path, Summary: summary, Tags: []string{tagServer}, Responses: map[string]*huma.Response{},
		}
		for status, description := range answers {
			o.Responses[status] = &huma.Response{Description: description}
		}
		o.Responses["200"].Content = map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}}}
		api.AddOperation(o)
	}
	text("/healthz", "get-health", "Ask whether the process lives", map[string]string{"200": "It does"})
	text("/readyz", "get-readiness", "Ask whether calls are taken", map[string]string{"200": "They are", "503": "Not yet, or not any more"})
	if metrics {
		text("/metrics", "get-metrics", "Get the counters for Prometheus", map[string]string{"200": "Prometheus text", "401": "A token is needed"})
	}
}
