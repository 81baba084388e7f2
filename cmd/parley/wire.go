package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/access"
	"github.com/parley-sip/parley/internal/cdr"
	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/internal/control"
	"github.com/parley-sip/parley/internal/hugepages"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/prompts"
	"github.com/parley-sip/parley/internal/resident"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/internal/spool"
	"github.com/parley-sip/parley/internal/telemetry"
	"github.com/parley-sip/parley/internal/trunks"
	"github.com/parley-sip/parley/internal/webhook"
	"github.com/parley-sip/parley/mixer"
	"github.com/parley-sip/parley/siprec"
	"github.com/parley-sip/parley/siprec/srs"
)

// service is everything `parley serve` consists of, in the order in which it is built. It is closed in reverse, but for the HTTP
// server, which tells until the end of the drain what goes on.
type service struct {
	log      *slog.Logger
	metrics  *telemetry.Metrics
	recorder *srs.Server // nil: none embedded
	media    *media.Transport
	mixer    *mixer.Engine
	focus    *focus.Focus
	gate     *access.Gate
	trunks   atomic.Pointer[trunks.Set]
	agent    *sipua.Agent
	records  *cdr.Keeper
	webhooks *webhook.Sender
	control  *control.Server
	spool    *spool.Store // nil: none
	alarms   board
	closers  []closer
	cpuLimit atomic.Int64
	// certificates that are shown to others.
	certificates atomic.Pointer[[]telemetry.Certificate]
	level        slog.LevelVar
	reloads      reloads
}

type closer struct {
	what  string
	close func(context.Context) error
}

// start builds and starts everything. What was started is closed again when something fails.
func start(ctx context.Context, cfg *config.Config, logTo io.Writer) (_ *service, err error) {
	s := &service{metrics: telemetry.New(), reloads: reloads{cfg: cfg}}
	s.level.Set(levelOf(cfg.Log))
	s.log = leveled(cfg.Log, logTo, &s.level)
	s.alarms.log = s.log
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close(ctx))
		}
	}()
	scheduleForMixing()
	favourSession()
	saveMemory()
	s.startTidy(ctx)
	if err := hugepages.Prefer(largeHeap); err != nil {
		s.log.InfoContext(ctx, "the heap has small pages", slog.Any("error", err))
	}
	if err := resident.Load(); err != nil {
		s.log.InfoContext(ctx, "the program is loaded as it is needed", slog.Any("error", err))
	}
	for _, step := range []func(context.Context, *config.Config) error{s.startRecorder, s.startApplications, s.startMedia, s.startFocus, s.startControl} {
		if err := step(ctx, cfg); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// largeHeap is how much of the heap has large pages: that of some thousand participants.
const largeHeap = 256 << 20

// scheduleForMixing gives the Go scheduler twice as many slots as there are processors, so that a mixing thread that wakes up finds a
// free one (ADR 2). An explicit GOMAXPROCS is respected.
func scheduleForMixing() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(2 * runtime.NumCPU()) //nolint:mnd // measured, see the ADR
	}
}

// favoured is the niceness of the session as a whole.
const favoured = "-15"

// favourSession asks the system to prefer this session to others: it shares the processor between sessions before it looks at threads, and
// a real-time thread that mixes still has to wait, for the Go runtime to stop or to give it a slot, until ordinary threads of ours get on (ADR
// 30). It is a wish: it needs CAP_SYS_NICE. Who was begun from a shell shares the shell's session, which is left as it is.
func favourSession() {
	if session, err := unix.Getsid(0); err == nil && session == os.Getpid() {
		_ = os.WriteFile("/proc/self/autogroup", []byte(favoured), 0)
	}
}

// How much garbage may pile up before it is collected, in percent of what is in use. Calls in progress make little (some megabytes in a
// minute for a thousand), so that collecting earlier costs next to nothing, and a participant takes a fifth less memory; most so while none
// come and go, which is what calmGarbage is for. While so many call, and are recorded, that there were several collections a second,
// surgeGarbage may pile up.
const surgeGarbage, waveGarbage, calmGarbage = 100, 25, 10

// saveMemory sets that; an explicit GOGC is respected.
func saveMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(waveGarbage)
	}
}

func (s *service) onClose(what string, closing func(context.Context) error) {
	s.closers = append(s.closers, closer{what, closing})
}

// close ends everything in reverse order and waits for it.
func (s *service) close(ctx context.Context) error {
	var problems []error
	for _, c := range slices.Backward(s.closers) {
		if err := c.close(ctx); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", c.what, err))
		}
	}
	s.closers = nil
	return errors.Join(problems...)
}

func (s *service) startRecorder(ctx context.Context, cfg *config.Config) error {
	if !cfg.SRS.Enabled {
		return nil
	}
	settings, err := recorderConfig(cfg, s.log.With(slog.String("part", "srs")))
	if err != nil {
		return err
	}
	settings.Hooks.Finished = func(r srs.Recording) {
		s.log.InfoContext(context.WithoutCancel(ctx), "recording written", slog.String("directory", r.Directory))
	}
	recorder, err := srs.New(settings)
	if err != nil {
		return err
	}
	if err := recorder.Start(ctx); err != nil {
		return err
	}
	s.recorder = recorder
	s.onClose("recorder", recorder.Close)
	return nil
}

