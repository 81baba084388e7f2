package focus

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
	"github.com/parley-sip/parley/siprec/seal"
)

// replay delivers one segment of the spool: a recording session of its own, in real time, with the identifiers of the
// conference it is of, and an element in the metadata that says from when it is. It belongs to one goroutine, but for what its
// dialog posts.
type replay struct {
	focus    *Focus
	agent    *sipua.Agent
	server   Recorder
	security sdp.Security // of what it is offered
	content  *spooled
	client   *siprec.Client
	events   chan replayEvent
	done     chan struct{} // closed when nobody takes events any more
	streams  map[string]*replayStream
	dialog   *sipua.Dialog
	reply    *sipua.Response
	wake     time.Time
	state    siprec.State
	reason   string
	unkeyed  map[string]bool // streams whose keys are not there yet
	ready    bool            // the server takes something
	playing  bool
	finished bool          // all has been sent
	heard    bool          // and the server has answered since
	parted   chan error    // of capacity 1: the outcome of the BYE; nil: there is none
	began    time.Time     // the player's: when it sends what was captured first
	taken    func()        // the server takes it
	played   chan error    // of capacity 1
	over     chan struct{} // closed when the player has ended
	sealing  *sealing      // nil: nothing is sealed
	keys     certifier
}

// replayStream is a stream of it.
type replayStream struct {
	session *media.Session     // nil: it is one of text
	text    *media.TextSession // nil: it is one of audio
	age     time.Duration      // see spoolStream
	single  bool               // of text of one participant
	cut     int                // characters of text that were too many; the player's
	aware   atomic.Bool        // the server tells several sources of text apart
	digest  *seal.Digest       // the player's; nil: nothing is sealed
	changes chan codecs.Format // what the server takes; the player's newest
	codec   codecs.Codec       // of the last of them
}

var errReplay = errors.New("the spool cannot be delivered")

// newReplay opens the media and the protocol.
func (f *Focus) newReplay(agent *sipua.Agent, server Recorder, content *spooled) (*replay, error) {
	p := &replay{
		focus: f, agent: agent, server: server, content: content, events: make(chan replayEvent), done: make(chan struct{}),
		streams: map[string]*replayStream{}, unkeyed: map[string]bool{}, played: make(chan error, 1), over: make(chan struct{}),
	}
	target, err := sipua.ParseURI(server.URI)
	if err != nil {
		return nil, err
	}
	security, err := f.recorderSecurity(server, false)
	if err != nil {
		return nil, err
	}
	p.security = security
	var address netip.Addr
	for _, s := range content.streams {
		stream, openErr := f.newReplayStream(&s)
		if openErr != nil {
			p.close()
			return nil, openErr
		}
		address = f.mediaAddress(stream.local().Addr(), hostAddress(target))
		p.streams[s.Key] = stream
	}
	if f.sealer != nil {
		p.sealing = newSealing(content.header.Conference, content.header.Recording, content.roster.Session, server.Name)
	}
	profile := server.Profile
	if len(server.Codecs) > 0 {
		profile.Codecs = server.Codecs
	}
	var seed [8]byte
	_, _ = rand.Read(seed[:]) // never fails (crypto/rand)
	random := binary.BigEndian.Uint64(seed[:])
	keys, certify := f.recorderKeys(server, &p.keys)
	p.client, err = siprec.New(siprec.Config{
		Profile: profile, Address: address, SDPSession: random >> 1, Retry: siprec.RetryPolicy{Attempts: -1}, Seed: random,
		Security: security, Keys: keys, Certify: certify,
	})
	if err != nil {
		p.close()
	}
	return p, err
}

func (p *replay) close() {
	for _, s := range p.streams {
		if s.text != nil {
			_ = s.text.Close() // never fails
			continue
		}
		if err := s.session.Close(); err != nil {
			p.focus.log.Warn("closing a replayed stream", slog.Any("error", err))
		}
	}
}

// desire is what is to be recorded. While it plays nobody has left, so that every stream is somebody's; the last document tells
// who left when, and the end.
func (p *replay) desire(stopped bool) siprec.Desire {
	d := siprec.Desire{Roster: p.roster(p.content.roster.Roster, stopped), Stopped: stopped}
	for _, other := range p.content.roster.Others {
		if slices.ContainsFunc(p.content.streams, func(s spoolStream) bool { return s.Session == other.Session }) {
			d.Others = append(d.Others, p.roster(other, stopped))
		}
	}
	for _, s := range p.content.streams {
		d.Streams = append(d.Streams, siprec.StreamWish{
			Key: s.Key, ID: s.ID, Session: s.Session, Participant: s.Participant, Senders: p.content.roster.Senders[s.ID], Port: p.streams[s.Key].local().Port(),
			Text: s.Text,
		})
	}
	return d
}

// roster is one session of what is delivered.
func (p *replay) roster(roster siprec.Roster, stopped bool) siprec.Roster {
	roster.SessionElements = slices.Clone(roster.SessionElements)
	if p.sealing != nil && !p.server.Profile.OmitSeal {
		roster.SessionElements = append(roster.SessionElements, sealSpan(p.focus.sealer.KeyID()))
	}
	roster.RecordedSince, roster.RecordedUntil = latest(p.content.first, roster.Started), time.Time{}
	roster.Participants = p.content.present(roster.Participants)
	roster.SessionElements = append(roster.SessionElements, replaySpan(p.content.first, p.content.last))
	if stopped {
		roster.RecordedUntil = p.content.last
		if !roster.Ended.IsZero() && roster.Ended.Before(p.content.last) {
			roster.RecordedUntil = latest(roster.Ended, roster.RecordedSince)
		}
		return roster
	}
	roster.Ended = time.Time{}
	for i := range roster.Participants {
		q := &roster.Participants[i]
		q.Left, q.Muted, q.Deafened, q.Held = time.Time{}, false, false, false
		q.Writes = q.Writes || slices.ContainsFunc(p.content.streams, func(s spoolStream) bool { return s.Text && s.Participant == q.ID })
	}
	return roster
}

