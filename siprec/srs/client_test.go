package srs

import (
	"context"
	"encoding/binary"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// A client is the recording client of a test: its own agent, and streams of tones on one clock.
type client struct {
	t      *testing.T
	agent  *sipua.Agent
	dialog *sipua.Dialog
	addr   func(transport string) netip.AddrPort // of the recorder
	ended  chan sipua.EndReason
	asked  chan string // reasons of requests for a snapshot
	gone   atomic.Bool // it knows nothing of the dialog any more
	began  time.Time   // of the conference clock
	offer  *sdp.Description
	answer *sdp.Description
}

type nobodyHome struct{}

func (nobodyHome) Invite(call *sipua.IncomingCall)         { _ = call.Reject(sipua.NewResponse(480)) }
func (nobodyHome) Subscribe(s *sipua.IncomingSubscription) { _ = s.Reject(sipua.NewResponse(489)) }
func (nobodyHome) Request(*sipua.Request) *sipua.Response  { return nil }

func (c *client) Ack(*sipua.Request) {}
func (c *client) Accepts() []string  { return []string{siprec.MetadataType} }
func (c *client) Offer(request *sipua.Request) *sipua.Response {
	content, err := siprec.ParseContent(request.Headers.Get("Content-Type"), request.Headers.Get("Content-Disposition"), request.Body)
	if err != nil || content.Snapshot == nil {
		return nil
	}
	c.asked <- content.Snapshot.Reason

	return sipua.NewResponse(200)
}

func (c *client) Request(*sipua.Request) *sipua.Response {
	if c.gone.Load() {
		return sipua.NewResponse(481)
	}

	return nil
}
func (c *client) Ended(reason sipua.EndReason) { c.ended <- reason }

// A log keeps what the hooks told.
type log struct {
	mu       sync.Mutex
	started  []Recording
	updated  []Recording
	finished chan Recording
	changes  chan Recording
}

func newLog() *log {
	return &log{finished: make(chan Recording, 10), changes: make(chan Recording, 1000)}
}

func (l *log) hooks() Hooks {
	return Hooks{
		Started:  func(r Recording) { l.mu.Lock(); l.started = append(l.started, r); l.mu.Unlock() },
		Updated:  func(r Recording) { l.mu.Lock(); l.updated = append(l.updated, r); l.mu.Unlock(); l.changes <- r },
		Finished: func(r Recording) { l.finished <- r },
	}
}

func (l *log) wait(t *testing.T) Recording {
	t.Helper()
	select {
	case r := <-l.finished:
		return r
	case <-time.After(20 * time.Second):
		t.Fatal("the recording does not finish")
	}

	return Recording{}
}

func startServer(t *testing.T, cfg Config) *Server {
	t.Helper()
	if cfg.Directory == "" {
		cfg.Directory = t.TempDir()
	}
	server, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		// The clients are gone by now; their BYEs have to be through, or ours have nobody to answer them.
		server.eventually(t, func() bool { return len(server.active()) == 0 })
		if err := server.Close(ctx); err != nil {
			t.Error(err)
		}
	})

	return server
}

func newClient(t *testing.T, server *Server) *client {
	t.Helper()

	return newClientOf(t, server.Addr, sipua.Timers{Glare: 50 * time.Millisecond})
}

func newClientOf(t *testing.T, addr func(transport string) netip.AddrPort, timers sipua.Timers) *client {
	t.Helper()
	agent, err := sipua.New(sipua.Config{Timers: timers}, nobodyHome{})
	if err != nil {
		t.Fatal(err)
	}
	if err := agent.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := agent.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})

	return &client{t: t, agent: agent, addr: addr, ended: make(chan sipua.EndReason, 1), asked: make(chan string, 10), began: time.Now()}
}

