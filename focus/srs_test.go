package focus_test

import (
	"context"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/rtt"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/internal/srtp"
	"github.com/parley-sip/parley/siprec"
)

// recordingServer is a Session Recording Server that keeps what it gets.
type recordingServer struct {
	t     *testing.T
	agent *sipua.Agent
	sick  atomic.Bool // answers OPTIONS with 503

	mu         sync.Mutex    // of all below: the agent runs from the beginning, so tests change and read it by set and kept
	refuse     int           // status for an INVITE; 0: accept
	mute       bool          // never answers
	slow       chan struct{} // what everything is answered after; nil: at once
	codecs     []codecs.Codec
	packetTime time.Duration // 0: it is the same to it
	noise      bool          // it takes comfort noise in the place of silence
	events     bool          // takes telephone events
	texts      bool          // takes real-time text, and knows several writers in a stream
	dialog     *sipua.Dialog
	contact    sipua.Address
	requires   []string
	documents  []siprec.Recording
	bodies     [][]byte
	merged     siprec.Recording
	local      *sdp.Description
	offers     []sdp.Description
	sockets    []*net.UDPConn
	controls   []*net.UDPConn  // for RTCP
	promises   sdp.Fingerprint // of a certificate that it answers with, and shakes no hands by
	keys       []srtp.Key      // takes SRTP with keys in descriptions, and nothing else; nil: without
	unaware    bool            // knows one writer in a stream of text only
	streams    []*heardStream
	issues     []siprec.Issue
	refreshes  []*sipua.Request // within the dialog, with a session timer
	gone       bool             // knows no dialog any more
	bye        *sipua.Request   // of the client, the last one
	ended      chan struct{}    // closed with the first dialog
	asked      []recordRequest
	answers    func(m sdp.Media, line int) (direction sdp.Direction, taken bool) // how a line is answered; nil: recvonly
	respond    func(request *sipua.Request) *sipua.Response                      // instead of taking an offer; nil, or nil from it: take it
	begins     func(request *sipua.Request) *sipua.Response                      // the refusal of an INVITE; nil, or nil from it: take it
	outside    func(request *sipua.Request) *sipua.Response                      // answers other requests; nil: sick does
	once       sync.Once
	ears       sync.WaitGroup // that listen to sockets
}

// heardStream is one m-line.
type heardStream struct {
	label   string
	packets int
	events  []codecs.Event // telephone events, a packet each
	first   time.Time
	last    time.Time
	pcm     []float64
	ssrcs   map[uint32]bool
	stamps  []uint32 // timestamps, in order of arrival
	sources []uint32 // the sources of those
	numbers []uint16 // sequence numbers
	came    []time.Time
	sizes   []int // of packets, in samples
	marks   []bool
	csrcs   [][]uint32
	from    netip.AddrPort        // of the last packet
	senders []netip.AddrPort      // where each packet came from
	text    *rtt.Receiver         // of a stream of text
	written map[uint32]string     // what has come, by source
	linear  map[byte]codecs.Codec // payload types of L16
	largest int                   // octets of payload
	key     srtp.Key              // of the far end; the zero value: it does not encrypt
	opens   *srtp.Receiver
	sealed  int // packets that could not be decrypted
	reports []report
	rtcp    netip.AddrPort // where reports come from
}

func newRecordingServer(t *testing.T, tune ...func(*sipua.Config)) *recordingServer {
	t.Helper()
	s := &recordingServer{t: t, ended: make(chan struct{}), codecs: []codecs.Codec{codecs.PCMA, codecs.PCMU}}
	config := sipua.Config{
		Supported: []string{"siprec"}, Accept: []string{"application/sdp", "multipart/mixed", "application/rs-metadata+xml"},
		Timers: sipua.Timers{T1: 100 * time.Millisecond}, Network: signalling(t),
	}
	for _, change := range tune {
		change(&config)
	}
	var err error
	s.agent, err = sipua.New(config, s)
	must(t, err)
	must(t, s.agent.Start(t.Context()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		_ = s.agent.Shutdown(ctx)
		s.mu.Lock()
		for _, c := range slices.Concat(s.sockets, s.controls) {
			_ = c.Close()
		}
		s.mu.Unlock()
		s.ears.Wait()
	})
	return s
}

