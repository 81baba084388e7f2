package focus_test

import (
	"math/rand/v2"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
)

// Invite implements sipua.Handler: a conference calls.
func (p *stormPhone) Invite(call *sipua.IncomingCall) {
	p.mu.Lock()
	p.local, p.direction = sdp.Description{}, sdp.SendRecv
	p.mu.Unlock()
	response := p.Offer(call.Request())
	if response == nil || response.Status != 200 { //nolint:mnd // taken
		p.s.t.Errorf("%s cannot take %s", p.name, call.Request().Body)
		_ = call.Reject(sipua.NewResponse(488))
		return
	}
	if p.voice != stormUnaware {
		response.Headers = response.Headers.With("Supported", "record-aware")
	}
	dialog, err := call.Answer(p.s.t.Context(), response, p)
	if err != nil {
		return
	}
	p.mu.Lock()
	p.dialog = dialog
	p.mu.Unlock()
}

// stirDoor has somebody who is in no conference be called by one and be asked for his consent, now and then.
func (s *storm) stirDoor(rng *rand.Rand) {
	for time.Now().Before(s.over) {
		pass(time.Duration(rng.IntN(800)) * time.Millisecond)
		voice := 3 + rng.IntN(2)
		if !s.busy[voice].TryLock() {
			continue
		}
		if s.facts.now(key("in", voice)) == "" {
			s.door(rng, voice, stormConferences[rng.IntN(2)])
		} else if rng.IntN(3) == 0 {
			s.leave(voice)
		}
		s.busy[voice].Unlock()
	}
}

// door has a conference call somebody. He talks all the time, and is heard and recorded only if he consents, and then not before.
func (s *storm) door(rng *rand.Rand, voice int, conf string) {
	p := s.phones[voice]
	s.note("%s calls %s", conf, p.name)
	_, err := s.b.focus.DialAs(s.t.Context(), conference.ID(conf), focus.DialRequest{URI: "sip:" + p.name + "@" + p.agent.Addr("udp").String(), Consent: true})
	must(s.t, err)
	s.b.await(p.name+" to be asked", func() bool { return s.b.find(conf, p.name).Status == conference.Pending })
	pass(time.Duration(rng.IntN(1500)) * time.Millisecond)
	info := rng.IntN(2) == 0
	gone := func() bool { return p.id(conf) == "" }
	switch rng.IntN(4) {
	case 0: // somebody who does not want, and says so until he is believed
		for k := 0; k < 5 && !gone(); k++ {
			s.press(voice, stormRefused, info)
			pass(300 * time.Millisecond)
		}
	case 1: // a mailbox
	default:
		if rng.IntN(2) == 0 {
			s.press(voice, stormRefused, info)
			pass(300 * time.Millisecond)
		}
		s.facts.begin(time.Now(), keys(voice, append(append([]string(nil), own...), "unsteady", "direction")...)...)
		s.press(voice, stormLetIn, info)
		s.b.await(p.name+" to be let in", func() bool {
			q := s.b.find(conf, p.name)
			return q.Present()
		})
		s.arrived(voice, conf, nil)
		s.facts.end(time.Now(), "sendrecv", key("direction", voice))
		s.facts.end(time.Now(), "no", key("unsteady", voice))
		s.note("%s is in %s", p.name, conf)
		return
	}
	s.note("%s is let in nowhere", p.name)
	p.mu.Lock()
	dialog := p.dialog
	p.dialog, p.stream = nil, sdp.Stream{}
	p.mu.Unlock()
	_ = dialog.Bye(s.t.Context()) // or the conference has
	s.b.await(p.name+" to be gone", gone)
}
