package focus_test

import (
	"cmp"
	"context"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/prompts"
	"github.com/parley-sip/parley/internal/sipua"
)

// onset is when a phone begins to hear a tone, from a moment on; ok is false when it does not within a while.
func (p *phone) onset(hz float64, from time.Time, while time.Duration) (at time.Time, ok bool) {
	p.b.t.Helper()
	const piece = 20 * time.Millisecond
	since := from.Sub(p.b.origin)
	samples, _, err := p.HeardSince(since)
	must(p.b.t, err)
	for at := time.Duration(0); at < while; at += piece {
		if toneLevel(conftest.Window(samples, at.Seconds(), (at+piece).Seconds()), hz) > loud-10 {
			return from.Add(at), true
		}
	}
	return from, false
}

// said is when the phone begins to hear a prompt, within a while from a moment on.
func (p *phone) said(library *prompts.Library, name string, from time.Time, while time.Duration) (at time.Time, ok bool) {
	p.b.t.Helper()
	const skip, size = 200 * time.Millisecond, 600 * time.Millisecond
	pcm, known := library.Sound(name)
	if !known {
		p.b.t.Fatalf("no prompt %s", name)
	}
	whole, err := conftest.Resample(pcm, prompts.Rate)
	must(p.b.t, err)
	heard, _, err := p.HeardSince(from.Sub(p.b.origin))
	must(p.b.t, err)
	found := conftest.Find(conftest.Window(heard, 0, while.Seconds()), conftest.Window(whole, skip.Seconds(), (skip+size).Seconds()))
	return from.Add(time.Duration(found.At*float64(time.Second)) - skip), found.Correlation > 0.8
}

// at checks when something was heard.
func (p *phone) at(what string, got time.Time, heard bool, want time.Time) {
	p.b.t.Helper()
	switch late := got.Sub(want); {
	case !heard:
		p.b.t.Errorf("%s does not hear %s", p.name, what)
	case late < -accuracy/2 || late > 2*accuracy: // with the jitter buffer, and where on its time line a phone puts its first packet
		p.b.t.Errorf("%s hears %s %v after its time", p.name, what, late)
	}
}

// The end of a conference is announced to all who are there then: by tones and words so long before it as is wanted, and in words when its time is
// over. The calls end when these have been said, and not before.
//
// Shows FO-END-02.
func TestEndIsHeardOnTime(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		library := library(t)
		b := newVirtualBenchWith(t, focus.Deps{Prompts: library}, focus.Config{Conferences: []focus.ConferenceConfig{{
			ID: "desk", Rules: conference.Rules{MaxDuration: 90 * time.Second}, Warnings: []time.Duration{time.Minute, 30 * time.Second},
		}}})
		alice := b.dial("desk", conftest.PhoneConfig{Name: "alice"})
		ends := b.state("desk").EndsAt
		first, second := ends.Add(-time.Minute), ends.Add(-30*time.Second)
		pass(time.Until(first.Add(10 * time.Second)))
		bob := b.dial("desk", conftest.PhoneConfig{Name: "bob"})
		pass(time.Until(second.Add(5 * time.Second)))
		for _, c := range []struct {
			p       *phone
			warning time.Time
			words   bool // of whole minutes only
		}{{alice, first, true}, {alice, second, false}, {bob, second, false}} {
			at, heard := c.p.onset(659, c.warning.Add(-time.Second), 3*time.Second)
			c.p.at("the tones", at, heard, c.warning)
			at, heard = c.p.said(library, "conference-ends-in", c.warning, 3*time.Second)
			if c.words {
				c.p.at("how much time is left", at, heard, c.warning.Add(900*time.Millisecond))
			} else if heard {
				t.Errorf("%s hears %v after the tones that a minute is left", c.p.name, at.Sub(c.warning))
			}
		}
		if at, heard := bob.onset(659, first.Add(-time.Second), 3*time.Second); heard {
			t.Errorf("bob hears a warning %v before he comes", first.Add(10*time.Second).Sub(at))
		}
		pcm, _ := library.Sound("conference-ended")
		length := time.Duration(len(pcm)) * time.Second / prompts.Rate
		for _, p := range []*phone{alice, bob} {
			<-p.Over()
			b.onTime("the call of "+p.name+" ends", ends, length+200*time.Millisecond)
			at, heard := p.said(library, "conference-ended", ends.Add(-time.Second), length+time.Second)
			p.at("the end", at, heard, ends)
		}
	})
}

// What is played to all begins at once, is heard by who comes meanwhile, and is over when it has been played.
func TestPlaybackToAllOnTime(t *testing.T) {
	const length = 10 * time.Second
	virtual(t, func(t *testing.T) {
		t.Helper()
		b := newVirtualBench(t, focus.Config{Dynamic: true})
		alice := b.dial("room", conftest.PhoneConfig{Name: "alice"})
		pass(time.Second)
		over := make(chan bool, 1)
		began := time.Now()
		_, err := b.focus.Play(t.Context(), "room", focus.Playback{WAV: toneWAV(700, length), Done: func(stopped bool) { over <- stopped }})
		must(t, err)
		pass(length / 2)
		bob := b.dial("room", conftest.PhoneConfig{Name: "bob"})
		if stopped := <-over; stopped {
			t.Error("it was stopped")
		}
		b.onTime("over", began, length+200*time.Millisecond) // with the jitter buffers
		pass(time.Second)
		at, heard := alice.onset(700, began.Add(-time.Second/2), length)
		alice.at("it", at, heard, began)
		at, heard = bob.onset(700, began, length)
		bob.at("it", at, heard, began.Add(length/2))
		for _, p := range []*phone{alice, bob} {
			if at, heard := p.onset(700, began.Add(length+2*accuracy), time.Second/2); heard {
				t.Errorf("%s hears it %v after its beginning", p.name, at.Sub(began))
			}
		}
	})
}