// call is an INVITE to the recorder that is as it should be; tests break it.
func (c *client) call(transport, contentType string, body []byte) sipua.OutgoingCall {
	addr := c.addr(transport)
	uri := sipua.URI{Scheme: "sip", User: "srs", Host: addr.Addr().String(), Port: addr.Port()}
	if transport == "tcp" {
		uri = uri.With("transport", "tcp")
	}
	contact := sipua.Address{URI: c.agent.Contact("src", transport)}.With(siprec.FeatureTag, "")

	return sipua.OutgoingCall{
		To: sipua.Address{URI: uri}, Contact: contact, ContentType: contentType, Body: body,
		Headers: sipua.Headers{{Name: "Require", Value: siprec.OptionTag}, {Name: "Accept", Value: "application/sdp"}},
	}
}

func (c *client) invite(call sipua.OutgoingCall) (*sipua.Response, error) {
	ctx, cancel := context.WithTimeout(c.t.Context(), 10*time.Second)
	defer cancel()
	dialog, response, err := c.agent.Invite(ctx, call, c)
	c.dialog = dialog

	return response, err
}

// accept takes the answer to the open offer.
func (c *client) accept(body []byte) sdp.Plan {
	c.t.Helper()
	answer, err := sdp.Parse(body)
	if err != nil {
		c.t.Fatal(err)
	}
	plan, err := sdp.Accept(*c.offer, answer)
	if err != nil {
		c.t.Fatal(err)
	}
	c.answer = &answer

	return plan
}

// describe makes an offer: a voice for each m-line, nil for one that is disabled.
func (c *client) describe(voices ...*voice) []byte {
	local := sdp.Local{Address: netip.MustParseAddr("127.0.0.1"), Session: 7, Version: 1, ByPosition: true, Previous: c.offer}
	for _, v := range voices {
		stream := sdp.LocalStream{}
		if v != nil {
			stream = sdp.LocalStream{Port: v.port(), Codecs: []codecs.Codec{v.codec}, Direction: sdp.SendOnly, Label: v.label}
			if v.held {
				stream.Direction = sdp.Inactive
			}
		}
		local.Streams = append(local.Streams, stream)
	}
	offer := sdp.Offer(local)
	c.offer = &offer

	return offer.Marshal()
}

// A voice is a stream: a tone for 100 ms, twice a second, by the clock of the conference.
type voice struct {
	label     string
	codec     codecs.Codec
	frequency float64
	late      time.Duration // each packet is sent that much later
	held      bool
	sockets   pair
	remote    netip.AddrPort
	rtcp      netip.AddrPort
	pt        uint8
	encoder   codecs.Encoder
	ssrc      uint32
	sequence  uint16
	base      uint32
	skip      func(n int) bool
	keep      func(payload []byte) // of what is sent
}

func newVoice(t *testing.T, label string, codec codecs.Codec, frequency float64) *voice {
	t.Helper()
	sockets, err := openPairAnywhere()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sockets.close)
	var encoder codecs.Encoder
	if !codec.Linear() {
		if encoder, err = codecs.NewEncoder(codecs.Format{Codec: codec}); err != nil {
			t.Fatal(err)
		}
	}

	return &voice{label: label, codec: codec, frequency: frequency, sockets: sockets, encoder: encoder, ssrc: uint32(frequency), base: uint32(frequency) * 7777}
}

func openPairAnywhere() (pair, error) { return newPorts(0, 0).open(netip.MustParseAddr("127.0.0.1")) }

func (v *voice) port() uint16 { return v.sockets.port() }

func (v *voice) use(stream sdp.Stream) {
	v.remote, v.rtcp, v.pt = stream.Remote, stream.RemoteRTCP, stream.SendPT
}

