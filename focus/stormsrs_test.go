package focus_test

import (
	"context"
	crand "crypto/rand"
	"math/bits"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/internal/srtp"
	"github.com/parley-sip/parley/siprec"
)

// stormRecorder is a Session Recording Server that dies, comes back, dawdles and refuses. Each dialog is a session with sockets of its own.
type stormRecorder struct {
	ignore
	t     *testing.T
	name  string
	agent *sipua.Agent

	packet time.Duration
	noise  bool
	secure bool // takes SRTP only

	mu       sync.Mutex
	sessions []*stormSession
	down     bool          // answers nobody
	refuse   int           // status for an INVITE; 0: it takes it
	reject   int           // status for the next re-INVITE; 0: it takes it
	dawdle   time.Duration // before each answer
	away     bool          // refuses everybody
	ghost    uint16        // the port of who has died, and goes on in this process: nobody hears him any more
}

// stormSession is one recording session.
type stormSession struct {
	*recordingServer
	name  string
	owner *stormRecorder

	known []stormKnown   // what metadata have said, in order; guarded by the server's lock
	all   []*stormStream // what has come, once it has been looked at; as well
	over  time.Time      // when it was known to the recorder no more; as well
}

type stormKnown struct {
	at       time.Time
	labels   []string // of the m-lines
	metadata siprec.Recording
}

func newStormRecorder(t *testing.T, name string) *stormRecorder {
	t.Helper()
	r := &stormRecorder{t: t, name: name}
	var err error
	r.agent, err = sipua.New(sipua.Config{
		Supported: []string{"siprec"}, Accept: []string{"application/sdp", "multipart/mixed", "application/rs-metadata+xml"},
		Timers: sipua.Timers{T1: 100 * time.Millisecond}, Network: signalling(t),
	}, r)
	must(t, err)
	must(t, r.agent.Start(t.Context()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		_ = r.agent.Shutdown(ctx)
		for _, s := range r.all() {
			s.hush()
			s.ears.Wait()
		}
	})
	return r
}

func (r *stormRecorder) uri() string {
	return "sip:srs@" + r.agent.Addr("tcp").String() + ";transport=tcp"
}

func (r *stormRecorder) set(change func(*stormRecorder)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(r)
}

func (r *stormRecorder) all() []*stormSession {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]*stormSession(nil), r.sessions...)
}

// Invite implements sipua.Handler.
func (r *stormRecorder) Invite(call *sipua.IncomingCall) {
	r.mu.Lock()
	refuse, dawdle := r.refuse, r.dawdle
	r.mu.Unlock()
	select {
	case <-time.After(dawdle):
	case <-call.Done():
		return
	}
	r.mu.Lock()
	down := r.down
	if r.away {
		refuse = 503
	}
	contact, _ := call.Request().Contact()
	down = down && !r.away || r.ghost != 0 && contact.URI.Port == r.ghost
	r.mu.Unlock()
	switch {
	case down:
		<-call.Done()
		return
	case refuse != 0:
		_ = call.Reject(sipua.NewResponse(refuse))
		return
	}
	s := &stormSession{
		recordingServer: &recordingServer{t: r.t, ended: make(chan struct{}), codecs: []codecs.Codec{codecs.PCMA, codecs.PCMU}, packetTime: r.packet, noise: r.noise},
		name:            r.name, owner: r,
	}
	if r.secure {
		s.keys = stormRecorderKeys()
	}
	request := call.Request()
	body, err := s.take(request.Headers, request.Body)
	if err != nil {
		r.t.Errorf("INVITE to %s: %v", r.name, err)
		_ = call.Reject(sipua.NewResponse(400))
		return
	}
	s.learn()
	r.set(func(r *stormRecorder) { r.sessions = append(r.sessions, s) })
	dialog, err := call.Answer(context.Background(), sipua.NewResponse(200).WithBody("application/sdp", body), s)
	if err != nil {
		return
	}
	s.mu.Lock()
	s.dialog = dialog
	s.mu.Unlock()
}

// stormRecorderKeys are those of a recorder for what it sends, which is nothing.
func stormRecorderKeys() (keys []srtp.Key) {
	for _, suite := range []srtp.Suite{srtp.AEADAES256GCM, srtp.AEADAES128GCM, srtp.AESCM128HMACSHA180, srtp.AESCM128HMACSHA132} {
		secret := make([]byte, suite.KeySize())
		_, _ = crand.Read(secret) // never fails (crypto/rand)
		keys = append(keys, srtp.Key{Suite: suite, Secret: secret})
	}
	return keys
}

