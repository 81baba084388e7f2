package focus_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/memnet"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/mixer"
)

// bench is a whole focus on loopback.
type bench struct {
	t      *testing.T
	focus  *focus.Focus
	deps   focus.Deps
	agent  *sipua.Agent
	mixer  *mixer.Engine
	origin time.Time
	addr   netip.AddrPort
	logged lines
	vouch  atomic.Pointer[sipua.Caller] // who calls, as whoever admits calls has found out
	peers  []func(context.Context)      // closes phones and clients, after the focus has said BYE to them
	inside *memnet.Network              // of signalling, in a bubble of testing/synctest; nil: that of the system
}

// logger shows the log with -v and PARLEY_TEST_LOG=1.
func (b *bench) logger() *slog.Logger {
	var out io.Writer = &b.logged
	if os.Getenv("PARLEY_TEST_LOG") != "" {
		out = io.MultiWriter(out, os.Stderr)
	}
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// lines is a log that can be read while it is written.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// with gives the lines that contain all of the words.
func (l *lines) with(words ...string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(line, w) }) {
			found = append(found, line)
		}
	}
	return found
}

// vouching is the focus behind somebody who admits calls.
type vouching struct {
	*focus.Focus

	b *bench
}

func (v vouching) Invite(call *sipua.IncomingCall) {
	if caller := v.b.vouch.Load(); caller != nil {
		call.Request().Caller = caller
	}
	v.Focus.Invite(call)
}

func newBench(t *testing.T, cfg focus.Config, hooks ...focus.Hooks) *bench {
	t.Helper()
	return newBenchAt(t, cfg, netip.MustParseAddr("127.0.0.1"), "127.0.0.1", hooks...)
}

// newBenchAt has its media sockets at one address, and its signalling at another.
func newBenchAt(t *testing.T, cfg focus.Config, mediaAddress netip.Addr, host string, hooks ...focus.Hooks) *bench {
	t.Helper()
	var deps focus.Deps
	if len(hooks) > 0 {
		deps.Hooks = hooks[0]
	}
	return newBenchOf(t, cfg, mediaAddress, host, deps)
}

// newBenchWith has a focus with more than a mixer and media.
func newBenchWith(t *testing.T, deps focus.Deps, cfg focus.Config) *bench {
	t.Helper()
	return newBenchOf(t, cfg, netip.MustParseAddr("127.0.0.1"), "127.0.0.1", deps)
}

func newBenchOf(t *testing.T, cfg focus.Config, mediaAddress netip.Addr, host string, deps focus.Deps, tune ...func(*sipua.Config)) *bench {
	t.Helper()
	benches.Add(1)
	b := &bench{t: t, origin: time.Now(), inside: networkOf(t)}
	engine, err := mixer.New(mixer.Config{Workers: 1, OnSpeakers: func(m *mixer.Mix, active []mixer.MemberID) {
		b.focus.Speakers(m, active)
	}})
	must(t, err)
	transport, err := media.NewTransport(media.Config{
		ListenAddress: mediaAddress, Symmetric: true, JitterMax: 60 * time.Millisecond, PortMin: 20000, PortMax: 24000,
		Receive: receiving(b.inside),
	})
	must(t, err)
	b.mixer = engine
	deps.Mixer, deps.Media, deps.Logger = engine, transport, b.logger()
	b.deps = deps
	b.focus, err = focus.New(cfg, deps)
	must(t, err)
	settings := sipua.Config{
		Listen: []string{"udp://" + host + ":0", "tcp://" + host + ":0"}, AllowEvents: []string{"conference"}, SessionIDs: true,
		Supported: []string{"100rel", "norefersub", "replaces", "join", focus.RecordAware}, SupportedFor: focus.SupportedFor(cfg.Factory), Accept: focus.AcceptedTypes(), Methods: focus.Methods(),
		Timers: sipua.Timers{T1: 100 * time.Millisecond, T2: 400 * time.Millisecond}, Network: b.network(),
	}
	for _, change := range tune {
		change(&settings)
	}
	b.agent, err = sipua.New(settings, vouching{b.focus, b})
	must(t, err)
	b.focus.Serve(b.agent)
	b.tick()
	must(t, b.agent.Start(t.Context()))
	b.addr = b.agent.Addr("udp")
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := b.focus.Shutdown(ctx); err != nil {
			t.Errorf("shutdown of the focus: %v", err)
		}
		for _, end := range b.peers {
			end(ctx)
		}
		if err := b.agent.Shutdown(ctx); err != nil {
			t.Errorf("shutdown of the agent: %v", err)
		}
		must(t, engine.Close())
		if n := transport.Stats().Sessions; n != 0 {
			t.Errorf("%d media sessions are left", n) // FO-END-09
		}
		must(t, transport.Close())
		if benches.Add(-1) == 0 {
			noGoroutines(t)
		}
	})
	return b
}

// benches are those that run, or are being made: some tests have several.
var benches atomic.Int32