func (s *recordingServer) uri() string {
	return "sip:srs@" + s.agent.Addr("tcp").String() + ";transport=tcp"
}

// Invite implements sipua.Handler.
func (s *recordingServer) Invite(call *sipua.IncomingCall) {
	request := call.Request()
	s.note(request)
	s.mu.Lock()
	s.contact, _ = request.Contact()
	s.requires = request.Headers.List("Require")
	mute, refuse, slow, begins := s.mute, s.refuse, s.slow, s.begins
	s.mu.Unlock()
	if begins != nil {
		if response := begins(request); response != nil {
			_ = call.Reject(response)
			return
		}
	}
	switch {
	case mute:
		<-call.Done()
		return
	case refuse != 0:
		_ = call.Reject(sipua.NewResponse(refuse))
		return
	}
	if slow != nil {
		<-slow
		s.mu.Lock()
		refuse = s.refuse
		s.mu.Unlock()
		if refuse != 0 {
			_ = call.Reject(sipua.NewResponse(refuse))
			return
		}
	}
	body, err := s.take(request.Headers, request.Body)
	if err != nil {
		_ = call.Reject(sipua.NewResponse(400))
		return
	}
	dialog, err := call.Answer(context.Background(), sipua.NewResponse(200).WithBody("application/sdp", body), s)
	if err != nil {
		return
	}
	s.mu.Lock()
	s.dialog = dialog
	s.mu.Unlock()
}

// take reads a request of the client, or its answer to ours, and gives the answer, if it has an offer.
func (s *recordingServer) take(headers sipua.Headers, data []byte) ([]byte, error) {
	content, err := siprec.ParseContent(headers.Get("Content-Type"), headers.Get("Content-Disposition"), data)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var labels []string
	var answer []byte
	if content.SDP != nil {
		offer, err := sdp.Parse(content.SDP)
		if err != nil {
			return nil, err
		}
		s.offers = append(s.offers, offer)
		for _, m := range offer.Media {
			labels = append(labels, m.Label)
		}
		if answer, err = s.answer(offer); err != nil {
			return nil, err
		}
	}
	if content.Metadata != nil {
		document, err := siprec.Unmarshal(content.Metadata)
		if err != nil {
			return nil, err
		}
		s.issues = append(s.issues, siprec.Verify(document, labels)...)
		s.documents, s.bodies = append(s.documents, document), append(s.bodies, content.Metadata)
		s.merged = siprec.Merge(s.merged, document)
	}
	return answer, nil
}

// answer takes every stream that is offered.
func (s *recordingServer) answer(offer sdp.Description) ([]byte, error) {
	local := sdp.Local{Address: netip.MustParseAddr("127.0.0.1"), Session: 7, Previous: s.local, Remote: &offer, ByPosition: true}
	for i, m := range offer.Media {
		if i == len(s.sockets) {
			socket, control, err := socketPair()
			if err != nil {
				return nil, err
			}
			stream := &heardStream{label: m.Label, ssrcs: map[uint32]bool{}, written: map[uint32]string{}}
			s.sockets, s.controls, s.streams = append(s.sockets, socket), append(s.controls, control), append(s.streams, stream)
			s.ears.Go(func() { s.listen(socket, stream) })
			s.ears.Go(func() { s.listenReports(control, stream) })
		}
		port := netip.MustParseAddrPort(s.sockets[i].LocalAddr().String()).Port()
		stream := sdp.LocalStream{Port: port, Codecs: s.codecs, Events: s.events, Direction: sdp.RecvOnly, PacketTime: s.packetTime}
		if s.promises != (sdp.Fingerprint{}) {
			stream.Security, stream.DTLS.Fingerprint = sdp.SecurityRequired, s.promises
		}
		if s.keys != nil {
			stream.Security, stream.Keys = sdp.SecurityRequired, s.keys
		}
		if s.texts && m.Kind == "text" {
			stream.Text = &sdp.LocalText{CPS: rtt.MixerCPS, Generations: 2, Mixer: !s.unaware}
		}
		if s.answers != nil {
			direction, taken := s.answers(m, i)
			if stream.Direction = direction; !taken {
				stream.Port = 0
			}
		}
		local.Streams = append(local.Streams, stream)
	}
	plan, err := sdp.Answer(offer, local)
	if err != nil {
		return nil, err
	}
	for _, agreed := range plan.Streams {
		linear := map[byte]codecs.Codec{}
		for _, a := range agreed.Accepts {
			if a.Codec.Linear() {
				linear[a.Number] = a.Codec
			}
		}
		s.streams[agreed.Index].linear = linear
		if err := s.streams[agreed.Index].unlock(agreed.Protection); err != nil {
			return nil, err
		}
		if h := s.streams[agreed.Index]; agreed.Text != nil && h.text == nil {
			f := agreed.Text.Receive
			h.text = rtt.NewReceiver(rtt.Format{Text: f.Text, Red: f.Red, Generations: f.Generations, Aware: agreed.Text.Mixer})
		}
	}
	s.takeNoise(&plan.Answer)
	s.local = &plan.Answer
	return plan.Answer.Marshal(), nil
}

