package siprec_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/parley-sip/parley/siprec"
)

// conference is a roster that tests change, and what shall be recorded of it.
type conference struct {
	mode    string // mixed, separate or both
	texting bool   // real-time text is recorded, too
	people  []siprec.RosterParticipant
	masked  map[siprec.ID]bool
	paused  bool
	stopped bool
	ended   time.Time
}

var people = []string{"alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"}

func personID(name string) siprec.ID { return idOf(kindParticipant, slices.Index(people, name)) }

func nameOf(id siprec.ID) string {
	for _, name := range people {
		if personID(name) == id {
			return name
		}
	}
	return "focus"
}

func (c *conference) person(name string) *siprec.RosterParticipant {
	id := personID(name)
	for i := range c.people {
		if c.people[i].ID == id {
			return &c.people[i]
		}
	}
	return nil
}

func (c *conference) join(name string, now time.Time) {
	if p := c.person(name); p != nil {
		if !p.Left.IsZero() {
			p.Joined, p.Left = now, time.Time{}
			p.Muted, p.Held = false, false
		}
		return
	}
	n := slices.Index(people, name)
	c.people = append(c.people, siprec.RosterParticipant{
		ID: personID(name), Names: []siprec.NameID{{AOR: "sip:" + name + "@example.com", Name: strings.Title(name)}}, //nolint:staticcheck // ASCII
		SIPSessionID: fmt.Sprintf("%032x;remote=%032x", n+1, 0xf0), Joined: now,
	})
}

// desire is the event for the state of now.
func (c *conference) desire() siprec.Desire {
	d := siprec.Desire{Paused: c.paused, Stopped: c.stopped, Roster: siprec.Roster{
		Session: idOf(kindSession, 1), Group: idOf(kindGroup, 1), GroupStarted: base, Started: base, Ended: c.ended,
		Participants: slices.Clone(c.people),
	}}
	if !c.ended.IsZero() {
		d.Roster.Reasons = []siprec.Reason{{Protocol: "Q.850", Cause: 16, Text: "Normal call clearing"}}
	}
	if c.mode != "separate" {
		d.Streams = append(d.Streams, siprec.StreamWish{Key: "mix", ID: idOf(kindStream, 100), Port: 40100})
	}
	if c.mode != "mixed" {
		for _, p := range c.people {
			if !p.Left.IsZero() {
				continue
			}
			n := slices.Index(people, nameOf(p.ID))
			d.Streams = append(d.Streams, siprec.StreamWish{
				Key: nameOf(p.ID), ID: idOf(kindStream, n), Participant: p.ID, Port: uint16(40000 + 2*n), Paused: c.masked[p.ID],
			})
		}
	}
	if c.texting {
		c.addText(&d)
	}
	return d
}

// addText adds the streams of text to those of audio. Everybody writes and reads.
func (c *conference) addText(d *siprec.Desire) {
	for i := range d.Roster.Participants {
		d.Roster.Participants[i].Writes, d.Roster.Participants[i].Reads = true, true
	}
	for _, audio := range d.Streams {
		audio.Key, audio.ID, audio.Port, audio.Text = "text-"+audio.Key, idOf(kindStream, 1000+int(audio.Port)), audio.Port+1000, true
		d.Streams = append(d.Streams, audio)
	}
}

// world joins a client, a recorder and a conference.
type world struct {
	client *siprec.Client
	recorder
	conference
	now  time.Time
	wake time.Time
	log  []string

	sent     func(siprec.Action)   // sees what the client does; may be nil
	received func(siprec.Answered) // sees what it is answered; may be nil
}

func newWorld(fail func(format string, args ...any), cfg siprec.Config, mode string) (*world, error) {
	cfg.Address = netip.MustParseAddr("192.0.2.1")
	cfg.SDPSession = 1
	client, err := siprec.New(cfg)
	if err != nil {
		return nil, err
	}
	return &world{
		client: client, now: base,
		conference: conference{mode: mode, masked: map[siprec.ID]bool{}},
		recorder:   recorder{fail: fail, labels: map[string]siprec.ID{}, playing: map[string]siprec.StartMedia{}, refused: map[string]bool{}},
	}, nil
}

// step gives the client an event and carries its actions out.
func (w *world) step(ev siprec.Event) {
	for _, a := range w.client.Step(ev, w.now) {
		w.log = append(w.log, w.carryOut(a))
	}
}