// takePatience is how long a server that has accepted the session may take nothing of it, or a stream be without keys.
const takePatience = 32 * time.Second

// run delivers, and returns nil when the server has it all: it has answered to something after the last of it.
func (p *replay) run(ctx context.Context) error {
	defer close(p.done)
	p.step(ctx, p.desire(false))
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var late <-chan time.Time // for the server to take something
	for {
		if !p.wake.IsZero() {
			timer.Reset(max(0, time.Until(p.wake)))
		}
		select {
		case <-late:
			p.hangUp(ctx)
			return fmt.Errorf("%w: nothing is taken", errReplay)
		case m := <-p.events:
			if m.dialog != nil {
				p.dialog = m.dialog
				late = time.After(takePatience)
			}
			delete(p.unkeyed, m.keyed)
			if m.event != nil {
				p.step(ctx, m.event)
			}
			if p.begin(ctx); p.playing {
				late = nil
			}
		case <-timer.C:
			p.wake = time.Time{}
			p.step(ctx, siprec.Tick{})
		case err := <-p.played:
			if err != nil {
				p.hangUp(ctx)
				return err
			}
			p.finished = true
			p.step(ctx, p.desire(true))
		case <-ctx.Done():
			p.hangUp(context.WithoutCancel(ctx))
			return ctx.Err()
		}
		if over, err := p.ended(); over {
			p.hangUp(ctx)
			return err
		}
	}
}

// ended tells whether the session is over, and what is wrong with that.
func (p *replay) ended() (over bool, err error) {
	switch {
	case p.state == siprec.StateStopped && p.finished && p.heard:
		return true, nil
	case p.state == siprec.StateStopped && p.finished && p.reason == "" && p.parted != nil: // the last request was refused with an error
		if err := <-p.parted; err != nil {
			return true, fmt.Errorf("%w: no answer after the end: %w", errReplay, err)
		}
		return true, nil
	case p.state == siprec.StateStopped && p.finished:
		return true, fmt.Errorf("%w: no answer after the end: %s", errReplay, p.reason)
	case p.state == siprec.StateFailed, p.state == siprec.StateStopped:
		return true, fmt.Errorf("%w: %s", errReplay, p.reason)
	}
	return false, nil
}

// step feeds the protocol and does what it says.
func (p *replay) step(ctx context.Context, e siprec.Event) {
	p.sealing.outcome(e)
	switch e := e.(type) {
	case siprec.Answered:
		p.heard = p.heard || p.finished && answersItself(e.Status)
	case siprec.PeerBye:
		p.heard = p.heard || p.finished
	default:
	}
	for _, a := range p.client.Step(e, time.Now()) {
		switch a := a.(type) {
		case siprec.Invite:
			p.sealing.note(a.Message)
			p.invite(ctx, a.Message)
		case siprec.ReInvite:
			p.sealing.note(a.Message)
			p.request(ctx, a.Message, (*sipua.Dialog).ReInvite)
		case siprec.Update:
			p.sealing.note(a.Message)
			p.request(ctx, a.Message, (*sipua.Dialog).Update)
		case siprec.Bye:
			p.farewell(context.WithoutCancel(ctx), a.Message)
		case siprec.AnswerPeer:
			p.reply = recorderResponse(a, p.focus.recorderContact(p.content.header.Conference, p.server))
		case siprec.StartMedia:
			p.start(ctx, a)
		case siprec.WakeAt:
			p.wake = a.Time
		case siprec.Report:
			p.state, p.reason = a.State, a.Reason
		case siprec.Alarm:
			p.focus.log.WarnContext(ctx, "recording server", slog.String("server", p.server.Name), slog.String("alarm", a.Kind.String()),
				slog.Int("status", a.Status), slog.String("detail", a.Detail))
		case siprec.Cancel, siprec.StopMedia: // only when it is given up, and then the sessions are closed
		}
	}
}

// replayEvent is something that happened, the outcome of the INVITE with its dialog.
type replayEvent struct {
	event  siprec.Event // nil: a stream has its keys
	dialog *sipua.Dialog
	keyed  string
}

// post brings what happened in a goroutine of its own.
func (p *replay) post(e siprec.Event) {
	select {
	case p.events <- replayEvent{event: e}:
	case <-p.done:
	}
}

// start lets a stream flow, and with the first one the player.
func (p *replay) start(ctx context.Context, a siprec.StartMedia) {
	s := p.streams[a.Key]
	if s == nil {
		return
	}
	if (s.text != nil) != (a.Text != nil) {
		return
	}
	if s.text != nil {
		p.startText(s, &a)
	} else if err := p.configure(s, &a); err != nil {
		p.focus.log.ErrorContext(ctx, "replayed stream", slog.Any("error", err))
		return
	} else {
		select {
		case <-s.changes:
		default:
		}
		s.changes <- a.Format
		s.codec = a.Format.Codec
	}
	p.ready = true
}

// begin lets the player begin as soon as it can.
func (p *replay) begin(ctx context.Context) {
	if p.ready && !p.playing && len(p.unkeyed) == 0 {
		p.playing = true
		for key, s := range p.streams { // before anybody sends
			s.witnessed(p.sealing, p.client.Label(key))
		}
		p.taken()
		p.focus.spawn(func(context.Context) {
			defer close(p.over)
			p.played <- p.play(ctx)
		})
	}
}
