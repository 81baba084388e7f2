package control

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/parley-sip/parley/siprec/srs"
	"github.com/parley-sip/parley/siprec/srs/export"
)

// Recorder is the reference recorder, as far as the API shows it.
type Recorder interface {
	Library() srs.Library
	Stats() srs.Stats
	RequestSnapshot(ctx context.Context, id, reason string) error
}

var _ Recorder = (*srs.Server)(nil)

// RecordedPath names a recording of the reference recorder.
type RecordedPath struct {
	Recorded string `path:"id" doc:"Recording: its id, or the name of its folder."`
}

type recordedQuery struct {
	From  time.Time `query:"from" doc:"Started then or later."`
	To    time.Time `query:"to" doc:"Started before."`
	State string    `query:"state" enum:"recording,paused,finished,interrupted,failed"`
	Text  string    `query:"q" maxLength:"256" doc:"Part of a participant's name or address, or the id of the recording or of a session."`
	Limit int       `query:"limit" minimum:"1" maximum:"10000" default:"100" doc:"So many at most; Link (RFC 8288) then has the address of the next ones."`
	After string    `query:"after" maxLength:"512" doc:"Where to go on, as Link says."`

	at *url.URL
}

// Resolve implements huma.Resolver.
func (in *recordedQuery) Resolve(ctx huma.Context) []error {
	at := ctx.URL()
	in.at = &at
	return nil
}

var _ huma.Resolver = (*recordedQuery)(nil)

type recordedStream struct {
	RecordedPath

	Label string `path:"label" doc:"Label of the stream, or the name of its file."`
}

type recordedVCon struct {
	RecordedPath

	Inline bool `query:"inline" default:"true" doc:"The audio is part of it; else it has the addresses and hashes of the streams."`
	Signed bool `query:"signed" doc:"As JWS, if the server has a key (srs.signing)."`

	base string // of the addresses in it, as the caller reaches this server
}

// Resolve implements huma.Resolver.
func (in *recordedVCon) Resolve(ctx huma.Context) []error {
	in.base = "http://" + ctx.Host()
	if ctx.TLS() != nil {
		in.base = "https://" + ctx.Host()
	}
	return nil
}

var _ huma.Resolver = (*recordedVCon)(nil)

type changedRecorded struct {
	RecordedPath

	Body struct {
		Held bool `json:"held" doc:"It must not be deleted, neither by hand nor by age or size."`
	}
}

// ReferenceRecorder is what the recorder has to say of itself.
type ReferenceRecorder struct {
	Recordings int    `json:"recordings" doc:"That go on."`
	Streams    int    `json:"streams" doc:"That go on."`
	Accepted   uint64 `json:"accepted" doc:"Recording sessions that were taken."`
	Refused    uint64 `json:"refused" doc:"Recording sessions that were not."`
	Failed     uint64 `json:"failed" doc:"Could not be written to the end."`
	Deleted    uint64 `json:"deleted" doc:"Had been kept long enough."`
	Packets    uint64 `json:"packets" doc:"Recorded."`
	Lost       uint64 `json:"lost" doc:"Never came."`
	Late       uint64 `json:"late" doc:"Came when their place was filled."`
	Discarded  uint64 `json:"discarded" doc:"Could not be used."`
	Octets     uint64 `json:"octets" doc:"Received."`
	DiskFree   int64  `json:"disk_free" doc:"Octets."`
	DiskLow    bool   `json:"disk_low" doc:"No recording begins."`
}

const recorderPath = "/srs/recordings"

