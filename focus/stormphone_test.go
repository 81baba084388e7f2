package focus_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
)

// stormPhone says its voice all the time, and keeps what it hears frame by frame.
type stormPhone struct {
	ignore
	s      *storm
	voice  int
	name   string
	agent  *sipua.Agent
	socket *net.UDPConn
	pcm    map[byte]codecs.Decoder // the listener's

	mu        sync.Mutex
	dialog    *sipua.Dialog
	local     sdp.Description
	codec     codecs.Codec
	direction sdp.Direction
	stream    sdp.Stream // what is agreed
	source    uint32
	n         int         // the last frame
	press     *stormPress // what is being pressed
	said      map[int]bool
	heard     []stormFrameHeard
	peers     map[netip.AddrPort]bool // the ports of the focus
}

// stormFrameHeard is a packet that a phone or a recorder has got.
type stormFrameHeard struct {
	at    time.Time
	from  netip.AddrPort // of a phone
	parts []stormPart
}

func (s *storm) newPhone(voice int) *stormPhone {
	p := &stormPhone{
		s: s, voice: voice, name: fmt.Sprintf("v%d", voice), codec: codecs.PCMU, direction: sdp.SendRecv, source: uint32(1000 * (voice + 1)),
		said: map[int]bool{}, peers: map[netip.AddrPort]bool{}, pcm: map[byte]codecs.Decoder{},
	}
	var err error
	p.agent, err = sipua.New(sipua.Config{Listen: []string{"udp://127.0.0.1:0", "tcp://127.0.0.1:0"}, Network: s.b.network()}, p)
	must(s.t, err)
	must(s.t, p.agent.Start(s.t.Context()))
	s.b.peers = append(s.b.peers, func(ctx context.Context) { _ = p.agent.Shutdown(ctx) })
	p.socket, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	must(s.t, err)
	for number, codec := range map[byte]codecs.Codec{0: codecs.PCMU, 8: codecs.PCMA} {
		p.pcm[number], err = codecs.NewDecoder(codec)
		must(s.t, err)
	}
	var running sync.WaitGroup
	running.Go(p.listen)
	done := make(chan struct{})
	running.Go(func() { p.speak(done) })
	s.b.peers = append(s.b.peers, func(context.Context) {
		close(done)
		_ = p.socket.Close()
		running.Wait()
	})
	return p
}

// speak sends a frame every 20 ms, each phone at a time of its own within them.
func (p *stormPhone) speak(done <-chan struct{}) {
	encoders := map[codecs.Codec]codecs.Encoder{}
	for _, codec := range []codecs.Codec{codecs.PCMU, codecs.PCMA} {
		encoders[codec], _ = codecs.NewEncoder(codecs.Format{Codec: codec}) // does not fail for these
	}
	packet := make([]byte, 12+stormFrame)
	packet[0] = 0x80
	for n := 1; ; n++ {
		select {
		case <-done:
			return
		case <-time.After(time.Until(p.s.said(n).Add(time.Duration(3*p.voice) * time.Millisecond))):
		}
		p.mu.Lock()
		stream, source := p.stream, p.source
		p.n, packet[1] = n, stream.SendPT
		binary.BigEndian.PutUint32(packet[4:], uint32(n*stormFrame))
		k, pressed := p.pressing(packet, n, encoders[stream.Codec])
		if p.dialog != nil && stream.Send && !pressed {
			p.said[n] = true
		}
		p.mu.Unlock()
		if encoder := encoders[stream.Codec]; stream.Send && encoder != nil {
			if !pressed {
				var err error
				if k, err = encoder.Encode(packet[12:], stormSay(p.voice, n)); err != nil {
					panic(err)
				}
			}
			binary.BigEndian.PutUint16(packet[2:], uint16(n))
			binary.BigEndian.PutUint32(packet[8:], source)
			_, _ = p.socket.WriteToUDPAddrPort(packet[:12+k], stream.Remote)
		}
	}
}

func (p *stormPhone) listen() {
	packet, pcm, samples := make([]byte, 2000), make([]int16, codecs.MaxFrameSamples), make([]float64, stormFrame)
	for {
		size, from, err := conftest.Poll(p.socket, packet)
		if err != nil {
			return
		}
		at := time.Now()
		header := 12 + 4*int(packet[0]&15)
		decoder := p.pcm[packet[1]&0x7f]
		if size < header || decoder == nil {
			continue
		}
		if k, err := decoder.Decode(pcm, packet[header:size]); err != nil || k != stormFrame {
			continue
		}
		for i := range samples {
			samples[i] = float64(pcm[i]) / 32768
		}
		parts := stormHear(samples)
		p.mu.Lock()
		p.heard = append(p.heard, stormFrameHeard{at: at, from: from, parts: parts})
		p.mu.Unlock()
	}
}