// beeps are the moments at which a user agent has begun to hear something, to the frame.
type beeps struct {
	mu sync.Mutex
	at []time.Time
}

// listen notes when something is to be heard in what is sent to a user agent, as PCMU.
func (r *raw) listen() *beeps {
	r.b.t.Helper()
	socket, ok := r.socket.(*net.UDPConn)
	if !ok {
		r.b.t.Fatal("no UDP socket")
	}
	heard := &beeps{}
	go func() {
		packet := make([]byte, 2048)
		sounds := false
		for {
			n, _, err := conftest.Poll(socket, packet)
			if err != nil {
				return // it was closed
			}
			if n < 12 || packet[1]&0x7f != 0 { // RTCP
				continue
			}
			// In PCMU the four upper bits of silence, inverted, are all ones, or ones but for the sign.
			sounding := slices.ContainsFunc(packet[12+4*int(packet[0]&0x0f):n], func(v byte) bool { return ^v&0x70 >= 0x40 })
			if sounding && !sounds {
				heard.mu.Lock()
				heard.at = append(heard.at, time.Now())
				heard.mu.Unlock()
			}
			sounds = sounding
		}
	}()
	return heard
}

// since are the moments after another.
func (h *beeps) since(from time.Time) (list []time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, at := range h.at {
		list = append(list, at.Sub(from).Round(100*time.Millisecond))
	}
	return list
}

// A record-aware user agent has four seconds to take the offer that tells it of a recording. Then it hears the tone, every 15 s, and is recorded when
// it has heard the first. When it takes the offer after all there is no tone any more. A re-INVITE may wait for its user, and is taken back after 40 s;
// who leaves an UPDATE without an answer is gone (RFC 3261, section 12.2.1.2).
//
// Shows SR-REC-01, SR-REC-15.
func TestUntoldHearsTheToneOnTime(t *testing.T) {
	const s = time.Second
	for _, c := range []struct {
		name     string
		method   string
		answers  time.Duration // the offer; 0: never
		recorded time.Duration // the first packet, after the beginning of the recording
		tones    []time.Duration
		ends     time.Duration // 0: the call goes on
	}{
		{"answers in time", "INVITE", 3900 * time.Millisecond, 3900 * time.Millisecond, nil, 0},
		{"answers late", "INVITE", 20 * s, 4400 * time.Millisecond, []time.Duration{4 * s, 19 * s}, 0},
		{"never answers", "INVITE", 0, 4400 * time.Millisecond, []time.Duration{4 * s, 19 * s, 34 * s, 49 * s}, 0},
		{"answers an UPDATE late", "UPDATE", 20 * s, 4400 * time.Millisecond, []time.Duration{4 * s, 19 * s}, 0},
		{"never answers an UPDATE", "UPDATE", 0, 4400 * time.Millisecond, []time.Duration{4 * s, 19 * s}, 32 * s},
	} {
		runVirtual(t, c.name, func(t *testing.T) {
			t.Helper()
			srs := newRecordingServer(t)
			b := newVirtualBench(t, focus.Config{Dynamic: true, Recorders: []focus.Recorder{{Name: "srs", URI: srs.uri()}}})
			r := b.raw()
			r.allow(c.method)
			heard := r.listen()
			offered, release := make(chan time.Time, 8), make(chan struct{})
			r.offer = func(request *sipua.Request) *sipua.Response {
				if request.Method != c.method {
					t.Errorf("offered by %s", request.Method)
				}
				offered <- time.Now()
				<-release
				return sipua.NewResponse(200).WithBody("application/sdp", r.describe(codecs.PCMU))
			}
			r.call("room", sipua.Header{Name: "Supported", Value: "record-aware"})
			began := time.Now()
			b.record("room", conference.Separate)
			at := <-offered
			if c.ends > 0 {
				b.awaitLong("him to be gone", func() bool { return b.find("room", "raw").ID == "" })
				b.onTime("gone", at, c.ends)
			}
			pass(cmp.Or(c.answers, time.Until(at.Add(time.Minute))))
			if c.answers > 0 {
				close(release)
				pass(time.Minute - c.answers)
			} else {
				defer close(release)
			}
			if got := srs.stream("1").first.Sub(began); got < c.recorded || got > c.recorded+2*accuracy {
				t.Errorf("recorded after %v, want %v", got, c.recorded)
			}
			if got := heard.since(at); !slices.Equal(got, c.tones) {
				t.Errorf("hears tones at %v, want %v", got, c.tones)
			}
			if in := b.find("room", "raw").ID != ""; in != (c.ends == 0) {
				t.Errorf("is he in after a minute: %t", in)
			}
		})
	}
}

// allow gives a user agent that takes offers within a dialog by one method.
func (r *raw) allow(method string) {
	r.b.t.Helper()
	methods := []string{"INVITE", "ACK", "CANCEL", "BYE", "OPTIONS"}
	if method != "INVITE" {
		methods = append(methods, method)
	}
	agent, err := sipua.New(sipua.Config{Listen: []string{"udp://127.0.0.1:0"}, Methods: methods, Network: r.b.network()}, ignore{})
	must(r.b.t, err)
	must(r.b.t, agent.Start(r.b.t.Context()))
	r.b.peers = append(r.b.peers, func(ctx context.Context) { _ = agent.Shutdown(ctx) })
	r.agent = agent
}
