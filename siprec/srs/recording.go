package srs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/parley-sip/parley/internal/dtls"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/internal/srtp"
	"github.com/parley-sip/parley/siprec"
)

// tickTime is how often a recording looks at what waits.
const tickTime = 50 * time.Millisecond

// maxPacket is the size in octets of the largest packet that is taken: 20 ms of L16 at 48 kHz in two channels have 3840, and come in fragments.
const maxPacket = 9216

// A recording is one recording session.
type recording struct {
	// Immutable.
	server  *Server
	cfg     *Config
	logger  *slog.Logger
	began   time.Time // sample 0 of the time line, see origin
	id      string
	dir     string
	local   sdp.Local // without Previous and Streams
	bind    netip.Addr
	cname   string
	helpers sync.WaitGroup
	// security is what may be agreed. private tells that keys in descriptions may: they are given to nobody who could be overheard (RFC 4568,
	// section 3).
	security Security
	private  bool

	// Sent to by anyone; received by run.
	commands chan func()
	done     chan struct{} // closed when run has ended

	// Owned by run.
	buffer      [maxPacket]byte // of a packet that is being read
	dialog      *sipua.Dialog
	announced   bool
	report      Recording
	streams     []*stream // all that ever were
	slots       []*stream // by m-line, nil: none
	answer      *sdp.Description
	offered     *sdp.Description // our open offer, in the 2xx to a re-INVITE without one
	known       siprec.Recording // merged metadata
	labels      map[string]siprec.ID
	seals       map[string]bool // hashes of the manifests that are kept
	clocks      clocks
	origin      *origin
	certificate *dtls.Certificate     // of handshakes; nil: none was needed yet
	keys        map[uint16][]srtp.Key // ours, by port
	lost        bool                  // documents are missing in known
	dangling    int                   // references to nothing in the last complete document
	asked       bool                  // for a snapshot, since lost
	ending      bool
	flushed     time.Time
	synced      time.Time
	syncing     bool
	counted     Totals // what has been added to the totals of the server
	reported    time.Time
	heard       time.Time // last packet
	asking      bool      // OPTIONS is unanswered
	saying      bool      // BYE was sent because of MaxDuration
}

// A packet is what a socket received.
type packet struct {
	stream *stream
	data   []byte
	at     time.Time
	from   netip.AddrPort
	rtcp   bool
}

// at is the time since the recording began.
func (r *recording) at(t time.Time) time.Duration { return t.Sub(r.began) }

// post gives run something to do; false if it has ended.
func (r *recording) post(f func()) bool {
	select {
	case r.commands <- f:
		return true
	case <-r.done:
		return false
	}
}

// do is post and waits until it is done.
func (r *recording) do(f func()) bool {
	done := make(chan struct{})
	if !r.post(func() { defer close(done); f() }) {
		return false
	}
	<-done

	return true
}

// snapshot returns the report; false if the recording has ended.
func (r *recording) snapshot() (report Recording, ok bool) {
	ok = r.do(func() { report = r.current() })

	return report, ok
}

// finish ends the recording: what is under way is still taken, then the files are completed.
func (r *recording) finish(reason string, state State) {
	r.post(func() { r.end(reason, state) })
}

// run is the goroutine of the recording.
func (r *recording) run() {
	ctx, cancel := context.WithCancel(context.Background())
	defer r.server.remove(r)
	defer r.helpers.Wait()
	defer close(r.done)
	defer cancel()
	ticker := time.NewTicker(tickTime)
	defer ticker.Stop()
	for !r.ending || r.open() {
		r.step(ctx, ticker.C)
	}
	r.complete()
}

// step does one thing. A fault of ours costs this recording, never the process, which may
// be carrying the call.
func (r *recording) step(ctx context.Context, ticks <-chan time.Time) {
	defer func() {
		if fault := recover(); fault != nil {
			r.fault(fmt.Errorf("%w: %v", errPanic, fault))
			r.logger.ErrorContext(ctx, "recording panicked", slog.Any("fault", fault), slog.String("stack", string(debug.Stack())))
		}
	}()
	select {
	case f := <-r.commands:
		r.readAll(time.Now()) // what came before belongs to what was agreed before
		f()
	case now := <-ticks:
		r.tick(ctx, now)
	}
}

var errPanic = errors.New("panic")