func (s *Server) registerRecorder(api huma.API) {
	recorder := s.cfg.Recorder
	huma.Register(api, operation(tagRecorder, http.MethodGet, "/srs/status", "get-recorder", "Get the state of the recorder"),
		func(context.Context, *struct{}) (*body[ReferenceRecorder], error) {
			t := recorder.Stats()
			return answer(ReferenceRecorder{
				Recordings: t.Recordings, Streams: t.Streams, Accepted: t.Accepted, Refused: t.Refused, Failed: t.Failed, Deleted: t.Deleted,
				Packets: t.Packets, Lost: t.Lost, Late: t.Late, Discarded: t.Discarded, Octets: t.Octets, DiskFree: t.Free, DiskLow: t.DiskLow,
			}, nil)
		})
	huma.Register(api, paged(operation(tagRecorder, http.MethodGet, recorderPath, "list-recorded", "List what is recorded, the newest first")), s.listRecorded)
	huma.Register(api, operation(tagRecorder, http.MethodGet, recorderPath+"/{id}", "get-recorded", "Get what is known about a recording"),
		func(_ context.Context, in *RecordedPath) (*body[srs.Recording], error) {
			found, err := recorder.Library().Find(in.Recorded)
			return answer(found, err)
		})
	hold := operation(tagRecorder, http.MethodPatch, recorderPath+"/{id}", "hold-recorded", "Hold a recording or release it")
	huma.Register(api, hold, func(_ context.Context, in *changedRecorded) (*body[srs.Recording], error) {
		if err := recorder.Library().Hold(in.Recorded, in.Body.Held); err != nil {
			return nil, failure(err)
		}
		found, err := recorder.Library().Find(in.Recorded)
		return answer(found, err)
	})
	remove := operation(tagRecorder, http.MethodDelete, recorderPath+"/{id}", "delete-recorded", "Delete a recording that is over")
	huma.Register(api, remove, func(_ context.Context, in *RecordedPath) (*struct{}, error) {
		return nil, failure(recorder.Library().Delete(in.Recorded))
	})
	snapshot := operation(tagRecorder, http.MethodPost, recorderPath+"/{id}/snapshot", "request-snapshot", "Ask the recording client for the complete metadata")
	snapshot.Description = "Only while the recording goes on. The document follows as a file of its own."
	snapshot.DefaultStatus = http.StatusAccepted
	huma.Register(api, snapshot, func(ctx context.Context, in *RecordedPath) (*struct{}, error) {
		return nil, failure(recorder.RequestSnapshot(ctx, in.Recorded, "asked for by the operator"))
	})
	s.registerRecorderFiles(api)
}

// listRecorded gives what is recorded. One more is looked for than is wanted, to know whether there is one.
func (s *Server) listRecorded(_ context.Context, in *recordedQuery) (*part[srs.Recording], error) {
	paging := &Paging{Limit: in.Limit, After: in.After, at: in.at}
	before, err := s.after(paging)
	if err != nil {
		return nil, err
	}
	found, err := s.cfg.Recorder.Library().List(srs.Query{
		From: in.From, To: in.To, State: srs.State(in.State), Text: in.Text, Limit: in.Limit + 1, Before: before,
	})
	if err != nil {
		return nil, failure(err)
	}
	out := &part[srs.Recording]{Body: found}
	if len(found) > in.Limit {
		out.Body = found[:in.Limit]
		out.Link = s.link(paging, filepath.Base(found[in.Limit-1].Directory))
	}
	return out, nil
}

// registerRecorderFiles adds what is no JSON: audio, and what has audio in it.
func (s *Server) registerRecorderFiles(api huma.API) {
	library := s.cfg.Recorder.Library()
	file := func(at, id, summary, mediaType string) huma.Operation {
		o := operation(tagRecorder, http.MethodGet, recorderPath+"/{id}"+at, id, summary)
		o.Errors = append(o.Errors, http.StatusForbidden)
		o.Responses = map[string]*huma.Response{"200": {
			Description: "The file", Content: map[string]*huma.MediaType{mediaType: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}},
		}}
		return o
	}
	one := file("/streams/{label}", "get-recorded-stream", "Get the audio of a stream", "audio/wav")
	one.Description = "Parts of it by Range (RFC 9110, section 14). audio/ogg where Opus is kept."
	huma.Register(api, one, func(_ context.Context, in *recordedStream) (*huma.StreamResponse, error) {
		r, err := library.Find(in.Recorded)
		if err != nil {
			return nil, failure(err)
		}
		name, err := r.File(in.Label)
		if err != nil {
			return nil, failure(err)
		}
		return s.serveFile(name)
	})
	all := file("/audio", "get-recorded-audio", "Get all in one WAV file, a channel for each participant", "audio/wav")
	huma.Register(api, all, func(_ context.Context, in *RecordedPath) (*huma.StreamResponse, error) {
		r, err := library.Find(in.Recorded)
		if err == nil && len(export.Channels(r)) == 0 {
			err = export.ErrEmpty
		}
		if err != nil {
			return nil, failure(err)
		}
		return s.download("audio/wav", r.ID+".wav", func(w io.Writer) error { //nolint:contextcheck // the stream has the context of its request
			_, err := export.Mix(w, r)
			return err
		}), nil
	})
	vcon := file("/vcon", "get-recorded-vcon", "Get it as a vCon (draft-ietf-vcon-vcon-core)", export.VConType)
	huma.Register(api, vcon, func(_ context.Context, in *recordedVCon) (*huma.StreamResponse, error) {
		return s.vcon(library, in) //nolint:contextcheck // as above
	})
}

