package focus_test

import (
	"context"
	"encoding/binary"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
	"github.com/parley-sip/parley/siprec/srs"
)

// shakes has a reference recorder take nothing that is not protected: with signalling that everybody may read, keys are made by handshakes.
func shakes(c *srs.Config) { c.Security = srs.SecurityRequired }

// shakingRecorder is a persistent session with a reference recorder, under keys by handshakes.
func shakingRecorder(server *srs.Server, streams int) focus.Recorder {
	return focus.Recorder{
		Name: "srs", URI: "sip:srs@" + server.Addr("tcp").String() + ";transport=tcp", Persistent: streams,
		Security: sdp.SecurityRequired, DTLS: true, Retry: siprec.RetryPolicy{Initial: 50 * time.Millisecond, Max: 100 * time.Millisecond},
	}
}

// tonesIn are those whose tones are in each tenth of a second of the file of a stream, without repetition in a row: "alice", "alice+bob".
func tonesIn(t *testing.T, r *srs.Recording, s *srs.Stream) (list []string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(r.Directory, s.File))
	must(t, err)
	const header = 44
	var samples []float64
	for at := header; at+1 < len(data); at += 2 {
		samples = append(samples, float64(int16(binary.LittleEndian.Uint16(data[at:])))/math.MaxInt16)
	}
	for part := range slices.Chunk(samples, s.SampleRate/10) {
		var heard []string
		for _, name := range slices.Sorted(maps.Keys(failoverTones)) {
			var re, im float64
			for i, v := range part {
				sin, cos := math.Sincos(2 * math.Pi * failoverTones[name] * float64(i) / float64(s.SampleRate))
				re, im = re+v*cos, im+v*sin
			}
			if 20*math.Log10(2*math.Hypot(re, im)/float64(len(part))+1e-9) > loud {
				heard = append(heard, name)
			}
		}
		if what := strings.Join(heard, "+"); what != "" && (len(list) == 0 || list[len(list)-1] != what) {
			list = append(list, what)
		}
	}
	return list
}

// hums brings two callers into a room, and records it.
func (b *bench) hums(room string, names ...string) (conference.RecordingID, []*phone) {
	b.t.Helper()
	phones := make([]*phone, 0, len(names))
	for _, name := range names {
		p := b.dial(room, conftest.PhoneConfig{Name: name, RecordAware: true})
		p.hum(failoverTones[name], 60*time.Second)
		phones = append(phones, p)
	}
	id := b.record(room, both)
	b.awaitRecording(room, id, conference.RecordingActive)
	return id, phones
}

// whole sees that nothing was lost: neither counted by the focus, nor missing at the recorder.
func (b *bench) whole() {
	b.t.Helper()
	b.await("the verdicts", func() bool {
		return !slices.ContainsFunc(b.focus.Assurance(), func(a focus.Assurance) bool { return a.Verdict == "running" || a.Verdict == "pending" })
	})
	for _, a := range b.focus.Assurance() {
		if a.Verdict != "complete" {
			b.t.Errorf("%s: %+v", a.Conference, a)
		}
	}
	if n := b.focus.Stats().UnrecordedFrames; n != 0 {
		b.t.Errorf("%d frames that were captured are lost", n)
	}
}

// retires ends the persistent sessions, and gives what the reference recorder has.
func (b *bench) retires(cfg focus.Config, finished <-chan srs.Recording) srs.Recording {
	b.t.Helper()
	cfg.Recorders = nil
	apply, err := b.focus.Reconfigure(cfg)
	must(b.t, err)
	apply()
	select {
	case r := <-finished:
		return r
	case <-time.After(20 * time.Second):
		b.t.Fatal("the session does not end")
		panic("not reached")
	}
}