// open reports whether streams are still read.
func (r *recording) open() bool {
	return slices.ContainsFunc(r.streams, func(s *stream) bool { return !s.closed })
}

func (r *recording) packet(p packet) {
	r.heard = p.at
	r.server.totals.octets.Add(uint64(len(p.data)))
	if !p.stream.keying.takes(&p) {
		r.take(p)
	}
}

// take is packet for what is of no handshake and does not have to wait for one.
func (r *recording) take(p packet) {
	at := r.at(p.at)
	if !p.stream.guard.open(&p, at) {
		p.stream.report.Discarded++

		return
	}
	if p.rtcp {
		r.fault(p.stream.control(&p, at))
	} else {
		r.fault(p.stream.media(&p, at))
	}
}

// fault notes the first error of the files. The recording is over by that: see watch.
func (r *recording) fault(err error) {
	if err == nil || r.report.Error != "" {
		return
	}
	r.report.Error = err.Error()
	r.server.totals.failed.Add(1)
	if _, disk := errors.AsType[*fs.PathError](err); disk {
		r.server.keeper.rest(time.Now())
	}
	r.server.keeper.alarm(Alarm{Name: AlarmWrite, Active: true, Detail: r.dir + ": " + r.report.Error})
	r.logger.Error("recording cannot be written", slog.String("directory", r.dir), slog.Any("error", err))
}

// tick does what is due: what has arrived, waiting packets, files, receiver reports, keepalive.
func (r *recording) tick(ctx context.Context, now time.Time) {
	at := r.at(now)
	r.readAll(now)
	for _, s := range r.streams {
		if !s.closed {
			r.fault(s.play(at, false))
		}
	}
	if now.Sub(r.flushed) >= r.cfg.Flush {
		r.flushed = now
		for _, s := range r.streams {
			if !s.closed {
				r.fault(s.flush())
			}
		}
	}
	r.force(now)
	r.resync(ctx)
	r.total()
	if now.Sub(r.reported) >= reportInterval {
		r.reported = now
		for _, s := range r.streams {
			s.sendReport(at, r.cname)
		}
		r.write()
	}
	r.watch(ctx, now)
}

// force brings what was written to the disk. That can take seconds, so it is done aside.
func (r *recording) force(now time.Time) {
	if r.cfg.Sync == 0 || r.syncing || now.Sub(r.synced) < r.cfg.Sync {
		return
	}
	r.synced, r.syncing = now, true
	var files []*os.File
	for _, s := range r.streams {
		if !s.closed {
			files = append(files, s.receiver.file.handle())
		}
	}
	r.helpers.Go(func() {
		var fault error
		for _, file := range files {
			if err := file.Sync(); !errors.Is(err, os.ErrClosed) {
				fault = errors.Join(fault, err)
			}
		}
		r.post(func() {
			r.syncing = false
			r.fault(fault)
		})
	})
}

// watch asks the recording client whether it is still there, and ends what takes too long, and what cannot be written: its client goes to another
// recorder, or keeps what it has, and knows that it is not recorded meanwhile.
func (r *recording) watch(ctx context.Context, now time.Time) {
	if r.dialog == nil || r.ending {
		return
	}
	dialog := r.dialog
	var why string
	switch {
	case r.report.Error != "":
		why = `SIP;cause=500;text="cannot be written"`
	case now.Sub(r.began) > r.cfg.MaxDuration:
		why = `SIP;cause=480;text="longest recording"`
	}
	if why != "" && !r.saying {
		r.saying = true
		r.helpers.Go(func() { _ = dialog.Bye(ctx, sipua.Header{Name: "Reason", Value: why}) })
	}
	if now.Sub(r.heard) > r.cfg.Keepalive && !r.asking {
		r.asking = true
		r.helpers.Go(func() {
			_, err := dialog.Request(ctx, "OPTIONS", sipua.Body{}) // 408, 481 and silence end the dialog
			if err != nil {
				r.logger.DebugContext(ctx, "keepalive", slog.Any("error", err))
			}
			r.post(func() { r.asking, r.heard = false, time.Now() })
		})
	}
}

// end begins the end.
func (r *recording) end(reason string, state State) {
	if r.ending {
		return
	}
	r.ending = true
	r.report.State, r.report.EndReason = state, reason
	r.report.EndedAt = time.Now().UTC()
	for _, s := range r.streams {
		s.drain()
	}
}