// describe is an offer as things are now. mu is held.
func (p *stormPhone) describe() sdp.Description {
	at := netip.MustParseAddrPort(p.socket.LocalAddr().String())
	local := sdp.Local{
		Address: at.Addr(), Session: uint64(at.Port()), Version: 1,
		Streams: []sdp.LocalStream{{Port: at.Port(), Codecs: []codecs.Codec{p.codec}, Events: !stormInBand(p.voice), Direction: p.direction}},
	}
	if p.local.Origin.Session != 0 {
		previous := p.local
		local.Previous = &previous
	}
	p.local = sdp.Offer(local)
	return p.local
}

// take begins to use what was agreed.
func (p *stormPhone) take(offer sdp.Description, body []byte) error {
	answer, err := sdp.Parse(body)
	if err != nil {
		return err
	}
	plan, err := sdp.Accept(offer, answer)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stream, _ = plan.Audio()
	p.peers[p.stream.Remote] = true
	return nil
}

// call dials, and returns when the conference has him.
func (p *stormPhone) call(conf string) error {
	p.mu.Lock()
	p.local, p.direction = sdp.Description{}, sdp.SendRecv
	offer := p.describe()
	p.mu.Unlock()
	response, err := p.invite(conf, offer)
	if err != nil {
		return err
	}
	return p.take(offer, response.Body)
}

// replace goes on with another call, as a phone does that has another network (RFC 3891). What is under way in the old one comes first.
func (p *stormPhone) replace(conf string) error {
	for range 50 {
		p.mu.Lock()
		old, before := p.dialog, p.local
		p.local = sdp.Description{}
		offer := p.describe()
		p.local = before
		p.mu.Unlock()
		response, err := p.invite(conf, offer, sipua.Header{Name: "Replaces", Value: names(old.ID())})
		if _, refused := errors.AsType[*sipua.StatusError](err); refused {
			pass(time.Duration(10+rand.IntN(40)) * time.Millisecond)
			continue
		}
		if err != nil {
			return err
		}
		return p.take(offer, response.Body)
	}
	return nil // he has stayed with the old one
}

// invite makes a call that becomes the present one.
func (p *stormPhone) invite(conf string, offer sdp.Description, headers ...sipua.Header) (*sipua.Response, error) {
	call := sipua.OutgoingCall{
		To: sipua.Address{URI: p.s.b.parse(conf)}, From: sipua.Address{URI: p.agent.Contact(p.name)}, ContentType: "application/sdp", Body: offer.Marshal(), Headers: headers,
	}
	if p.voice != stormUnaware {
		call.Headers = call.Headers.With("Supported", "record-aware")
	}
	dialog, response, err := p.agent.Invite(p.s.t.Context(), call, p)
	if err == nil {
		p.mu.Lock()
		p.dialog, p.local = dialog, offer
		p.mu.Unlock()
	}
	return response, err
}

// change re-INVITEs with another direction or codec. A focus that has something under way is asked again.
func (p *stormPhone) change(direction sdp.Direction, codec codecs.Codec) error {
	for range 50 {
		p.mu.Lock()
		p.direction, p.codec = direction, codec
		offer, dialog := p.describe(), p.dialog
		p.mu.Unlock()
		response, err := dialog.ReInvite(p.s.t.Context(), sipua.Body{ContentType: "application/sdp", Data: offer.Marshal()})
		var refused *sipua.StatusError
		if errors.Is(err, sipua.ErrGlare) || errors.As(err, &refused) && slices.Contains([]int{491, 500}, refused.Response.Status) {
			pass(time.Duration(10+rand.IntN(40)) * time.Millisecond)
			continue
		}
		if err != nil {
			return err
		}
		return p.take(offer, response.Body)
	}
	return errors.New("glare for ever")
}

// Offer implements sipua.DialogHandler: the focus tells of recordings, and of another Contact.
func (p *stormPhone) Offer(request *sipua.Request) *sipua.Response {
	if len(request.Body) == 0 {
		return sipua.NewResponse(200)
	}
	offer, err := sdp.Parse(request.Body)
	if err != nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	at, previous := netip.MustParseAddrPort(p.socket.LocalAddr().String()), p.local
	plan, err := sdp.Answer(offer, sdp.Local{
		Address: at.Addr(), Previous: &previous, Streams: []sdp.LocalStream{{Port: at.Port(), Codecs: []codecs.Codec{p.codec}, Events: !stormInBand(p.voice), Direction: p.direction}},
	})
	if err != nil {
		return nil
	}
	p.local = plan.Answer
	p.stream, _ = plan.Audio()
	p.peers[p.stream.Remote] = true
	return sipua.NewResponse(200).WithBody("application/sdp", plan.Answer.Marshal())
}

// hangUp ends the call.
func (p *stormPhone) hangUp() error {
	p.mu.Lock()
	dialog := p.dialog
	p.dialog, p.stream = nil, sdp.Stream{}
	p.mu.Unlock()
	return dialog.Bye(p.s.t.Context())
}

// changes to another source: a gateway has been exchanged.
func (p *stormPhone) changeSource() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.source++
}

// id is who he is in a conference; empty: he is not in it.
func (p *stormPhone) id(conf string) conference.ParticipantID { return p.s.b.find(conf, p.name).ID }