func (s *Server) vcon(library srs.Library, in *recordedVCon) (*huma.StreamResponse, error) {
	r, err := library.Find(in.Recorded)
	if err != nil {
		return nil, failure(err)
	}
	if in.Signed && s.cfg.Signer == nil {
		return nil, huma.Error409Conflict("the server has no key to sign with")
	}
	options := export.Options{Now: time.Now()}
	if !in.Inline {
		options.BaseURL = in.base + apiPrefix + recorderPath + "/" + r.ID + "/streams/"
	}
	made, err := export.Container(r, options)
	if err != nil {
		return nil, failure(err)
	}
	encode := json.Marshal
	name := r.ID + ".vcon.json"
	if in.Signed {
		name = r.ID + ".vcon.jws"
		encode = func(any) ([]byte, error) { return s.cfg.Signer.Sign(made) }
	}
	data, err := encode(made)
	if err != nil {
		return nil, failure(err)
	}
	return s.download(export.VConType, name, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	}), nil
}

// slowest is how slow a reader may be, in octets a second.
const slowest = 16 << 10

// patientWriter gives a reader time in proportion to what it is sent.
type patientWriter struct {
	out     io.Writer
	control *http.ResponseController
}

// Write implements io.Writer.
func (p patientWriter) Write(b []byte) (int, error) {
	_ = p.control.SetWriteDeadline(time.Now().Add(writeLimit + time.Duration(len(b))*time.Second/slowest)) // what cannot be set stays
	return p.out.Write(b)
}

func (s *Server) download(mediaType, name string, write func(io.Writer) error) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		ctx.SetHeader("Content-Type", mediaType)
		ctx.SetHeader("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
		ctx.SetHeader("Cache-Control", "no-store")
		ctx.SetStatus(http.StatusOK)
		if ctx.Method() == http.MethodHead {
			return
		}
		_, writer := humago.Unwrap(ctx)
		if err := write(patientWriter{writer, http.NewResponseController(writer)}); err != nil {
			s.log.InfoContext(ctx.Context(), "download broken off", slog.String("name", name), slog.Any("error", err))
			panic(http.ErrAbortHandler) // so that half a file is not taken for a whole one
		}
	}}
}

// serveFile gives a file, or the parts of it that are asked for.
func (s *Server) serveFile(name string) (*huma.StreamResponse, error) {
	file, err := os.Open(name) //nolint:gosec // of the library
	if err != nil {
		return nil, failure(err)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, failure(errors.Join(err, file.Close()))
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		defer file.Close() //nolint:errcheck // read only
		request, writer := humago.Unwrap(ctx)
		writer.Header().Set("Content-Type", export.MediaType(name))
		writer.Header().Set("Cache-Control", "no-store")
		patience := writeLimit + time.Duration(info.Size()/slowest)*time.Second
		_ = http.NewResponseController(writer).SetWriteDeadline(time.Now().Add(patience)) // what cannot be set stays
		http.ServeContent(writer, request, filepath.Base(name), info.ModTime(), file)
	}}, nil
}

// hasAudio tells whether a path gives what was said, and not only what is known about it.
func hasAudio(path string) bool {
	rest, ok := strings.CutPrefix(path, apiPrefix+recorderPath+"/")
	_, what, _ := strings.Cut(rest, "/")
	return ok && what != ""
}