// stream gives a copy of what came with a label.
func (s *recordingServer) stream(label string) heardStream {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.streams {
		if h.label == label {
			return h.copied()
		}
	}
	return heardStream{}
}

// copied is made under the server's lock.
func (h *heardStream) copied() heardStream {
	c := *h
	c.pcm = append([]float64(nil), h.pcm...)
	c.ssrcs, c.written = maps.Clone(h.ssrcs), maps.Clone(h.written)
	return c
}

// set changes how the server behaves.
func (s *recordingServer) set(change func(*recordingServer)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

// present gives the AORs that the metadata say are in the conference now.
func (s *recordingServer) present() map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := map[siprec.ID]bool{}
	for _, a := range s.merged.ParticipantSessions {
		in[a.Participant] = a.Disassociate.IsZero()
	}
	out := map[string]bool{}
	for _, p := range s.merged.Participants {
		if in[p.ID] && len(p.Names) > 0 {
			out[p.Names[0].AOR] = true
		}
	}
	return out
}

// Subscribe implements sipua.Handler.
func (s *recordingServer) Subscribe(i *sipua.IncomingSubscription) {
	_ = i.Reject(sipua.NewResponse(489))
}

// Request implements both handlers.
func (s *recordingServer) Request(request *sipua.Request) *sipua.Response {
	s.mu.Lock()
	outside := s.outside
	s.mu.Unlock()
	if outside != nil {
		return outside(request)
	}
	if s.sick.Load() {
		return sipua.NewResponse(503)
	}
	return nil
}

func (s *recordingServer) setRefuse(status int) {
	s.set(func(s *recordingServer) { s.refuse = status })
}

// die is the end without a word: nobody listens, nobody answers.
func (s *recordingServer) die() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mute = true
	slow := make(chan struct{})
	s.slow = slow
	s.t.Cleanup(func() { close(slow) })
	for _, c := range slices.Concat(s.sockets, s.controls) {
		_ = c.Close()
	}
}

// Ack implements sipua.DialogHandler.
func (s *recordingServer) Ack(*sipua.Request) {}

// Offer implements sipua.DialogHandler.
func (s *recordingServer) Offer(request *sipua.Request) *sipua.Response {
	s.mu.Lock()
	slow, gone, respond := s.slow, s.gone, s.respond
	if request.Headers.Has("Session-Expires") {
		s.refreshes = append(s.refreshes, request)
	}
	s.mu.Unlock()
	s.note(request)
	switch {
	case gone:
		return sipua.NewResponse(481)
	case len(request.Body) == 0 && request.Method == "UPDATE": // only refreshes
		return sipua.NewResponse(200)
	}
	if slow != nil {
		<-slow
	}
	if respond != nil {
		if response := respond(request); response != nil {
			return response
		}
	}
	body, err := s.take(request.Headers, request.Body)
	if err != nil {
		return sipua.NewResponse(400)
	}
	response := sipua.NewResponse(200)
	if body != nil {
		response.WithBody("application/sdp", body)
	}
	return response
}

// Ended implements sipua.DialogHandler.
func (s *recordingServer) Ended(reason sipua.EndReason) {
	s.mu.Lock()
	if reason.Cause == sipua.EndRemote {
		s.bye = reason.Request
	}
	s.mu.Unlock()
	if reason.Cause == sipua.EndRemote {
		s.note(reason.Request)
	}
	s.once.Do(func() { close(s.ended) })
}
