package mixer

import (
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/parley-sip/parley/codecs"
)

// signalOutput closes a channel at its nth packet with sound.
type signalOutput struct {
	want  int32
	count atomic.Int32
	all   atomic.Int64
	heard chan struct{}
	after atomic.Bool // set by the test: no call is allowed any more
	wrong atomic.Bool
}

func newSignalOutput(want int) *signalOutput {
	return &signalOutput{want: int32(want), heard: make(chan struct{})}
}

func (s *signalOutput) Emit(p *codecs.Packet) {
	if s.after.Load() {
		s.wrong.Store(true)
	}
	s.all.Add(1)
	if p.Level < 100 && s.count.Add(1) == s.want {
		close(s.heard)
	}
}

// mostWorkers is how many workers an engine of these tests has at most.
const mostWorkers = 4

// TestMain gives the workers what the program gives them (ADR 2): a worker that waits in the middle of a tick keeps its scheduler slot.
func TestMain(m *testing.M) {
	if runtime.GOMAXPROCS(0) < 2*mostWorkers {
		runtime.GOMAXPROCS(2 * mostWorkers)
	}
	m.Run()
}

func startEngine(t *testing.T, cfg Config) *Engine {
	t.Helper()
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})

	return e
}

func TestEngineMixes(t *testing.T) {
	e := startEngine(t, Config{})
	mix := e.NewMix(MixConfig{})
	a, b := newSignalOutput(10), newSignalOutput(10)
	applied, err := mix.Apply(Layout{Members: []Member{
		party(1, tone(8000, 440, 8000), a, codecs.PCMU),
		party(2, tone(8000, 1000, 8000), b, codecs.PCMU),
	}})
	if err != nil {
		t.Fatal(err)
	}
	await(t, "applied", applied)
	await(t, "a hears", a.heard)
	await(t, "b hears", b.heard)
	await(t, "closed", mix.Close())
	a.after.Store(true)
	b.after.Store(true)
	if s := e.Stats(); s.Ticks < 10 || s.Members != 0 {
		t.Errorf("stats %+v", s)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if a.wrong.Load() || b.wrong.Load() {
		t.Error("emitted to a member after its mix was closed")
	}
}
