package control_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/control"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/prompts"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/mixer"
	"github.com/parley-sip/parley/siprec/srs"
)

const patience = 30 * time.Second

// bench is an API over a whole focus on loopback, without a recorder unless asked for.
type bench struct {
	t        *testing.T
	focus    *focus.Focus
	recorder *srs.Server // nil: none
	agent    *sipua.Agent
	server   *control.Server
	base     string
	token    string // sent with every request, unless empty
}

type benchConfig struct {
	control  control.Config
	focus    focus.Config
	metrics  http.Handler
	recorder bool
}

func newBench(t *testing.T, cfg benchConfig) *bench {
	t.Helper()
	transport, err := media.NewTransport(media.Config{})
	must(t, err)
	t.Cleanup(func() { must(t, transport.Close()) })
	var speakers atomic.Pointer[focus.Focus]
	engine, err := mixer.New(mixer.Config{OnSpeakers: func(m *mixer.Mix, active []mixer.MemberID) {
		if f := speakers.Load(); f != nil {
			f.Speakers(m, active)
		}
	}})
	must(t, err)
	must(t, engine.Start())
	t.Cleanup(func() { must(t, engine.Close()) })
	var recorder *srs.Server
	if cfg.recorder {
		recorder = startRecorder(t)
		cfg.control.Recorder = recorder
		cfg.focus.Recorders = append(cfg.focus.Recorders, primary(recorder))
	}
	library, err := prompts.New("", "")
	if err != nil {
		t.Fatal(err)
	}
	f, err := focus.New(cfg.focus, focus.Deps{Mixer: engine, Media: transport, Prompts: library})
	must(t, err)
	speakers.Store(f)
	agent, err := sipua.New(sipua.Config{}, f)
	must(t, err)
	f.Serve(agent)
	must(t, agent.Start(t.Context()))
	t.Cleanup(func() { must(t, agent.Shutdown(context.Background())) })
	t.Cleanup(func() { must(t, f.Shutdown(context.Background())) })
	cfg.control.Listen = "127.0.0.1:0"
	server := control.New(cfg.control, f, cfg.metrics)
	must(t, server.Start(t.Context()))
	t.Cleanup(func() { must(t, server.Close(context.Background())) })
	return &bench{t: t, recorder: recorder, focus: f, agent: agent, server: server, base: "http://" + server.Addr()}
}

func startRecorder(t *testing.T) *srs.Server {
	t.Helper()
	server, err := srs.New(srs.Config{Listen: []string{"udp://127.0.0.1:0", "tcp://127.0.0.1:0"}, Directory: t.TempDir()})
	must(t, err)
	must(t, server.Start(t.Context()))
	t.Cleanup(func() { must(t, server.Close(context.Background())) })
	return server
}

func primary(server *srs.Server) focus.Recorder {
	return focus.Recorder{Name: "primary", URI: "sip:srs@" + server.Addr("tcp").String() + ";transport=tcp", Codecs: []codecs.Codec{codecs.PCMA}}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// phone calls a conference, is answered and there: the answer is sent before the conference knows of its ACK.
func (b *bench) phone(name, room string) *conftest.Phone {
	b.t.Helper()
	phone, err := conftest.NewPhone(b.t.Context(), conftest.PhoneConfig{Name: name, Codec: codecs.PCMU, Origin: time.Now()})
	must(b.t, err)
	b.t.Cleanup(func() { must(b.t, phone.Close(context.Background())) })
	must(b.t, phone.Call(b.t.Context(), "sip:"+room+"@"+b.agent.Addr("udp").String()))
	eventually(b.t, name+" is there", func() bool {
		state, err := b.focus.Conference(conference.ID(room))
		return err == nil && slices.ContainsFunc(state.Participants, func(p *conference.Participant) bool {
			return p.DisplayName == name && p.Status.Present()
		})
	})
	return phone
}

// answer is a response that has been read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (b *bench) request(method, path, contentType string, body []byte, change func(*http.Request)) answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, bytes.NewReader(body))
	must(b.t, err)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if b.token != "" {
		r.Header.Set("Authorization", "Bearer "+b.token)
	}
	if change != nil {
		change(r)
	}
	response, err := http.DefaultClient.Do(r)
	must(b.t, err)
	defer response.Body.Close() //nolint:errcheck // read only
	content, err := io.ReadAll(response.Body)
	must(b.t, err)
	return answer{status: response.StatusCode, header: response.Header, body: content}
}

// do sends JSON, or nothing when in is "", and wants a status.
func (b *bench) do(method, path, in string, want int) answer {
	b.t.Helper()
	contentType := ""
	if in != "" {
		contentType = "application/json"
	}
	got := b.request(method, path, contentType, []byte(in), nil)
	if got.status != want {
		b.t.Fatalf("%s %s: %d, want %d: %s", method, path, got.status, want, got.body)
	}
	if want >= 400 {
		b.problem(got)
	}
	return got
}

// problem holds an error answer to RFC 9457.
func (b *bench) problem(got answer) map[string]any {
	b.t.Helper()
	if kind := got.header.Get("Content-Type"); kind != "application/problem+json" {
		b.t.Errorf("an error is of type %q: %s", kind, got.body)
	}
	document := object(b.t, got)
	if document["status"] != float64(got.status) || document["title"] != http.StatusText(got.status) || document["detail"] == "" {
		b.t.Errorf("status %d: the problem document says %v", got.status, document)
	}
	return document
}

func object(t *testing.T, got answer) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal(got.body, &out); err != nil {
		t.Fatalf("%v in %q", err, got.body)
	}
	return out
}

// text is a field that must be a string.
func text(t *testing.T, from map[string]any, key string) string {
	t.Helper()
	value, ok := from[key].(string)
	if !ok {
		t.Fatalf("%s is %v, want a string", key, from[key])
	}
	return value
}

// length is that of a field that must be a list.
func length(t *testing.T, from map[string]any, key string) int {
	t.Helper()
	value, ok := from[key].([]any)
	if !ok {
		t.Fatalf("%s is %v, want a list", key, from[key])
	}
	return len(value)
}

// inside follows keys from object to object.
func inside(t *testing.T, from map[string]any, keys ...string) map[string]any {
	t.Helper()
	for _, key := range keys {
		value, ok := from[key].(map[string]any)
		if !ok {
			t.Fatalf("%s is %v, want an object", key, from[key])
		}
		from = value
	}
	return from
}

func objects(t *testing.T, got answer) []map[string]any {
	t.Helper()
	out := []map[string]any{}
	if err := json.Unmarshal(got.body, &out); err != nil {
		t.Fatalf("%v in %q", err, got.body)
	}
	if out == nil {
		t.Errorf("an empty list is written as %s", got.body)
	}
	return out
}