// learn notes what the metadata say now.
func (s *stormSession) learn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := stormKnown{at: time.Now(), metadata: s.merged}
	if n := len(s.offers); n > 0 {
		for _, m := range s.offers[n-1].Media {
			known.labels = append(known.labels, m.Label)
		}
	}
	s.known = append(s.known, known)
}

// Offer implements sipua.DialogHandler.
func (s *stormSession) Offer(request *sipua.Request) *sipua.Response {
	r := s.owner
	r.mu.Lock()
	down, reject, dawdle := r.down, r.reject, r.dawdle
	r.reject = 0
	r.mu.Unlock()
	pass(dawdle)
	s.mu.Lock()
	gone := s.gone
	s.mu.Unlock()
	switch {
	case down || gone:
		select {
		case <-time.After(40 * time.Second): // for who asks as good as for ever
		case <-r.t.Context().Done():
		}
		return sipua.NewResponse(481)
	case reject != 0 && len(request.Body) > 0:
		return sipua.NewResponse(reject)
	}
	response := s.recordingServer.Offer(request)
	s.learn()
	return response
}

// hush closes the sockets of a session.
func (s *stormSession) hush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
	s.ends()
	for i := range s.sockets {
		_, _ = s.sockets[i].Close(), s.controls[i].Close()
	}
}

// Ended implements sipua.DialogHandler.
func (s *stormSession) Ended(reason sipua.EndReason) {
	s.mu.Lock()
	s.ends()
	s.mu.Unlock()
	s.recordingServer.Ended(reason)
}

// ends notes when. mu is held.
func (s *stormSession) ends() {
	if s.over.IsZero() {
		s.over = time.Now()
	}
}

// die is the end of the server without a word, until it comes back without its sessions.
func (r *stormRecorder) die() {
	r.set(func(r *stormRecorder) { r.down = true })
	for _, s := range r.all() {
		s.hush()
	}
}

// fallSilent has it answer nothing any more, and take what it is sent, until it comes back.
func (r *stormRecorder) fallSilent() {
	r.set(func(r *stormRecorder) { r.down = true })
	for _, s := range r.all() {
		s.mu.Lock()
		s.ends() // what it knows is of now
		s.mu.Unlock()
	}
}

func (r *stormRecorder) comeBack() { r.set(func(r *stormRecorder) { r.down = false }) }

// hangUp ends a session from the side of the server.
func (s *stormSession) hangUp() {
	s.mu.Lock()
	dialog, gone := s.dialog, s.gone
	s.mu.Unlock()
	if dialog != nil && !gone {
		_ = dialog.Bye(context.Background())
	}
}

// stormStream is what has come in a line of a session.
type stormStream struct {
	label  string
	frames []stormRecorded
}

// stormRecorded is a packet, with what metadata say of the stream that it was in: its conference and, in that, "main" or "side"; who sends in it.
type stormRecorded struct {
	stormFrameHeard

	stamp       uint32 // of RTP: what was captured later has a higher one, by 160 in 20 ms
	stream      siprec.ID
	conf, place string
	key         byte // whose tones are in it, or what stands for one; 0: none
	senders     map[string]bool
}

// labelAt is that of an m-line when something came in it.
func (s *stormSession) labelAt(line int, at time.Time) (label string) {
	for _, known := range s.known {
		if line < len(known.labels) && (label == "" || !known.at.After(at)) {
			label = known.labels[line]
		}
	}
	return label
}

// streamAt is the stream that a label stood for when something came, and the conference that it is of.
func (s *stormSession) streamAt(label string, at time.Time) (found siprec.Stream, conf string) {
	for i, known := range s.known {
		if known.at.After(at) && found.ID != "" {
			break
		}
		for _, stream := range known.metadata.Streams {
			if stream.Label == label {
				found = stream
				conf = conferenceOf(&s.known[i].metadata, stream.Session)
			}
		}
	}
	return found, conf
}

// conferenceOf is the conference of a communication session: its focus is a participant.
func conferenceOf(d *siprec.Recording, session siprec.ID) string {
	for _, a := range d.ParticipantSessions {
		if name := nameIn(d, a.Participant); a.Session == session && !strings.HasPrefix(name, "v") {
			return name
		}
	}
	return ""
}

// nameIn is the user part of the address of a participant.
func nameIn(d *siprec.Recording, id siprec.ID) string {
	for i := range d.Participants {
		if p := &d.Participants[i]; p.ID == id && len(p.Names) > 0 {
			name, _, _ := strings.Cut(strings.TrimPrefix(p.Names[0].AOR, "sip:"), "@")
			return name
		}
	}
	return ""
}

// streams is in how many streams of a copy each voice is.
func (p *stormPlan) streams(conf string) int { return bits.OnesCount8(uint8(p.modes[conf])) }