// advance lets time pass, waking the client when it asked for it.
func (w *world) advance(d time.Duration) {
	for end := w.now.Add(d); ; {
		if w.wake.IsZero() || w.wake.After(end) {
			w.now = end
			return
		}
		if w.wake.After(w.now) {
			w.now = w.wake
		}
		before := w.wake
		w.wake = time.Time{}
		w.log = append(w.log, "tick at "+w.now.Sub(base).String())
		w.step(siprec.Tick{})
		if w.wake.Equal(before) {
			w.fail("woken at %v for %v again", w.now, before)
			return
		}
	}
}

func (w *world) began(name string, m siprec.Message, begins bool) string {
	if w.open != 0 {
		w.fail("%s while another request is open", name)
	}
	w.open = m.Exchange
	if begins {
		w.dialog, w.told = false, false
		w.agreed = ""
	}
	w.offer, w.pending = w.receive(m, begins)
	return name + describe(m, w.offer, w.pending)
}

func (w *world) carryOut(a siprec.Action) string {
	if w.sent != nil {
		w.sent(a)
	}
	switch a := a.(type) {
	case siprec.Invite:
		return w.began("INVITE", a.Message, true)
	case siprec.ReInvite:
		return w.began("re-INVITE", a.Message, false)
	case siprec.Update:
		return w.began("UPDATE", a.Message, false)
	case siprec.Cancel:
		return "CANCEL"
	case siprec.Bye:
		w.open, w.offer, w.pending, w.dialog = 0, nil, nil, false
		if len(w.playing) > 0 {
			w.fail("BYE while %d streams are sent", len(w.playing))
		}
		_, document := w.receive(a.Message, false)
		return "BYE" + describe(a.Message, nil, document)
	case siprec.AnswerPeer:
		offer, document := w.receive(a.Message, !w.dialog)
		switch {
		case offer == nil:
		case w.peerOffer == "":
			w.offer, w.pending = offer, document
		default:
			w.lines, w.agreed, w.agreedVersion = len(offer.Media), w.text, w.lastVersion
		}
		return fmt.Sprintf("answer %d", a.Status) + describe(a.Message, offer, document)
	case siprec.StartMedia:
		w.playing[a.Key] = a
		text := fmt.Sprintf("start %s label %s to %v payload type %d %v %v", a.Key, a.Label, a.Remote, a.PayloadType, a.Format.Codec, a.Format.PacketTime)
		if a.Text != nil {
			text = fmt.Sprintf("start %s label %s to %v text %d in %d generations %d mixer %t", a.Key, a.Label, a.Remote, a.Text.Send.Text, a.Text.Send.Red, a.Text.Send.Generations, a.Text.Mixer)
		}
		if a.Silence {
			text += " silence"
		}
		return text
	case siprec.StopMedia:
		delete(w.playing, a.Key)
		if a.Removed {
			return "stop " + a.Key + " removed"
		}
		return "stop " + a.Key
	case siprec.Report:
		w.dialog = w.dialog && a.State != siprec.StateFailed
		text := "report " + a.State.String()
		if a.Retry {
			text += " retry"
		}
		if a.Reason != "" {
			text += ": " + a.Reason
		}
		return text
	case siprec.Alarm:
		return fmt.Sprintf("alarm %v %d %s", a.Kind, a.Status, a.Detail)
	case siprec.WakeAt:
		w.wake = a.Time
		if a.Time.IsZero() {
			return "wake never"
		}
		return "wake at " + a.Time.Sub(base).String()
	default:
		w.fail("unknown action %T", a)
		return ""
	}
}

// respond answers the open request; a success brings it into force.
func (w *world) respond(status int, directions ...string) {
	a := siprec.Answered{Exchange: w.open, Status: status, Reason: "Test"}
	if status == 200 && w.offer != nil {
		a.ContentType, a.Body = "application/sdp", answerTo(w.offer, directions)
		for i, media := range w.offer.Media {
			if len(directions) > 0 && directions[min(i, len(directions)-1)] == "0" {
				w.refused[media.Label] = true
			}
		}
	}
	w.finish(a)
}

func (w *world) finish(a siprec.Answered) {
	if w.received != nil {
		w.received(a)
	}
	w.open = 0
	if a.Status < 300 {
		w.accept()
		w.dialog = true
	} else {
		w.offer, w.pending = nil, nil
	}
	w.step(a)
}