// A persistent session has its keys by handshakes, one for each line, those that it grows by too: two conferences at a time, and one after them in lines
// that were of the first. Each packet is protected, none comes before its keys, nothing is missing, and no conference is in the line of another.
//
// Shows SR-SEC-04, SR-SEC-10, SR-SEC-15, SR-EST-11, SR-PER-06, ME-DTL-02.
func TestPersistentByHandshake(t *testing.T) {
	server, finished := referenceServer(t, shakes)
	cfg := focus.Config{
		Dynamic: true, Hold: 5 * time.Second, Recorders: []focus.Recorder{shakingRecorder(server, 3)},
		Notification: focus.Notification{ToneLength: toneTime, ToneInterval: time.Minute},
	}
	b := newBench(t, cfg)
	b.await("the persistent session", func() bool { all := server.Recordings(); return len(all) == 1 && len(all[0].Streams) == 3 })
	east, _ := b.hums("east", "alice")
	west, _ := b.hums("west", "carol")
	flows := func() {
		t.Helper()
		before := heardPackets(server)
		b.await("packets", func() bool { return heardPackets(server) > before+300 })
	}
	flows()
	_, err := b.focus.StopRecording(t.Context(), "east", east)
	must(t, err)
	b.awaitRecording("east", east, conference.RecordingStopped)
	north, _ := b.hums("north", "bob")
	flows()
	for room, id := range map[string]conference.RecordingID{"west": west, "north": north} {
		_, err = b.focus.StopRecording(t.Context(), conference.ID(room), id)
		must(t, err)
		b.awaitRecording(room, id, conference.RecordingStopped)
	}
	b.whole()
	r := b.retires(cfg, finished)
	parts, shared := map[string]int{}, 0
	for i := range r.Streams {
		s := &r.Streams[i]
		heard := tonesIn(t, &r, s)
		if !s.SRTP || s.Discarded > 0 || s.Lost > 0 || len(s.SSRCs) > 1 || len(heard) > len(s.SessionIDs) {
			t.Errorf("%v in %+v", heard, s)
		}
		if len(heard) > 1 {
			shared++
		}
		for _, who := range heard {
			parts[who]++
		}
	}
	if !maps.Equal(parts, map[string]int{"alice": 2, "bob": 2, "carol": 2}) || len(r.Streams) != 5 || shared != 1 {
		t.Errorf("%v in %d streams, %d of which had two conferences", parts, len(r.Streams), shared)
	}
}

// Conferences that share a line have it under keys by a handshake: what the first of them said before they were there is in it.
//
// Shows SR-SEC-15, RQ-008.
func TestMergedByHandshake(t *testing.T) {
	server, finished := referenceServer(t, shakes)
	recorder := shakingRecorder(server, 1)
	recorder.Merge = true
	cfg := focus.Config{
		Dynamic: true, Hold: 5 * time.Second, Recorders: []focus.Recorder{recorder},
		Notification: focus.Notification{ToneLength: toneTime, ToneInterval: time.Minute},
	}
	b := newBench(t, cfg)
	ids := map[string]conference.RecordingID{}
	for room, who := range map[string]string{"east": "alice", "west": "carol"} {
		b.dial(room, conftest.PhoneConfig{Name: who, RecordAware: true}).hum(failoverTones[who], 60*time.Second)
		ids[room] = b.record(room, conference.Mixed)
	}
	for room, id := range ids {
		b.awaitRecording(room, id, conference.RecordingActive)
	}
	b.await("packets", func() bool { all := server.Recordings(); return len(all) == 1 && all[0].Streams[0].Packets > 150 })
	for room, id := range ids {
		_, err := b.focus.StopRecording(t.Context(), conference.ID(room), id)
		must(t, err)
		b.awaitRecording(room, id, conference.RecordingStopped)
	}
	b.whole()
	r := b.retires(cfg, finished)
	s := &r.Streams[0]
	if heard := tonesIn(t, &r, s); !slices.Contains(heard, "alice+carol") || !s.SRTP || s.Discarded > 0 || s.Lost > 0 || len(r.Streams) != 1 {
		t.Errorf("%v in %+v", heard, s)
	}
}

