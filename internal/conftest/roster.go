package conftest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// Roster is a recorder that hears of people who come to a conference and go. It takes every stream, listens to none, merges the metadata
// (RFC 7866, section 9.1; RFC 7865, section 5) and compares what it knows with what those do who are to be in it, document by document. Its methods may
// be called from any goroutine.
type Roster struct {
	agent  *sipua.Agent
	socket *net.UDPConn // where all streams go, and nobody reads

	mu        sync.Mutex
	answer    *sdp.Description // ours, the last one
	merged    siprec.Recording
	documents int
	complete  int
	octets    int64
	lines     int // m-lines of the largest offer
	visits    map[string]*visit
	faults    []string
	changed   chan struct{} // closed with the next document
}

// visit is one who comes and goes, as he knows it himself and as the recorder knows it.
type visit struct {
	coming, came time.Time // from when he calls until he has been taken in
	going, went  time.Time // from when he hangs up until that has been taken
	there, gone  time.Time // when the recorder heard of it; zero: not yet
}

// concurrent is by how much two events must be apart to have an order: the requests of different calls may overtake each other.
const concurrent = 50 * time.Millisecond

// NewRoster opens the recorder at an address such as "tcp://127.0.0.1:0". Close ends it.
func NewRoster(ctx context.Context, listen string) (*Roster, error) {
	r := &Roster{visits: map[string]*visit{}, changed: make(chan struct{})}
	var err error
	if r.socket, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
		return nil, err
	}
	r.agent, err = sipua.New(sipua.Config{
		Listen: []string{listen}, Supported: []string{siprec.OptionTag}, Methods: []string{"INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "UPDATE"},
		Accept: []string{"application/sdp", "multipart/mixed", siprec.MetadataType}, Limits: sipua.Limits{MaxMessageSize: maxRosterMessage},
	}, r)
	if err == nil {
		err = r.agent.Start(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, r.socket.Close())
	}
	return r, nil
}

// maxRosterMessage has room for a complete document of more than a thousand, each with a line of his own.
const maxRosterMessage = 8 << 20

// URI is where it can be called.
func (r *Roster) URI() string { return "sip:srs@" + r.agent.Addr("tcp").String() + ";transport=tcp" }

// Close ends all sessions.
func (r *Roster) Close(ctx context.Context) error {
	return errors.Join(r.agent.Shutdown(ctx), r.socket.Close())
}

// Invite implements sipua.Handler.
func (r *Roster) Invite(call *sipua.IncomingCall) {
	response := r.take(call.Request(), time.Now())
	if response.Status >= 300 { //nolint:mnd // not a success
		_ = call.Reject(response)
		return
	}
	_, _ = call.Answer(context.Background(), response, r) // who does not acknowledge is called no more
}

// Subscribe implements sipua.Handler.
func (r *Roster) Subscribe(s *sipua.IncomingSubscription) { _ = s.Reject(sipua.NewResponse(489)) } //nolint:mnd // a status

// Request implements sipua.Handler and sipua.DialogHandler.
func (r *Roster) Request(*sipua.Request) *sipua.Response { return nil }

// Ack implements sipua.DialogHandler.
func (r *Roster) Ack(*sipua.Request) {}

// Ended implements sipua.DialogHandler.
func (r *Roster) Ended(sipua.EndReason) {}

// Offer implements sipua.DialogHandler.
func (r *Roster) Offer(request *sipua.Request) *sipua.Response { return r.take(request, time.Now()) }

