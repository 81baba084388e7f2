package focus

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// persistent is a recording session that is kept up while nothing is recorded (RFC 7866, section 10), and has the recordings of several
// conferences in it (section 5.1): each has lines of it on loan. A line is a stream whose port, source, label and identifier stay the same; the
// metadata say whose it is, and a recording gets it only when the server has acknowledged that, so that nothing is ever in a line that the server
// takes for somebody else's. All methods may be called by any goroutine.
type persistent struct {
	focus    *Focus
	agent    *sipua.Agent
	server   Recorder
	security sdp.Security
	keys     certifier      // guarded by mu
	client   *siprec.Client // guarded by mu
	over     chan struct{}  // closed when the session has ended for good

	agreement agreement
	mu        sync.Mutex // guards what follows
	lines     []*line
	texts     []*line   // of real-time text, which are there while somebody has them
	resting   []*line   // of text that nobody has: their keys, labels and identifiers come again
	merged    *merged   // has the mixed streams of all conferences; nil: each has its own
	group     siprec.ID // of all sessions, if there is one
	began     time.Time
	made      int // lines so far
	leases    []*lease
	playing   map[string]siprec.StartMedia // by the key of the line: what the server takes
	dialog    *sipua.Dialog
	inviting  func() // takes the open INVITE back; nil: there is none
	reply     *sipua.Response
	timer     *time.Timer
	stopping  bool
	closed    bool           // the media are; of a line that comes now nobody knows until it is given back
	short     bool           // of ports for the lines that should be held, which was told
	started   bool           // the agent can send
	after     time.Duration  // Retry-After of the last refusal
	proof     proof          // that the server was there
	callID    string         // of the dialog, or of the last one
	sent      *sentDocuments // in the dialog; nil: nothing is sealed
	chain     *sealChain     // of the manifests of the dialog; nil as well
}

// line is one of its streams.
type line struct {
	owner   *persistent
	key     string
	id      siprec.ID
	session *media.Session
	text    *media.TextSession // of a line of real-time text, in the place of session; nil: it is audio, or rests
	lease   *lease             // that it is on loan to, until its mix has let go of it; nil: to none
	wish    *siprec.StreamWish
	prefer  codecs.Codec // what is offered first: what is kept of the stream is in it; none: as ever
}

// persistentName is the user part of our address in sessions that are of no conference.
const persistentName = "recorder"

// keepPersistent begins the persistent sessions, and ends those with servers that have them no more, or are to be spoken to in another way, as
// soon as nobody needs them.
func (f *Focus) keepPersistent(agent *sipua.Agent) {
	f.mu.Lock()
	defer f.mu.Unlock()
	kept := map[string]*persistent{}
	for _, server := range f.live().Recorders {
		if server.Persistent <= 0 {
			continue
		}
		if h := f.persistent[server.Name]; h != nil && h.server.speaksAs(&server) && f.securesAs(h, server) {
			kept[server.Name] = h
			continue
		}
		h, err := f.newPersistent(agent, server)
		if err != nil {
			f.log.Error("persistent recording session", slog.String("server", server.Name), slog.Any("error", err))
			continue
		}
		kept[server.Name] = h
	}
	for name, h := range f.persistent {
		if kept[name] != h {
			f.spawn(func(context.Context) { h.retire() })
		}
	}
	f.persistent = kept
}

// persistentSession is the session that is kept up with a server; nil: there is none.
func (f *Focus) persistentSession(name string) *persistent {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.persistent[name]
}

// keptUpInVain tells whether the persistent session with a server is lost: it begins anew by itself, and a recording that moves into it would be told so,
// and move on at once.
func (f *Focus) keptUpInVain(name string) bool {
	h := f.persistentSession(name)
	if h == nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.client.State() == siprec.StateFailed
}

