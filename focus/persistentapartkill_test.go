package focus_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/spool"
	"github.com/parley-sip/parley/siprec"
	"github.com/parley-sip/parley/siprec/seal"
	"github.com/parley-sip/parley/siprec/srs"
)

// What makes TestRecorderProcess a recorder: where it writes, and its address.
const (
	processDirectory = "FOCUS_TEST_RECORDER_DIRECTORY"
	processAddress   = "FOCUS_TEST_RECORDER_ADDRESS"
	processReady     = "the recorder listens at "
)

// TestRecorderProcess is the reference recorder in the process that another test begins, until that kills it. Else it sees that there is none.
func TestRecorderProcess(t *testing.T) {
	directory := os.Getenv(processDirectory)
	if directory == "" {
		if os.Getenv(processAddress) != "" {
			t.Error("a recorder without a directory")
		}
		return
	}
	server, err := srs.New(srs.Config{Directory: directory, Listen: []string{"tcp://" + os.Getenv(processAddress)}, Sync: 100 * time.Millisecond, Flush: 100 * time.Millisecond})
	must(t, err)
	must(t, server.Start(t.Context()))
	fmt.Println(processReady + server.Addr("tcp").String())
	select {}
}

// startRecorderProcess begins one, and gives its address.
func startRecorderProcess(t *testing.T, directory, address string) (*exec.Cmd, netip.AddrPort) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRecorderProcess$")
	cmd.Env = append(os.Environ(), processDirectory+"="+directory, processAddress+"="+address)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if text, found := strings.CutPrefix(lines.Text(), processReady); found {
			return cmd, netip.MustParseAddrPort(text)
		}
	}
	t.Fatal("the recorder does not begin")
	return nil, netip.AddrPort{}
}

// dumped is what is in the packets of a stream that the reference recorder has kept, G.711 in frames of 20 ms.
func dumped(t *testing.T, r *srs.Recording, s *srs.Stream) (heard heardStream) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(r.Directory, s.Dump))
	must(t, err)
	_, data, found := bytes.Cut(data, []byte("\n"))
	if !found || len(data) < 16 {
		return heard
	}
	decoders := map[byte]codecs.Decoder{}
	for number, codec := range map[byte]codecs.Codec{0: codecs.PCMU, 8: codecs.PCMA} {
		decoders[number], err = codecs.NewDecoder(codec)
		must(t, err)
	}
	var pcm [codecs.MaxFrameSamples]int16
	for data = data[16:]; len(data) >= 8; {
		n, plain := int(binary.BigEndian.Uint16(data)), binary.BigEndian.Uint16(data[2:])
		if n < 8 || n > len(data) {
			break // of a recorder that was killed
		}
		packet := data[8:n]
		data = data[n:]
		if plain == 0 || len(packet) < 12 || packet[1]&0x7f == comfortNoise { // RTCP, or comfort noise: there is nothing
			continue
		}
		header := 12 + 4*int(packet[0]&15)
		decoder := decoders[packet[1]&0x7f]
		if decoder == nil || len(packet) != header+160 {
			t.Errorf("a packet of %d octets of type %d", len(packet), packet[1]&0x7f)
			continue
		}
		k, err := decoder.Decode(pcm[:], packet[header:])
		must(t, err)
		for _, v := range pcm[:k] {
			heard.pcm = append(heard.pcm, float64(v)/32768)
		}
		heard.packets++
	}
	return heard
}

// The reference recorder of two conferences in one stream is killed while it records, and comes back seconds later. Its files have all that was said: of before, of
// meanwhile for each conference by itself, and of after; what was delivered proves to be what was sent.
//
// Shows SR-PER-06, SR-PER-08, SR-ERR-08, RQ-008, RQ-014, RQ-021.
func TestSharedLineRecorderKilled(t *testing.T) {
	directory := t.TempDir()
	recorder, address := startRecorderProcess(t, directory, "127.0.0.1:0")
	store, err := spool.Open(spool.Config{Directory: t.TempDir(), Key: [spool.KeySize]byte{7}})
	must(t, err)
	t.Cleanup(func() { must(t, store.Close()) }) // after the focus
	cfg := mergedConfig("sip:srs@" + address.String() + ";transport=tcp")
	cfg.Hold, cfg.Deliver = 2*time.Second, 100*time.Millisecond
	cfg.Recorders[0].Health = siprec.HealthConfig{Cooldown: 100 * time.Millisecond, MaxCool: 200 * time.Millisecond}
	cfg.Defaults.Recording = conference.RecordingConfig{Policy: conference.Always, Modes: conference.Mixed, Servers: []string{"srs"}, Spool: true}
	b := newBenchWith(t, focus.Deps{Spool: store, Sealer: newNotary()}, cfg)
	b.await("the persistent session", func() bool { return b.focus.KeptSessions() == 1 })
	phones := map[string]*phone{}
	for room, hz := range killedTones {
		phones[room] = b.dial(room, conftest.PhoneConfig{Name: room, RecordAware: true})
		phones[room].hum(hz, time.Minute)
	}
	pass(3 * time.Second)
	must(t, recorder.Process.Kill())
	killed := time.Now()
	_ = recorder.Wait()
	pass(3 * time.Second)
	startRecorderProcess(t, directory, address.String())
	b.await("the line and all that was spooled", func() bool {
		s := b.focus.Stats()
		return s.SpooledFrames > 200 && s.SpooledFrames == s.DeliveredFrames && b.recordedBy("srs")
	})
	pass(2 * time.Second)
	for room, p := range phones {
		p.leave(room)
	}
	b.await("the verdicts", func() bool {
		return !slices.ContainsFunc(b.focus.Assurance(), func(r focus.Assurance) bool { return r.Verdict != "complete" })
	})
	cfg.Recorders = nil
	cfg.Defaults.Recording = conference.RecordingConfig{}
	apply, err := b.focus.Reconfigure(cfg) // ends the session
	must(t, err)
	apply()
	b.hasAll(directory, killed)
}