// A recording moves from a persistent session under keys by handshakes to one without, and the other way round; also from a server that has promised
// such keys and makes none, which gets nothing. Nothing of it is missing.
//
// Shows SC-21, SR-SEC-15, SR-SEC-17, SR-PER-08.
func TestPersistentMovesByHandshake(t *testing.T) {
	for name, keyed := range map[string]struct{ first, promised bool }{"from keys": {true, false}, "to keys": {false, false}, "from promises": {false, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plain := newRecordingServer(t)
			server, finished := referenceServer(t, shakes)
			recorder, other := shakingRecorder(server, 2), shakingRecorder(server, 2)
			other.Name, other.URI = "other", plain.uri()
			other.Security = sdp.SecurityNone
			if keyed.promised {
				other.Security = sdp.SecurityRequired
				plain.set(func(s *recordingServer) {
					s.promises = sdp.Fingerprint{Hash: "sha-256", Value: strings.TrimSuffix(strings.Repeat("AB:", 32), ":")}
				})
			}
			cfg := focus.Config{
				Dynamic: true, Hold: 20 * time.Second, Recorders: []focus.Recorder{recorder, other},
				Notification: focus.Notification{ToneLength: toneTime, ToneInterval: time.Minute},
			}
			names := []string{"srs", "other"}
			if !keyed.first {
				slices.Reverse(names)
			}
			cfg.Defaults.Recording = conference.RecordingConfig{Servers: names, Copies: 1}
			b := newBench(t, cfg)
			b.ready(plain, 2)
			b.await("the persistent session", func() bool { return len(server.Recordings()) == 1 })
			alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
			alice.hum(failoverTones["alice"], 60*time.Second)
			id := b.record("room", conference.Mixed)
			switch {
			case keyed.first:
				b.awaitRecording("room", id, conference.RecordingActive)
				b.await("packets", func() bool { return heardPackets(server) > 100 })
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				must(t, server.Close(ctx))
				b.await("packets at the other", func() bool { return plain.levelOf("1", 400) > loud || plain.levelOf("3", 400) > loud })
			case keyed.promised:
				b.await("packets", func() bool { return heardPackets(server) > 400 }) // what is kept of the time of waiting is among them
			default:
				b.awaitRecording("room", id, conference.RecordingActive)
				b.await("packets", func() bool { return plain.stream("1").packets > 100 })
				plain.die()
				b.await("packets at the other", func() bool { return heardPackets(server) > 150 })
			}
			_, err := b.focus.StopRecording(t.Context(), "room", id)
			must(t, err)
			b.whole()
			if n := len(plain.stream("1").pcm) + len(plain.stream("2").pcm); keyed.promised && n > 0 {
				t.Errorf("%d samples without keys", n)
			}
			if keyed.first {
				return
			}
			r := b.retires(cfg, finished)
			for _, s := range r.Streams {
				if !s.SRTP || s.Discarded > 0 || s.Lost > 0 {
					t.Errorf("%+v", s)
				}
			}
		})
	}
}

// heardPackets are all that a server has.
func heardPackets(server *srs.Server) (n uint64) {
	for _, r := range server.Recordings() {
		for _, s := range r.Streams {
			n += s.Packets
		}
	}
	return n
}

// A server that makes no keys by handshakes gets nothing where they are required, and plain packets where they are not, which the operator is told.
//
// Shows SR-SEC-04, SR-SEC-17.
func TestPersistentWithoutKeys(t *testing.T) {
	for name, security := range map[string]sdp.Security{"required": sdp.SecurityRequired, "optional": sdp.SecurityOptional} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plain := newRecordingServer(t)
			plain.set(func(s *recordingServer) {
				s.begins = func(request *sipua.Request) *sipua.Response {
					if strings.Contains(string(request.Body), "RTP/AVP") {
						return nil
					}
					return sipua.NewResponse(488)
				}
			})
			told := make(chan string, 100)
			cfg := focus.Config{
				Dynamic: true, Recorders: []focus.Recorder{{
					Name: "srs", URI: plain.uri(), Persistent: 2, Security: security, DTLS: true, Retry: siprec.RetryPolicy{Initial: 50 * time.Millisecond, Max: 100 * time.Millisecond},
				}},
			}
			b := newBench(t, cfg, focus.Hooks{RecordingFailure: func(_, reason string) { told <- reason }})
			b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true}).hum(failoverTones["alice"], 60*time.Second)
			id := b.record("room", conference.Mixed)
			await := func(reason string) {
				t.Helper()
				b.await("the operator to be told "+reason, func() bool {
					select {
					case got := <-told:
						return got == reason
					default:
						return false
					}
				})
			}
			if security == sdp.SecurityOptional {
				await(siprec.AlarmUnprotected.String())
				b.awaitRecording("room", id, conference.RecordingActive)
				b.await("packets", func() bool { return plain.stream("1").packets > 50 })
				before := len(plain.kept().documents)
				cfg.Security = sdp.SecurityOptional // calls may be protected, so that recordings that begin must be
				apply, err := b.focus.Reconfigure(cfg)
				must(t, err)
				apply()
				b.dial("next", conftest.PhoneConfig{Name: "bob", RecordAware: true}).hum(failoverTones["bob"], 60*time.Second)
				id = b.record("next", conference.Mixed)
				for range 3 {
					await(siprec.AlarmRefused.String())
				}
				if state, _ := b.state("next").Recording(id); state.State == conference.RecordingActive || len(plain.kept().documents) != before {
					t.Errorf("%v, documents %d, not %d", state.State, len(plain.kept().documents), before)
				}
				return
			}
			for range 3 {
				await(siprec.AlarmRefused.String())
			}
			if state, _ := b.state("room").Recording(id); state.State == conference.RecordingActive || len(plain.kept().streams) > 0 {
				t.Errorf("%v, streams %d", state.State, len(plain.kept().streams))
			}
		})
	}
}
