package focus_test

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/rtt"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
)

// texter is a telephone with real-time text.
type texter struct {
	*raw
	name    string
	session *media.TextSession

	mu     sync.Mutex
	aware  bool
	text   map[uint32]string
	all    string
	remote []sdp.Description // all descriptions of the conference
	locals sdp.Description
}

// texter calls a conference with audio and, if wanted, text.
func (b *bench) texter(conf, name string, aware, text bool, headers ...sipua.Header) *texter {
	b.t.Helper()
	p := &texter{raw: b.raw(), name: name, aware: aware, text: map[uint32]string{}}
	transport, err := media.NewTransport(media.Config{PortMin: 28000, PortMax: 31999, RTCPInterval: 100 * time.Millisecond, Receive: receiving(b.inside)})
	must(b.t, err)
	b.peers = append(b.peers, func(context.Context) { _ = transport.Close() })
	p.session, err = transport.OpenText(media.TextOptions{Received: p.take})
	must(b.t, err)
	p.offer = p.offered
	local := p.local(text)
	offer := sdp.Offer(local)
	p.locals = offer
	dialog, response, err := p.agent.Invite(b.t.Context(), sipua.OutgoingCall{
		To: sipua.Address{URI: b.parse(conf)}, From: sipua.Address{Name: name, URI: p.agent.Contact(name)},
		Headers: headers, ContentType: "application/sdp", Body: offer.Marshal(),
	}, p.raw)
	must(b.t, err)
	p.dialog = dialog
	p.use(b.t, offer, response.Body)
	b.await("the call to be bridged", func() bool { return b.find(conf, name).Status.Present() })
	return p
}

func (p *texter) local(text bool) sdp.Local {
	at := netip.MustParseAddrPort(p.socket.LocalAddr().String())
	l := sdp.Local{Address: at.Addr(), Session: 5, Version: 1, Streams: []sdp.LocalStream{{Port: at.Port(), Codecs: []codecs.Codec{codecs.PCMU}}}}
	if text {
		l.Streams = append(l.Streams, sdp.LocalStream{Port: p.session.Port(), Mux: true, Text: &sdp.LocalText{CPS: 90, Generations: 2, Mixer: p.aware}})
	}
	if p.locals.Origin.Session != 0 {
		previous := p.locals
		l.Previous = &previous
	}
	return l
}

func (p *texter) use(t *testing.T, offer sdp.Description, body []byte) {
	t.Helper()
	answer, err := sdp.Parse(body)
	must(t, err)
	plan, err := sdp.Accept(offer, answer)
	must(t, err)
	p.mu.Lock()
	p.remote = append(p.remote, answer)
	p.mu.Unlock()
	p.adopt(plan)
}

func (p *texter) adopt(plan sdp.Plan) {
	s, ok := plan.Text()
	if !ok {
		return
	}
	format := func(f sdp.TextPayloads) rtt.Format {
		return rtt.Format{Text: f.Text, Red: f.Red, Generations: f.Generations, CPS: s.Text.CPS, Aware: s.Text.Mixer}
	}
	_ = p.session.Configure(media.TextParams{
		Remote: s.Remote, Mux: s.Mux, Send: s.Send, Receiving: s.Receive, SendFormat: format(s.Text.Send), ReceiveFormat: format(s.Text.Receive),
	})
}

// offered answers an offer of the conference, with text.
func (p *texter) offered(request *sipua.Request) *sipua.Response {
	offer, err := sdp.Parse(request.Body)
	if err != nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	plan, err := sdp.Answer(offer, p.local(true))
	if err != nil {
		return nil
	}
	p.locals = plan.Answer
	p.remote = append(p.remote, offer)
	p.adopt(plan)
	return sipua.NewResponse(200).WithBody("application/sdp", plan.Answer.Marshal())
}

func (p *texter) take(list []rtt.Text) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, x := range list {
		p.text[x.Source] += x.Text
		p.all += x.Text
	}
}

// writes types a text: it is the source, which is how two of a kind are told apart.
func (p *texter) writes(text string) { p.session.Say(rtt.Source{}, "", text) }

// from is what it has read of somebody, and all what it has read.
func (p *texter) from(q *texter) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text[q.session.SSRC()]
}

func (p *texter) read() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all
}

// last is the last description of the conference.
func (p *texter) last() sdp.Description {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.remote[len(p.remote)-1]
}

func (b *bench) change(name string, c focus.ParticipantChange) {
	b.t.Helper()
	_, err := b.focus.UpdateParticipant(b.t.Context(), "room", b.find("room", name).ID, c)
	must(b.t, err)
}

func textBench(t *testing.T, text bool) *bench {
	t.Helper()
	return newBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "room", Rules: conference.Rules{Text: text}}}, NotifyInterval: -1})
}