// killedTones are what is said in each conference.
var killedTones = map[string]float64{"one": 400, "two": 1000}

// recordedBy tells whether both conferences are recorded by a server.
func (b *bench) recordedBy(server string) bool {
	for room := range killedTones {
		s := b.state(room)
		if len(s.Recordings) != 1 || !slices.ContainsFunc(s.Recordings[0].Servers, func(v conference.RecordingServer) bool {
			return v.Name == server && v.State == conference.RecordingActive
		}) {
			return false
		}
	}
	return true
}

// hasAll checks the files of a recorder that was killed: what was delivered of each conference is of it alone, begins before that, ends after the line has begun
// again, and has no gap but where a tick was missed; nothing that was spooled is missing.
func (b *bench) hasAll(directory string, killed time.Time) {
	b.t.Helper()
	var list []srs.Recording
	b.await("the files", func() bool {
		list = list[:0]
		folders, _ := filepath.Glob(filepath.Join(directory, "*"))
		for _, folder := range folders {
			r, err := srs.ReadRecording(folder)
			if err != nil || r.EndedAt.IsZero() {
				return false
			}
			list = append(list, r)
		}
		return slices.ContainsFunc(list, func(r srs.Recording) bool { return r.Replay == nil && r.State == srs.StateFinished })
	})
	var again time.Time // the line
	for i := range list {
		if r := &list[i]; r.Replay == nil && r.State == srs.StateFinished {
			again = r.StartedAt
		}
	}
	delivered, spans := 0, map[string][2]time.Time{}
	for i := range list {
		r := &list[i]
		b.proves(r)
		if r.Replay == nil {
			continue
		}
		if len(r.Sessions) != 1 || len(r.Streams) != 1 {
			b.t.Fatalf("%+v", r)
		}
		heard := dumped(b.t, r, &r.Streams[0])
		delivered += heard.packets
		whose := ""
		for room, hz := range killedTones {
			if heard.level(hz, time.Minute) > loud {
				if whose != "" {
					b.t.Errorf("what was delivered from %v has %s and %s", r.Replay.From, whose, room)
				}
				whose = room
			}
		}
		if length := int(r.Replay.To.Sub(r.Replay.From)/codecs.FrameDuration) + 1; heard.packets < length-1-b.missedTicks() {
			b.t.Errorf("%d frames of %s from %v to %v", heard.packets, whose, r.Replay.From, r.Replay.To)
		}
		span := spans[whose]
		spans[whose] = [2]time.Time{earlier(span[0], r.Replay.From), later(span[1], r.Replay.To)}
	}
	delete(spans, "") // a tick before the first session had begun, say
	if n := b.focus.Stats(); delivered != int(n.SpooledFrames) || n.UnrecordedFrames != 0 {
		b.t.Errorf("%d frames are delivered, %d were spooled, %d are said to be lost", delivered, n.SpooledFrames, n.UnrecordedFrames)
	}
	for room := range killedTones {
		if s := spans[room]; len(spans) != len(killedTones) || s[0].IsZero() || s[0].After(killed) || s[1].Add(2*codecs.FrameDuration).Before(again) { // it is when a frame begins, and a packet has come
			b.t.Errorf("of %s was delivered what is in %v: the recorder was killed at %v, and has the line again since %v", room, spans, killed, again)
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// proves checks the manifests of a recording: one of what was delivered, and of the line one for each conference beside that of the session.
func (b *bench) proves(r *srs.Recording) {
	b.t.Helper()
	names := slices.Clone(r.Manifests)
	if r.Sealed {
		names = append(names, "manifest.jws")
	}
	want := 0
	switch {
	case r.Replay != nil:
		want = 1
	case r.State == srs.StateFinished:
		want = len(killedTones) + 1
	}
	if len(names) != want {
		b.t.Errorf("%s (%s) has the manifests %v", r.Directory, r.State, names)
	}
	for _, name := range names {
		signed, err := os.ReadFile(filepath.Join(r.Directory, name))
		must(b.t, err)
		m, err := seal.Verify(signed, newNotary().public())
		must(b.t, err)
		proof, err := r.Prove(m)
		must(b.t, err)
		if proof.Verdict != srs.Proved {
			b.t.Errorf("%s of %s: %+v", name, r.Directory, proof)
		}
	}
}