func (s *service) startMedia(ctx context.Context, cfg *config.Config) error {
	var err error
	if s.media, err = media.NewTransport(mediaConfig(cfg.Media, s.log)); err != nil {
		return err
	}
	s.onClose("media", func(context.Context) error { return s.media.Close() })
	var speakers atomic.Pointer[focus.Focus] // the engine is made before the focus that wants to hear of it
	mixing := mixerConfig(cfg.Media, s.log)
	mixing.OnSpeakers = func(m *mixer.Mix, active []mixer.MemberID) {
		if f := speakers.Load(); f != nil {
			f.Speakers(m, active)
		}
	}
	s.mixer, err = mixer.New(mixing)
	if err != nil {
		return err
	}
	waiting, err := s.openSpool(cfg.Recording.Spool)
	if err != nil {
		return err
	}
	library, err := prompts.New(cfg.Prompts.Dir, cfg.Prompts.Language)
	if err != nil {
		return err
	}
	sealed, err := s.openSeal(ctx, cfg.Recording.Seal)
	if err != nil {
		return err
	}
	settings, err := s.focusSettings(cfg)
	if err != nil {
		return err
	}
	s.focus, err = focus.New(settings, focus.Deps{Mixer: s.mixer, Media: s.media, Spool: waiting, Sealer: sealed, Prompts: library, Logger: s.log, Hooks: s.hooks()}) //nolint:contextcheck // it lives on
	if err != nil {
		return err
	}
	speakers.Store(s.focus)
	if err := s.mixer.Start(); err != nil {
		return err
	}
	s.onClose("mixer", func(context.Context) error { return s.mixer.Close() })
	return nil
}

// focusSettings are all of the focus.
func (s *service) focusSettings(cfg *config.Config) (focus.Config, error) {
	recorders, err := s.recorders(cfg)
	if err != nil {
		return focus.Config{}, err
	}
	settings := focusConfig(cfg, recorders)
	if settings.RecordingRules, err = recordingRules(cfg, recorders); err != nil {
		return settings, err
	}
	if settings.RecorderCalling, err = recorderCalling(cfg); err != nil {
		return settings, err
	}
	if err = addSounds(cfg, &settings); err != nil {
		return settings, err
	}
	settings.Way, settings.MayEnter = s.way, s.mayEnter
	settings.Guessed = s.guessed
	return settings, nil
}

// recorders are the configured ones and, last, the embedded one.
func (s *service) recorders(cfg *config.Config) ([]focus.Recorder, error) {
	var out []focus.Recorder
	for i := range cfg.Recording.Servers {
		out = append(out, recorder(&cfg.Recording.Servers[i]))
	}
	if s.recorder == nil {
		return out, nil
	}
	address, transport := s.recorder.Addr("tcp"), ";transport=tcp" // metadata outgrow a datagram
	if !address.IsValid() {
		address, transport = s.recorder.Addr("udp"), ""
	}
	if !address.IsValid() {
		return nil, errors.New("srs.listen: the embedded recorder listens nowhere")
	}
	return append(out, focus.Recorder{
		Name: config.EmbeddedServer, URI: "sip:srs@" + address.String() + transport, Codecs: []codecs.Codec{codecs.G722, codecs.PCMU, codecs.PCMA, codecs.Opus},
		Profile: siprec.Profile{Events: true},
	}), nil
}

func (s *service) startControl(ctx context.Context, cfg *config.Config) error {
	s.metrics.Collect(s.sources())
	s.metrics.CollectApplications(s.applications)
	s.metrics.CollectPeers(s.peers)
	s.metrics.CollectResources(s.resources)
	settings, err := controlConfig(cfg, s.log)
	if err != nil {
		return err
	}
	settings.Operation = s
	if s.recorder != nil {
		settings.Recorder = s.recorder
		s.metrics.CollectRecorder(recorderCounts(s.recorder))
	}
	s.control = control.New(settings, s.focus, s.metrics.Handler())
	if err := s.control.Start(ctx); err != nil {
		return err
	}
	s.watch(ctx)
	return nil
}

// addresses says where the service is reached, for the line that says that it is ready.
func (s *service) addresses() string {
	var text strings.Builder
	for _, transport := range []string{"udp", "tcp", "tls", "ws", "wss"} {
		if address := s.agent.Addr(transport); address.IsValid() {
			text.WriteString(" sip:" + address.String() + ";transport=" + transport)
		}
	}
	text.WriteString(" http://" + s.control.Addr())
	if s.recorder != nil {
		text.WriteString(" recorder:" + s.recorder.Addr("tcp").String())
	}
	return text.String()
}

// loopback tells whether an address is reachable from this machine only.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

const drainTime = 10 * time.Second