// packet is frame n of the conference clock as RTP.
func (v *voice) packet(t *testing.T, n int) []byte {
	t.Helper()
	size, rate := v.codec.FrameSamples(codecs.FrameDuration), v.codec.SampleRate()
	pcm := make([]int16, size)
	for i := range pcm {
		at := float64(n*size+i) / float64(rate)
		if beat := math.Mod(at, 0.5); beat >= 0.2 && beat < 0.3 {
			pcm[i] = int16(12000 * math.Sin(2*math.Pi*v.frequency*(beat-0.2)))
		}
	}
	payload := v.linear(pcm)
	if v.encoder != nil {
		payload = make([]byte, codecs.MaxPayload)
		k, err := v.encoder.Encode(payload, pcm)
		if err != nil {
			t.Fatal(err)
		}
		payload = payload[:k]
	}
	v.sequence++
	b := []byte{0x80, v.pt}
	b = binary.BigEndian.AppendUint16(b, v.sequence)
	b = binary.BigEndian.AppendUint32(b, v.base+uint32(n*v.codec.TimestampUnits(codecs.FrameDuration)))
	b = binary.BigEndian.AppendUint32(b, v.ssrc)

	return append(b, payload...)
}

// linear is a payload of L16; the right channel is the left one upside down, so that one who mixes them has silence.
func (v *voice) linear(pcm []int16) []byte {
	var b []byte
	for _, s := range pcm {
		b = binary.BigEndian.AppendUint16(b, uint16(s))
		if v.codec.Channels() == 2 {
			b = binary.BigEndian.AppendUint16(b, uint16(-s))
		}
	}

	return b
}

// senderReport ties frame n to the wall clock.
func (v *voice) senderReport(n int, began time.Time) []byte {
	wall := began.Add(time.Duration(n) * codecs.FrameDuration)
	seconds := uint64(wall.Unix() + 2_208_988_800)
	b := []byte{0x80, rtcpSR, 0, 6}
	b = binary.BigEndian.AppendUint32(b, v.ssrc)
	b = binary.BigEndian.AppendUint64(b, seconds<<32|uint64(wall.Nanosecond())<<32/1e9)
	b = binary.BigEndian.AppendUint32(b, v.base+uint32(n*v.codec.TimestampUnits(codecs.FrameDuration)))

	return binary.BigEndian.AppendUint64(b, 0)
}

// stream sends frames [from, to) of all voices in real time; each second with a sender report.
func (c *client) stream(from, to int, reports bool, voices ...*voice) {
	c.t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	next := make([]int, len(voices))
	for i := range next {
		next[i] = from
	}
	for left := len(voices); left > 0; {
		<-ticker.C
		left = len(voices)
		for i, v := range voices {
			for next[i] < to && time.Since(c.began) >= time.Duration(next[i])*codecs.FrameDuration+v.late {
				c.sendFrame(v, next[i], reports)
				next[i]++
			}
			if next[i] >= to {
				left--
			}
		}
	}
}

func (c *client) sendFrame(v *voice, n int, reports bool) {
	c.t.Helper()
	data := v.packet(c.t, n)
	if v.skip == nil || !v.skip(n) {
		if v.keep != nil {
			v.keep(data[rtpHeaderSize:])
		}
		if !v.sockets.rtp.Send(data, v.remote) {
			c.t.Fatal("a packet was not sent")
		}
	}
	if reports && n%50 == 10 {
		if !v.sockets.rtcp.Send(v.senderReport(n, c.began), v.rtcp) {
			c.t.Fatal("a report was not sent")
		}
	}
}

// load reads the report and the samples of a stream of a finished recording.
func load(t *testing.T, r Recording, label string) (Stream, []int16) {
	t.Helper()
	onDisk, err := ReadRecording(r.Directory)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range onDisk.Streams {
		if s.Label == label {
			pcm := readAudio(t, filepath.Join(r.Directory, s.File))
			if int64(len(pcm)) != s.Samples {
				t.Errorf("%s: %d samples, report tells %d", s.File, len(pcm), s.Samples)
			}

			return s, pcm
		}
	}
	entries, _ := os.ReadDir(r.Directory)
	t.Fatalf("no stream %s in %+v, %v", label, onDisk.Streams, entries)

	return Stream{}, nil
}