// What one writes the others read, by source or with a label, and he himself does not. Who is muted, deaf or at the door is that in text, too.
// Shows ME-RTT-01, ME-RTT-14, ME-RTT-15, ME-RTT-17, ME-RTT-25, ME-RTT-29.
func TestTextInConference(t *testing.T) {
	b := textBench(t, true)
	ann, ben := b.texter("room", "ann", true, true), b.texter("room", "ben", true, true)
	una := b.texter("room", "una", false, true)
	roster := b.subscribe("room", time.Hour)
	b.await("text in the roster", func() bool {
		roster.mu.Lock()
		defer roster.mu.Unlock()
		return len(roster.bodies) > 0 && strings.Count(string(roster.bodies[0]), "<type>text</type>") == 4 // of the conference, and of each
	})
	for p, want := range map[*texter]bool{ann: true, una: false} {
		if answer := string(p.last().Marshal()); strings.Contains(answer, "a=rtt-mixer") != want || !strings.Contains(answer, "red/1000") {
			t.Errorf("%s is answered\n%s", p.name, answer)
		}
	}
	ann.writes("hello.")
	b.await("ben to read it", func() bool { return ben.from(ann) == "hello." })
	b.await("una to read it", func() bool { return una.read() == "[ann] hello." })
	ben.writes("hi.")
	b.await("ann to read it", func() bool { return ann.from(ben) == "hi." })
	b.await("una to read that", func() bool { return una.read() == "[ann] hello.\u2028[ben] hi." })

	yes, no := true, false
	for name, c := range map[string][2]focus.ParticipantChange{
		"ann": {{Muted: &yes}, {Muted: &no}}, "ben": {{Deafened: &yes}, {Deafened: &no}},
	} {
		b.change(name, c[0])
		before := ann.session.Stats().Sent
		ann.writes("secret.")
		if name == "ben" { // the others read it
			b.await("una to read on", func() bool { return strings.HasSuffix(una.read(), "secret.") })
		}
		b.await("it to have come", func() bool { // one of two packets at least has it
			sent := ann.session.Stats().Sent
			info, err := b.focus.Participant(t.Context(), "room", b.find("room", "ann").ID)
			return sent >= before+2 && err == nil && info.Stats.Text != nil && info.Stats.Text.Received >= sent
		})
		b.change(name, c[1])
		ann.writes("open to " + name + ".")
		b.await(name+" to be back", func() bool { return strings.HasSuffix(ben.from(ann), "open to "+name+".") })
	}
	if got := ben.from(ann); strings.Contains(got, "secret") {
		t.Errorf("ben has read %q", got)
	}
	if strings.Count(una.read(), "secret.") != 1 {
		t.Errorf("una has read %q", una.read())
	}
	if got := ann.read(); got != "hi." {
		t.Errorf("ann has read %q", got)
	}

	ben.mu.Lock()
	ben.aware = false
	offer := sdp.Offer(ben.local(true))
	ben.locals = offer
	ben.mu.Unlock()
	response, err := ben.dialog.ReInvite(t.Context(), sipua.Body{ContentType: "application/sdp", Data: offer.Marshal()})
	must(t, err)
	ben.use(t, offer, response.Body)
	ann.writes("labelled.")
	b.await("ben to get labels", func() bool { return strings.HasSuffix(ben.read(), "[ann] labelled.") })
}

// A conference that gains text offers it to all who are in it, and one that loses it takes the line away from all; audio goes on.
// Shows FO-MOD-12, ME-RTT-13.
func TestTextComesAndGoes(t *testing.T) {
	b := textBench(t, false)
	ann, ben := b.texter("room", "ann", true, true), b.texter("room", "ben", true, false)
	old := b.dial("room", conftest.PhoneConfig{Name: "old"})
	if answer := ann.last(); len(answer.Media) != 2 || answer.Media[1].Port != 0 {
		t.Errorf("text without text: %+v", answer.Media)
	}
	switchText := func(on bool) {
		_, err := b.focus.Update(t.Context(), "room", focus.ConferenceChange{Rules: conference.RulesChange{Text: &on}})
		must(t, err)
	}
	text := func(d sdp.Description) *sdp.Media {
		for i := range d.Media {
			if d.Media[i].Kind == "text" {
				return &d.Media[i]
			}
		}
		return nil
	}
	switchText(true)
	for name, last := range map[string]func() sdp.Description{"ann": ann.last, "ben": ben.last, "old": old.Remote} {
		b.await("an offer of text to "+name, func() bool {
			m := text(last())
			return m != nil && m.Port != 0 && strings.Contains(string(last().Marshal()), "a=rtt-mixer")
		})
	}
	agreed := func(name string) bool { return b.find("room", name).Session.Text.Agreed }
	b.await("text with those who have it", func() bool { return agreed("ann") && agreed("ben") })
	ann.writes("now.")
	b.await("ben to read it", func() bool { return ben.from(ann) == "now." })
	if agreed("old") || !b.find("room", "old").Session.Sends {
		t.Errorf("%+v", b.find("room", "old").Session)
	}
	switchText(false)
	for name, last := range map[string]func() sdp.Description{"ann": ann.last, "ben": ben.last} {
		b.await("the end of text for "+name, func() bool { m := text(last()); return m != nil && m.Port == 0 && !agreed(name) })
		if p := b.find("room", name); !p.Session.Sends || !p.Session.Receives {
			t.Errorf("%s is %+v", name, p.Session)
		}
	}
}
