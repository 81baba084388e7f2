package focus

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"log/slog"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/mixer"
	"github.com/parley-sip/parley/siprec"
)

// recorder is one recording session: one server's part in one recording (RFC 7866). The protocol is siprec.Client's; here
// are its dialog and its media. It belongs to the controller.
type recorder struct {
	recording    conference.RecordingID
	modes        conference.Mode
	sidebars     bool // are recorded, too
	pair         conference.PairPolicy
	first        conference.ParticipantID          // who counts as the one who came first, in the mode pair
	sides        map[conference.ParticipantID]side // in the mode pair, of those who have left, too
	server       Recorder
	security     sdp.Security // of what it is offered
	client       protocol
	certificates *certifier // nil in a persistent session, which has its own
	since        time.Time
	wake         time.Time
	dialog       *sipua.Dialog
	inviting     context.CancelFunc // takes the open INVITE back
	canceled     bool               // it is to be taken back
	agreement    agreement
	reply        *sipua.Response // to the request of the server that is being handled
	streams      map[string]*recorded
	texts        map[string]*recordedText
	parting      []parting // streams that have ended, and that the server may not have been there for
	partingTexts []partingText
	left         []siprec.Sender // who is yet to be named, of streams that have ended
	warned       bool            // that the server has not answered to the last request
	state        siprec.State
	after        time.Duration // Retry-After of the last refusal
	judged       bool          // the pool knows what became of the first attempt
	refused      uint64        // packets nobody listened to, at the last look
	deaf         int           // looks in a row that found more of them
	segment      *segment      // in the spool; nil: none
	noSegment    time.Time     // there is none to be had before
	textless     bool          // the server takes no text
	sealing      *sealing      // of the present dialog; nil: nothing is sealed
	abandoning   int           // streams whose rest is on its way to the spool
	moved        bool          // another session has its streams
	account      *copyAccount
	proof        proof          // that the server was there; of a session of its own
	doubted      time.Duration  // of how long before the last loss of the session what was sent is sent again
	gaveUp       bool           // the protocol will not try again by itself
	silent       bool           // it had sent reports and does not any more
	queue        []siprec.Event // the first is being handled
	wanted       siprec.Desire  // what was asked for last
	portless     portless       // streams that have got no port
	round, fed   int            // counts the wishes, and the streams in the last one that somebody feeds
	written      int            // those of text
	ending       *siprec.Desire // what is asked for when the last that was captured has been sent; nil: it does not end
	over         bool
}

// recorded is one stream of a recording session. Its identifier, source and port stay the same as long as it lives, so
// that a server can join what it got before and after a re-INVITE.
type recorded struct {
	outlet

	capture     *capture
	key         string
	participant conference.ParticipantID // empty: mixed
	sidebar     conference.SidebarID     // empty: of the conference itself
	side        side                     // in the mode pair
	id          siprec.ID
	member      mixer.MemberID
	started     bool      // the server takes it
	until       time.Time // when it flowed last; zero: it has not, or what was sent of it last is kept
	looks       int       // since then, as far as they count
	refused     uint64    // packets nobody listened to, before those looks
	silence     bool
	keyless     bool // its keys are not there yet: what is captured is kept
	format      codecs.Format
	stereo      bool           // the server wants two channels of Opus
	events      sdp.EventSet   // that the server takes
	offered     []codecs.Codec // in the last offer, or the next one
	keeps       codecs.Codec   // of what is kept from a server of another kind, and so what the next one is offered first; none: nothing
	label       string
	wish        siprec.StreamWish // the last one
	round       int               // of that wish
	linger      *linger           // nobody feeds it any more; nil: somebody does
	named       namedSenders
	unheldSince time.Time // up to when is counted what the stream has not as its recording has failed; zero: it has not failed
	counted     uint64    // packets that the counts of a copy have already
	before      uint64    // packets that the line had sent when it was lent
	line        *line     // of a persistent session; nil: the stream is its own
	feed        *feed     // into a line that others are in, too; nil: the stream has it alone
	apart       siprec.ID // what it is to who gets what is kept of it, without the others in the line; empty: nothing is
}

// startRecorder opens a session with a server by its name. from is the session that it takes over with all its streams, nil
// for a new copy.
func (c *controller) startRecorder(r *conference.Recording, name string, from *recorder) error {
	server, ok := c.focus.pool.find(name)
	if !ok {
		return fmt.Errorf("%w: %q", ErrNoServer, name)
	}
	_, err := c.startSession(r, server, from, false)
	return err
}

