package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/access"
	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/internal/spool"
	"github.com/parley-sip/parley/siprec"
)

// recorder is a recording server of the configuration as the focus wants it.
func recorder(server *config.RecordingServer) focus.Recorder {
	return focus.Recorder{
		Name: server.Name, URI: server.URI, Codecs: codecList(server.Codecs), Profile: dialect(server.Profile, &server.Dialect),
		Security: securities[server.SRTP], DTLS: server.DTLS == "accept" || server.DTLS == "prefer", PreferDTLS: server.DTLS == "prefer", Data: recordData(&server.Metadata),
		Account: focus.Account{Username: server.Username, Password: server.Password.Reveal(), Realm: server.Realm}, Redirects: server.Redirect,
		Persistent: server.Persistent, Merge: server.Merge, Priority: server.Priority, Weight: server.Weight, Group: server.Group,
		Probe: focus.Probe{Interval: server.Probe.Interval, Timeout: server.Probe.Timeout},
		Retry: siprec.RetryPolicy{Initial: server.Retry.Initial, Max: server.Retry.Max, Attempts: server.Retry.Attempts, Jitter: retryJitter},
		Health: siprec.HealthConfig{
			DownAfter: server.Probe.DownAfter, UpAfter: server.Probe.UpAfter, BreakAfter: server.Retry.BreakAfter, Cooldown: server.Retry.Cooldown,
		},
	}
}

func recordData(m *config.Metadata) focus.RecordData {
	data := focus.RecordData{
		Headers: m.Headers, Roles: m.Roles,
		Names: map[string]focus.Naming{"address": focus.NamedByAddress, "nobody": focus.Unnamed}[m.Names],
	}
	for _, f := range m.Fields {
		data.Fields = append(data.Fields, siprec.Header{Name: f.Name, Value: f.Value})
	}
	return data
}

// recorderCalling tells of a request from which of the recorders that may begin to record it comes; nil: none may.
func recorderCalling(cfg *config.Config) (func(*sipua.Request) string, error) {
	type starter struct {
		name string
		from access.Patterns
	}
	var all []starter
	for i := range cfg.Recording.Servers {
		server := &cfg.Recording.Servers[i]
		from, err := access.NewPatterns(server.MayStart)
		if err != nil {
			return nil, fmt.Errorf("recording.servers[%d].may_start: %w", i, err)
		}
		if len(from) > 0 {
			all = append(all, starter{server.Name, from})
		}
	}
	if len(all) == 0 {
		return nil, nil //nolint:nilnil // nobody may is no error
	}
	return func(request *sipua.Request) string {
		var caller sipua.Caller
		if request.Caller != nil {
			caller = *request.Caller
		}
		for _, s := range all {
			if s.from.Caller(caller, request.Source.Addr().Unmap()) {
				return s.name
			}
		}
		return ""
	}, nil
}

// securities are the words of the configuration.
//
//nolint:gochecknoglobals // a table
var securities = map[string]sdp.Security{"optional": sdp.SecurityOptional, "required": sdp.SecurityRequired}

// retryJitter keeps many sessions that were lost together from coming back together.
const retryJitter = 0.3

// dialect is a profile with its switches. Without a name the policy decides what is recorded.
func dialect(name string, d *config.Dialect) siprec.Profile {
	p, _ := siprec.LookupProfile(name) // checked by config; the zero value is the RFC
	layouts := map[string]siprec.StreamLayout{
		"any": siprec.LayoutAny, "separate": siprec.LayoutSeparate, "mixed": siprec.LayoutMixed, "pair": siprec.LayoutPair,
	}
	if layout, ok := layouts[d.Streams]; ok {
		p.Layout = layout
	}
	updates := map[string]siprec.Updates{
		"partial": siprec.PartialUpdates, "self_contained": siprec.SelfContainedUpdates, "complete": siprec.CompleteUpdates,
	}
	if u, ok := updates[d.Updates]; ok {
		p.Updates = u
	}
	if by, ok := map[string]siprec.Method{"update": siprec.ByUpdate, "reinvite": siprec.ByReInvite}[d.MetadataBy]; ok {
		p.MetadataBy = by
	}
	if pause, ok := map[string]siprec.PauseMedia{"inactive": siprec.PauseInactive, "silence": siprec.PauseSilence}[d.Pause]; ok {
		p.Pause = pause
	}
	if d.MetadataType != "" {
		p.MetadataType = d.MetadataType
	}
	p.MaxStreams, p.FirstLabel = override(d.MaxStreams, p.MaxStreams), override(d.FirstLabel, p.FirstLabel)
	p.AVPF, p.OmitRequire = override(d.AVPF, p.AVPF), override(d.OmitRequire, p.OmitRequire)
	p.SDPDisposition, p.OmitFocus = override(d.SDPDisposition, p.SDPDisposition), override(d.OmitFocus, p.OmitFocus)
	p.DropEmptyStreams, p.LenientAnswer = override(d.DropEmptyStreams, p.DropEmptyStreams), override(d.LenientAnswer, p.LenientAnswer)
	p.SendonlyIsReady, p.MetadataInBye = override(d.SendonlyIsReady, p.SendonlyIsReady), override(d.MetadataInBye, p.MetadataInBye)
	p.AppendOnly, p.AlwaysMultipart = override(d.AppendOnly, p.AppendOnly), override(d.AlwaysMultipart, p.AlwaysMultipart)
	p.Events, p.MinInterval = override(d.Events, p.Events), override(d.MinInterval, p.MinInterval)
	p.OmitSeal, p.FallbackMixed = override(d.OmitSeal, p.OmitSeal), override(d.FallbackMixed, p.FallbackMixed)
	p.CRLF, p.Continuous = override(d.CRLF, p.CRLF), override(d.Continuous, p.Continuous)
	p.BriefRecv = override(d.BriefRecv, p.BriefRecv)
	for _, h := range d.Headers {
		p.Headers = append(p.Headers, siprec.Header{Name: h.Name, Value: h.Value})
	}
	return p
}

// openSpool opens the spool, if there is to be one. It is closed after the focus.
func (s *service) openSpool(cfg config.Spool) (*spool.Store, error) {
	if cfg.Directory == "" {
		return nil, nil //nolint:nilnil // no spool is no error
	}
	key, _ := cfg.Octets() // checked by config
	store, err := spool.Open(spool.Config{
		Directory: cfg.Directory, Key: key, MaxBytes: int64(cfg.MaxSize), Logger: s.log.With(slog.String("part", "spool")),
	})
	if err != nil {
		return nil, err
	}
	s.spool = store
	s.onClose("spool", func(context.Context) error { return store.Close() })
	return store, nil
}