// noGoroutines fails when something of ours still runs.
func noGoroutines(t *testing.T) {
	t.Helper()
	var left []byte
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-time.After(20 * time.Millisecond) {
		buf := make([]byte, 1<<20)
		buf = buf[:runtime.Stack(buf, true)]
		left = nil
		for g := range bytes.SplitSeq(buf, []byte("\n\n")) {
			if bytes.Contains(g, []byte("parley/focus.(")) {
				left = append(append(left, g...), "\n\n"...)
			}
		}
		if len(left) == 0 {
			return
		}
	}
	t.Errorf("goroutines left:\n%s", left)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (b *bench) uri(id string) string { return fmt.Sprintf("sip:%s@%s", id, b.addr) }

// dial calls a conference with a new phone; the phone goes with the test.
func (b *bench) dial(conf string, cfg conftest.PhoneConfig) *phone {
	b.t.Helper()
	p := b.phone(cfg)
	must(b.t, p.Call(b.t.Context(), b.uri(conf)))
	b.await("the phone to be bridged", func() bool { return b.find(conf, cfg.Name).Status.Present() })
	return p
}

func (b *bench) phone(cfg conftest.PhoneConfig) *phone {
	b.t.Helper()
	if cfg.Codec == codecs.None {
		cfg.Codec = codecs.PCMU
	}
	cfg.Origin, cfg.Network = b.origin, b.network()
	p, err := conftest.NewPhone(b.t.Context(), cfg)
	must(b.t, err)
	b.peers = append(b.peers, func(ctx context.Context) { _ = p.Close(ctx) })
	return &phone{Phone: p, b: b, name: cfg.Name, codec: cfg.Codec}
}

// phone is a test phone that says tones.
type phone struct {
	listened time.Duration // of its time line: up to there all prompts that it has heard were found
	*conftest.Phone
	b     *bench
	name  string
	codec codecs.Codec
}

// leave hangs up, and waits until the focus knows: a 200 to BYE is sent before it does.
func (p *phone) leave(conf string) {
	p.b.t.Helper()
	must(p.b.t, p.Hangup(p.b.t.Context()))
	p.b.await(p.name+" to be gone", func() bool { return p.b.find(conf, p.name).ID == "" })
}

// hum says a tone for a time.
func (p *phone) hum(hz float64, d time.Duration) {
	rate := p.codec.SampleRate()
	pcm := make([]int16, int(d.Seconds()*float64(rate)))
	for i := range pcm {
		pcm[i] = int16(6000 * math.Sin(2*math.Pi*hz*float64(i)/float64(rate)))
	}
	p.Say(pcm)
}

// hears gives the level of a tone between two moments in what the phone has received, in dB below full scale.
func (p *phone) hears(hz float64, from, to time.Time) float64 {
	p.b.t.Helper()
	samples, err := p.Heard()
	must(p.b.t, err)
	return toneLevel(conftest.Window(samples, from.Sub(p.b.origin).Seconds(), to.Sub(p.b.origin).Seconds()), hz)
}

// hearsNow gives the level of a tone in the last fifth of a second of what the phone has received: it does not depend on
// when the phone's clock began.
func (p *phone) hearsNow(hz float64) float64 {
	p.b.t.Helper()
	samples, err := p.HeardLast(time.Second / 5)
	must(p.b.t, err)
	return toneLevel(samples, hz)
}

// toneLevel is Goertzel's.
func toneLevel(samples []float64, hz float64) float64 {
	if len(samples) == 0 {
		return -200
	}
	var re, im float64
	for i, v := range samples {
		sin, cos := math.Sincos(2 * math.Pi * hz * float64(i) / conftest.AnalysisRate)
		re += v * cos
		im += v * sin
	}
	return 20 * math.Log10(2*math.Hypot(re, im)/float64(len(samples))+1e-9)
}

// await waits for something to become true.
func (b *bench) await(what string, ok func() bool) {
	b.t.Helper()
	timeout := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-timeout:
			b.t.Fatalf("waited in vain for %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// state is the newest state of a conference.
func (b *bench) state(conf string) *conference.State {
	s, err := b.focus.Conference(conference.ID(conf))
	if err != nil {
		return &conference.State{}
	}
	return s
}

// missedTicks counts those for which the machine had no time: as many packets may be missing of a stream, whatever the focus does.
func (b *bench) missedTicks() int { return int(b.mixer.Stats().MissedTicks) }

// find gives the participant of a phone's name.
func (b *bench) find(conf, name string) conference.Participant {
	for _, p := range b.state(conf).Participants {
		if p.DisplayName == name || strings.HasPrefix(p.Entity, "sip:"+name+"@") {
			return *p
		}
	}
	return conference.Participant{}
}

// pass lets a time go by while media flow.
func pass(d time.Duration) { <-time.After(d) }

// toneWAV is a WAV file of 16 kHz.
func toneWAV(hz float64, d time.Duration) []byte {
	const rate = 16000
	n := int(d.Seconds() * rate)
	out := []byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80\x3e\x00\x00\x00\x7d\x00\x00\x02\x00\x10\x00data")
	out = binary.LittleEndian.AppendUint32(out, uint32(2*n))
	for i := range n {
		out = binary.LittleEndian.AppendUint16(out, uint16(int16(8000*math.Sin(2*math.Pi*hz*float64(i)/rate))))
	}
	return out
}

// lint checks documents against a schema (CE-NOT-14, SR-XML-01).
func lint(t *testing.T, schema string, documents [][]byte) {
	t.Helper()
	args := make([]string, 0, 4+len(documents))
	args = append(args, "--noout", "--nonet", "--schema", filepath.Join("..", "testdata", "schema", schema))
	dir := t.TempDir()
	for i, d := range documents {
		file := filepath.Join(dir, fmt.Sprintf("%d.xml", i))
		must(t, os.WriteFile(file, d, 0o600))
		args = append(args, file)
	}
	if out, err := exec.CommandContext(t.Context(), "xmllint", args...).CombinedOutput(); err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}