// startSession opens a session with a server, which has to begin it itself if it is passive.
func (c *controller) startSession(r *conference.Recording, server Recorder, from *recorder, passive bool) (*recorder, error) {
	profile := server.Profile
	if len(server.Codecs) > 0 {
		profile.Codecs = server.Codecs
	}
	if l, err := c.lend(server, from, passive); l != nil || err != nil {
		if err != nil {
			return nil, err
		}
		rec := c.newRecorder(r, server, from)
		rec.security, rec.client = l.session.security, l
		rec.inherit(from)
		c.join(rec)
		return rec, nil
	}
	address, err := c.recorderAddress(server)
	if err != nil {
		return nil, err
	}
	security, err := c.focus.recorderSecurity(server, c.secret())
	if err != nil {
		return nil, err
	}
	var seed [8]byte
	_, _ = rand.Read(seed[:]) // never fails (crypto/rand)
	random := binary.BigEndian.Uint64(seed[:])
	certificates := &certifier{}
	keys, certify := c.focus.recorderKeys(server, certificates)
	client, err := siprec.New(siprec.Config{
		Profile: profile, Address: address, SDPSession: random >> 1, Retry: server.Retry, Seed: random,
		Security: security, Keys: keys, Certify: certify, Passive: passive,
	})
	if err != nil {
		return nil, err
	}
	rec := c.newRecorder(r, server, from)
	rec.certificates, rec.security, rec.client = certificates, security, client
	rec.inherit(from)
	c.join(rec)
	return rec, nil
}

// recorderStep feeds the protocol and does what it says, one event at a time: an action may lead to a new State, and that
// to the next event.
func (c *controller) recorderStep(r *recorder, e siprec.Event) {
	r.queue = append(r.queue, e)
	if len(r.queue) > 1 {
		return
	}
	for ; len(r.queue) > 0; r.queue = r.queue[1:] {
		r.sealing.outcome(r.queue[0])
		c.loseLease(r)
		c.confirm(r, r.queue[0])
		if !r.over {
			c.recorderActions(r, r.client.Step(r.queue[0], time.Now()))
			c.letGoOfLines(r)
		}
	}
}

func (c *controller) recorderActions(r *recorder, actions []siprec.Action) {
	mix := false
	for _, a := range actions {
		if r.over { // another server has taken over: what the protocol wants for this one does not count
			return
		}
		switch a := a.(type) {
		case siprec.StartMedia:
			mix = c.startStream(r, a) || mix
		case siprec.StopMedia:
			mix = c.stopStream(r, a) || mix
		case siprec.WakeAt:
			r.wake = a.Time
		default:
			if mix { // the capture has ended before anybody hears of it (RFC 7866, section 7.1.1.1)
				c.updateMix()
				mix = false
			}
			c.signal(r, a)
		}
	}
	if mix {
		c.updateMix()
	}
}

// signal does what has to do with the dialog.
func (c *controller) signal(r *recorder, a siprec.Action) {
	switch a := a.(type) {
	case siprec.Invite:
		r.agreement.begin()
		c.inviteRecorder(r, a.Message)
	case siprec.ReInvite:
		r.agreement.begin()
		r.warned = false
		r.proof.asks(a.Exchange, time.Now())
		c.requestRecorder(r, a.Message, (*sipua.Dialog).ReInvite)
	case siprec.Update:
		r.warned = false
		r.proof.asks(a.Exchange, time.Now())
		c.requestRecorder(r, a.Message, (*sipua.Dialog).Update)
	case siprec.Cancel:
		r.canceled = true
		if r.inviting != nil {
			r.inviting()
		}
	case siprec.Bye:
		c.endRecorderDialog(r, a.Message, recorderPatience, c.takeLeave(r))
	case siprec.AnswerPeer:
		r.sealing.note(a.Message)
		r.reply = recorderResponse(a, c.focus.recorderContact(c.id, r.server))
	case siprec.Report:
		c.recorderReport(r, a)
	case siprec.Alarm:
		c.recorderAlarm(r, a)
	}
}