// take reads a request and answers it.
func (r *Roster) take(request *sipua.Request, at time.Time) *sipua.Response {
	content, err := siprec.ParseContent(request.Headers.Get("Content-Type"), request.Headers.Get("Content-Disposition"), request.Body)
	if err != nil {
		return r.refuse(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	response := sipua.NewResponse(200) //nolint:mnd // a status
	if content.SDP != nil {
		answer, err := r.negotiate(content.SDP)
		if err != nil {
			return r.fault(err)
		}
		response.WithBody("application/sdp", answer.Marshal())
	}
	if content.Metadata != nil {
		document, err := siprec.Unmarshal(content.Metadata)
		if err != nil {
			return r.fault(err)
		}
		if document.Mode == siprec.Complete {
			r.complete++
		}
		r.documents++
		r.octets += int64(len(content.Metadata))
		r.merged = siprec.Merge(r.merged, document)
		r.compare(at)
		close(r.changed)
		r.changed = make(chan struct{})
	}
	return response
}

func (r *Roster) refuse(err error) *sipua.Response {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fault(err)
}

// fault notes, under the lock, what could not be taken.
func (r *Roster) fault(err error) *sipua.Response {
	r.faults = append(r.faults, err.Error())
	return sipua.NewResponse(400) //nolint:mnd // a status
}

// negotiate takes every stream of an offer, to the same port.
func (r *Roster) negotiate(text []byte) (*sdp.Description, error) {
	offer, err := sdp.Parse(text)
	if err != nil {
		return nil, err
	}
	local := sdp.Local{Address: netip.MustParseAddr("127.0.0.1"), Session: 1, Previous: r.answer, Streams: make([]sdp.LocalStream, len(offer.Media))}
	port := r.socket.LocalAddr().(*net.UDPAddr).AddrPort().Port() //nolint:forcetypeassert // a UDP socket
	for i := range local.Streams {
		local.Streams[i] = sdp.LocalStream{Port: port, Codecs: []codecs.Codec{codecs.PCMA, codecs.PCMU}, Direction: sdp.RecvOnly}
	}
	plan, err := sdp.Answer(offer, local)
	if err != nil {
		return nil, err
	}
	r.answer, r.lines = &plan.Answer, max(r.lines, len(offer.Media))
	return r.answer, nil
}

// present are the names of those who are there by what the recorder knows.
func (r *Roster) present() []string {
	names := make(map[siprec.ID]string, len(r.merged.Participants))
	for _, p := range r.merged.Participants {
		if len(p.Names) > 0 {
			names[p.ID], _, _ = strings.Cut(strings.TrimPrefix(p.Names[0].AOR, "sip:"), "@")
		}
	}
	var there []string
	for _, a := range r.merged.ParticipantSessions {
		focus := slices.ContainsFunc(a.Params, func(p siprec.Param) bool { return p.Name == "isfocus" })
		if !focus && a.Disassociate.IsZero() {
			there = append(there, names[a.Participant])
		}
	}
	return there
}

// compare sees that there has been a moment at which exactly those were there whom the recorder knows: nobody is there whom nobody has
// seen coming, nobody comes back, and what is not known yet has not happened before what is. What is known for the first time is noted.
func (r *Roster) compare(at time.Time) {
	there := map[string]bool{}
	for _, name := range r.present() {
		v := r.visits[name]
		switch {
		case v == nil:
			r.wrong("%q is there, whom nobody knows", name)
			continue
		case there[name]:
			r.wrong("%s is there twice", name)
		case !v.gone.IsZero():
			r.wrong("%s is there again", name)
		}
		there[name] = true
		if v.there.IsZero() {
			v.there = at
		}
	}
	for name, v := range r.visits {
		if there[name] || v.there.IsZero() || !v.gone.IsZero() {
			continue
		}
		if v.going.IsZero() {
			r.wrong("%s is gone, who has not left", name)
		}
		v.gone = at
	}
	if late := r.disorder(); late > concurrent {
		r.wrong("document %d lacks what was over %v before something that is in it", r.documents, late)
	}
}

// disorder is how long before something that is known something else was over that is not.
func (r *Roster) disorder() time.Duration {
	var known, unknown time.Time // the last beginning of what is known, the first end of what is not
	for _, v := range r.visits {
		for _, e := range [][3]time.Time{{v.coming, v.came, v.there}, {v.going, v.went, v.gone}} {
			switch {
			case !e[2].IsZero() && e[0].After(known):
				known = e[0]
			case e[2].IsZero() && !e[1].IsZero() && (unknown.IsZero() || e[1].Before(unknown)):
				unknown = e[1]
			}
		}
	}
	if unknown.IsZero() {
		return 0
	}
	return known.Sub(unknown)
}

func (r *Roster) wrong(format string, args ...any) {
	r.faults = append(r.faults, fmt.Sprintf(format, args...))
}

// note changes what is known of a visit.
func (r *Roster) note(name string, change func(*visit)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v := r.visits[name]
	if v == nil {
		v = &visit{}
		r.visits[name] = v
	}
	change(v)
}

// settled waits until the recorder knows of all that has happened; false: it does not in time.
func (r *Roster) settled(ctx context.Context, while time.Duration) bool {
	late := time.After(while)
	for {
		r.mu.Lock()
		waits, next := r.waiting(), r.changed
		r.mu.Unlock()
		if waits == 0 {
			return true
		}
		select {
		case <-next:
		case <-late:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// waiting counts what has happened without the recorder knowing.
func (r *Roster) waiting() (n int) {
	for _, v := range r.visits {
		if !v.came.IsZero() && v.there.IsZero() {
			n++
		}
		if !v.went.IsZero() && v.gone.IsZero() {
			n++
		}
	}
	return n
}

var (
	_ sipua.Handler       = (*Roster)(nil)
	_ sipua.DialogHandler = (*Roster)(nil)
)