func (f *Focus) newPersistent(agent *sipua.Agent, server Recorder) (*persistent, error) {
	target, err := sipua.ParseURI(server.URI)
	if err != nil {
		return nil, err
	}
	security, err := f.recorderSecurity(server, false)
	if err != nil {
		return nil, err
	}
	h := &persistent{focus: f, agent: agent, server: server, security: security, over: make(chan struct{}), playing: map[string]siprec.StartMedia{}, group: newIdentity(), began: time.Now()}
	for range server.Persistent {
		if _, err = h.addLine(); err != nil {
			h.close()
			return nil, err
		}
	}
	profile := server.Profile
	if len(server.Codecs) > 0 {
		profile.Codecs = server.Codecs
	}
	var seed [8]byte
	_, _ = rand.Read(seed[:]) // never fails (crypto/rand)
	random := binary.BigEndian.Uint64(seed[:])
	retry := server.Retry
	retry.Attempts = 0 // it is kept up for ever
	keys, certify := f.recorderKeys(server, &h.keys)
	h.client, err = siprec.New(siprec.Config{
		Profile: profile, Address: f.mediaAddress(h.lines[0].session.LocalAddr().Addr(), hostAddress(target)), SDPSession: random >> 1,
		Retry: retry, Seed: random, Security: security, Keys: keys, Certify: certify,
	})
	if err != nil {
		h.close()
		return nil, err
	}
	if server.Merge {
		h.merged = h.newMerged(h.lines[0], f.pool.presume(server.Name, h.client.Codecs()).Codec)
	}
	stop := f.onDrain(h.retire)
	f.spawn(func(ctx context.Context) {
		defer stop()
		h.begin(ctx)
		h.keepAlive(ctx)
		if h.merged != nil {
			<-h.merged.mix.Close() // takes a tick, which no conference is to wait for
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.close()
	})
	return h, nil
}

// begin calls the server as soon as the agent can.
func (h *persistent) begin(ctx context.Context) {
	select {
	case <-h.agent.Started():
	case <-h.over: // drained before that
		return
	case <-ctx.Done():
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.started = true
	h.desire()
}

// close lets go of the media. mu is held, but at the beginning.
func (h *persistent) close() {
	if g := h.merged; g != nil {
		g.forsake(g.capture)
		g.weigh()
		g.closeSeals()
	}
	for _, l := range h.lines {
		h.closeLine(l)
	}
	h.lines, h.closed = nil, true
	if h.timer != nil {
		h.timer.Stop()
	}
}

// addLine opens a line. mu is held, but at the beginning.
func (h *persistent) addLine() (*line, error) {
	session, err := h.focus.media.Open(media.Options{})
	if err != nil {
		return nil, err
	}
	h.focus.tapped.add(session)
	return h.newLine(session, newIdentity()), nil
}

// newLine makes a stream a line of the session, with a label that no other has had. mu is held, but at the beginning.
func (h *persistent) newLine(session *media.Session, id siprec.ID) *line {
	l := h.nameLine(id)
	l.session = session
	h.lines = append(h.lines, l)
	return l
}

// nameLine makes a line with a key that no other has had. mu is held, but at the beginning.
func (h *persistent) nameLine(id siprec.ID) *line {
	h.made++
	return &line{owner: h, key: "line/" + strconv.Itoa(h.made), id: id}
}

// retire ends the session as soon as nobody has a line of it.
func (h *persistent) retire() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopping = true
	h.desire()
}

// desire tells the protocol what is to be recorded of all conferences. mu is held.
func (h *persistent) desire() {
	d := siprec.Desire{Stopped: h.stopping && len(h.leases) == 0 && !h.sending()}
	for _, l := range h.lines {
		w := l.wanted(l.session.LocalAddr().Port())
		if h.merged != nil && h.merged.line == l {
			w.Sessions = h.merged.sessions()
		}
		d.Streams = append(d.Streams, w)
	}
	for _, l := range h.texts {
		w := l.wanted(l.text.Port())
		w.Text = true
		d.Streams = append(d.Streams, w)
	}
	for _, l := range h.leases {
		d.Late = append(d.Late, l.late...)
		for _, r := range l.rosters {
			d.Others = append(d.Others, h.withSeals(r))
		}
	}
	if h.started || d.Stopped {
		h.step(d)
	}
}

// wanted is what is to be recorded in the line. mu is held.
func (o *line) wanted(port uint16) siprec.StreamWish {
	w := siprec.StreamWish{Key: o.key, ID: o.id, Port: port, Prefer: o.prefer}
	if of := o.wish; of != nil {
		w.Session, w.Participant, w.Members, w.Senders, w.Paused, w.Rest = of.Session, of.Participant, of.Members, of.Senders, of.Paused, of.Rest
	}
	return w
}

// sending tells whether something of the line that conferences share is on its way: into its mix, or from there to the server. mu is held.
func (h *persistent) sending() bool {
	return h.merged != nil && len(h.merged.feeds) > 0 || h.merged.owes() && !h.merged.capture.holding.Load()
}

// lookAgain has the protocol told what is wanted now.
func (h *persistent) lookAgain() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.desire()
}

// step feeds the protocol, does what it says, and lets the recordings look at what has become of it. mu is held.
func (h *persistent) step(e siprec.Event) {
	h.sent.outcome(e)
	for _, a := range h.client.Step(e, time.Now()) {
		h.act(a)
	}
	h.settle()
	for _, l := range h.leases {
		l.wake()
	}
	if h.client.State() == siprec.StateStopped {
		select {
		case <-h.over:
		default:
			close(h.over)
		}
	}
}

// settle forgets recordings whose end the server knows.
func (h *persistent) settle() {
	n, again := len(h.leases), false
	for _, l := range slices.Clone(h.leases) {
		if ended := l.stopped && !l.told && h.knowsEnd(l); ended && l.unsay() {
			again = true
		} else if ended && !h.says(l) {
			l.told = true
			close(l.known)
			l.wake()
		}
		if l.told && h.knowsSeal(l) {
			h.leases = slices.DeleteFunc(h.leases, func(other *lease) bool { return other == l })
		}
	}
	if again || len(h.leases) < n {
		h.forgetDocuments()
		h.desire()
	}
}

// knowsEnd tells whether the server has acknowledged that a recording has left the session, or never will.
func (h *persistent) knowsEnd(l *lease) bool {
	state := h.client.State()
	if state != siprec.StateRecording && state != siprec.StatePaused {
		return true // with the next dialog it gets a complete document, in which it is no more
	}
	known, synced := h.client.Acknowledged()
	for _, r := range l.rosters {
		if synced && !slices.ContainsFunc(known.SessionRecordings, func(a siprec.SessionRecording) bool { return a.Session == r.Session && !a.Disassociate.IsZero() }) {
			return false
		}
	}
	return synced
}

// owns tells whether the server has acknowledged that a line is of the session that it is wanted for.
func (h *persistent) owns(l *line) bool {
	known, synced := h.client.Acknowledged()
	return synced && l.wish != nil && slices.ContainsFunc(known.Streams, func(s siprec.Stream) bool { return s.ID == l.id && s.Session == l.wish.Session })
}

// happened feeds the protocol from outside.
func (h *persistent) happened(e siprec.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.agreement.concluded(e)
	h.proof.hears(e, time.Now())
	h.step(e)
}