// startStream lets a stream flow, as soon as the layout allows.
func (c *controller) startStream(r *recorder, a siprec.StartMedia) bool {
	if t := r.texts[a.Key]; t != nil && a.Text != nil {
		c.startText(r, t, &a)
		return false
	}
	s := r.streams[a.Key]
	if s == nil {
		return false
	}
	if s.feed != nil {
		c.startMerged(r, s, a)
		return true
	}
	r.listenForKeys(c, s, &a)
	params := streamParams(a, s.line != nil)
	params.DTLS, params.Events, params.EventPayloadType = r.handshake(&a), a.Events != sdp.EventSet{}, a.EventPayloadType
	err := s.configure(params)
	if err != nil {
		c.log.Error("recorded stream", slog.String("server", r.server.Name), slog.Any("error", err))
		return false
	}
	before := s.capture
	if s.format.Codec != a.Format.Codec {
		s.capture.extent.release(c.focus)
		s.capture = newCapture(s.session, c.focus.cfg.Hold, a.Format.Codec)
	}
	c.renewSealing(r)
	s.capture.digest.Store(witnessed(r.sealing.digest(a.Label, codecName(a.Format.Codec))))
	s.events, s.stereo = a.Events, a.Stereo
	s.started, s.silence, s.format, s.label = true, a.Silence, s.capture.pack(a.Format), a.Label
	if s.keyless = a.DTLS != nil && !s.session.Stats().Protected; s.keyless {
		s.capture.hold()
	}
	c.focus.pool.took(r.server.Name, a.Format, s.offered)
	if s.held == nil && !s.keyless {
		s.capture.release(a.Format.Codec)
	}
	c.resume(&s.outlet, s.flow)
	if before != s.capture {
		c.abandon(r, s, before)
	}
	if s.participant == "" {
		c.nameContributors()
	} else {
		c.nameContributor(s)
	}
	return true
}

// stopStream takes a stream out of the mix, and lets go of its port when it will not come back.
func (c *controller) stopStream(r *recorder, a siprec.StopMedia) bool {
	if t := r.texts[a.Key]; t != nil {
		c.stopText(r, t, a.Removed)
		return false
	}
	s := r.streams[a.Key]
	if s == nil {
		return false
	}
	if s.started && s.ownKept() {
		s.until = time.Now()
	}
	s.started, s.looks = false, 0
	if since := r.unsure(s); !since.IsZero() {
		s.doubt(since, r.server.Name)
	}
	switch {
	case s.line != nil && a.Removed: // the server takes the line as ever: what is left goes out when the mix has let go of it
	case a.Removed && !c.gone(s), r.client.Awaited(s.key):
		s.capture.hold()
	default:
		s.capture.pause()
		s.session.DropPresses() // they would come after the pause, when nobody presses anything
	}
	if a.Removed {
		c.endFed(r, c.fedStream(s))
		delete(r.streams, a.Key)
		c.updateMix()
		c.part(r, s, s.ended())
		return false
	}
	return true
}

// closeStream closes the media of a stream when the mixer has let go of it. What was kept of it goes first.
func (c *controller) closeStream(r *recorder, s *recorded) {
	applied, silent := c.applied, c.silent
	c.weighStream(r, s)
	s.capture.extent.release(c.focus)
	abandoned := s.capture.holding.Load() || s.capture.lags()
	if abandoned {
		c.abandon(r, s, s.capture)
	}
	closed := func() {}
	if r.sealing != nil {
		r.sealing.closing.Add(1)
		closed = r.sealing.closing.Done
	}
	c.focus.spawn(func(ctx context.Context) {
		select {
		case <-applied:
		case <-silent:
		}
		if !abandoned { // else who reads what is kept is somebody else
			s.capture.rest()
		}
		if s.feed != nil {
			s.feed.close(ctx)
			closed()
			return
		}
		closed()
		if s.line != nil {
			s.line.owner.giveBack(s.line)
			return
		}
		c.focus.tapped.remove(s.session)
		if err := s.session.Close(); err != nil {
			c.log.WarnContext(ctx, "closing a recorded stream", slog.Any("error", err))
		}
	})
}

// finish lets go of a session that is over.
func (c *controller) finish(r *recorder) {
	if r.over {
		return
	}
	r.over = true
	c.countPortless(r, &siprec.Desire{Stopped: true})
	c.focus.pool.closed(r.server.Name)
	if !r.judged {
		c.focus.pool.released(r.server.Name)
	}
	_, synced := r.client.Acknowledged()
	c.focus.assurance.acknowledge(r.account, r.server.Name, synced)
	for i, other := range c.recorders {
		if other == r {
			c.recorders = append(c.recorders[:i:i], c.recorders[i+1:]...)
			break
		}
	}
	if l, lent := r.client.(*lease); lent {
		l.end(time.Now())
	}
	ended := c.takeLeave(r)
	streams := r.streams
	texts := r.texts
	r.streams, r.texts = map[string]*recorded{}, map[string]*recordedText{}
	c.updateMix()
	c.letGoOfLines(r)
	c.updateText()
	for _, s := range streams {
		c.closeStream(r, s)
	}
	if ended != nil {
		ended.handle(c)
	}
	for _, t := range texts {
		c.closeRecordedText(r, t)
	}
	c.endSession(r)
	c.closeSegment(r)
}
