package focus

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/netip"
	"time"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/dtls"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/internal/srtp"
	"github.com/parley-sip/parley/mixer"
	"github.com/parley-sip/parley/siprec"
)

// Directions of calls, in hooks and call records.
const (
	inbound  = "inbound"
	outbound = "outbound"
)

// byeTimeout bounds the wait for the answer to a BYE.
const byeTimeout = 32 * time.Second

// participant is what the controller holds of a participant beside the State: its dialog, its media, its offers.
type participant struct {
	outlet

	id          conference.ParticipantID
	generation  uint64
	keptAway    keptAway                 // goes with it to another conference
	dialogs     []sipua.DialogID         // that Join and Replaces may name it by
	endpoint    string                   // of a call that takes the place of another one
	replaces    conference.ParticipantID // whose place it takes as somebody else; empty: nobody's
	direction   string
	uri         string
	startedAt   time.Time
	answeredAt  time.Time // when its media were bridged
	member      mixer.MemberID
	dialog      *sipua.Dialog
	transport   string                  // of the signalling
	reached     netip.AddrPort          // address of ours that the INVITE came to
	peerAddress netip.Addr              // of the user agent's signalling, invalid while it is not known
	address     netip.Addr              // in our descriptions
	cancel      context.CancelCauseFunc // of an INVITE that is on its way out
	gone        chan struct{}           // closed when it is out of the conference
	bridged     bool
	invite      *sipua.Request // that it came by, without its body; nil: it was called
	guesses     string         // whose wrong PINs are counted together
	alive       time.Time      // last sign of life
	probing     bool           // it is being asked for one
	hangUp      bool           // the dialog is to be ended by us although the machine did not eject
	spoken      time.Duration  // how long it was heard, once it is gone

	local, remote   *sdp.Description // last sent and received
	pending         *sdp.Description // our offer that waits for its answer in an ACK
	pendingSequence uint32           // of the INVITE that asked for it
	stream          sdp.Stream
	srtpKeys        []srtp.Key        // of this call alone, one per suite; none before they are needed
	certificate     *dtls.Certificate // likewise
	ways            ways
	settings        *Config // that held when the call began, of what it agrees on
	peer            conference.Session
	loss            lossWatch
	text            texting
	spoke           bool // it has been agreed that it sends, now or before

	want    conference.Indication // what it is to be told
	wantVia string                // and another focus of by which ones that is known
	said    statement             // what our last description said
	attempt int                   // number of offers of ours
	telling bool                  // an offer of ours is on its way
	// answering: an offer of its is being answered, and what there is to tell goes with that.
	answering bool
	untold    bool           // it did not take that offer
	tone      mixer.MemberID // source of its recording tone, 0: none
	voice     voice          // what is said to it
	tape      *nameTape      // takes down its name; nil: it is not saying it
	name      *recordedName  // nil: it has said none
	warned    int            // how far the announcement of a recording is
}

// newParticipant registers what belongs to a participant that the machine has admitted.
func (c *controller) newParticipant(id conference.ParticipantID, direction, uri string) *participant {
	p := c.newLeg(id, direction, uri)
	c.participants[id] = p
	c.members[p.member] = id
	return p
}

// newLeg makes what belongs to a call that is no participant's yet.
func (c *controller) newLeg(id conference.ParticipantID, direction, uri string) *participant {
	p := &participant{
		id: id, generation: c.focus.generations.Add(1), direction: direction, uri: uri, startedAt: time.Now(), member: c.newMember(),
		gone: make(chan struct{}), loss: newLossWatch(), settings: c.focus.live(),
	}
	p.peer.Label = mediaLabel
	c.focus.talking.Add(1)
	if h := c.focus.hooks.CallStarted; h != nil {
		h(direction)
	}
	return p
}

// open gets the participant its ports.
func (c *controller) open(p *participant) error {
	session, err := c.focus.media.Open(media.Options{})
	if err != nil {
		return err
	}
	p.session = session
	c.listenForKeys(p)
	return nil
}

// bridge reports the participant's media as ready to be mixed.
func (c *controller) bridge(p *participant) {
	told := conference.IndicateOff
	if p.peer.RecordAware && !c.focus.cfg.Notification.Announce { // else it is told when it has heard it
		told = indicationOf(p.said.record)
	}
	c.enter(p, told)
	c.giveWay(p)
}

// input is where the mix takes its audio from.
func (p *participant) input() mixer.Input {
	if p.tape != nil {
		return p.tape
	}
	return p.session
}

// enter gives the conference the media of a participant who knows so much about recordings.
func (c *controller) enter(p *participant, told conference.Indication) {
	p.bridged, p.answeredAt = true, time.Now()
	p.want, p.wantVia = told, "" // what it knows is all that it is to know until the conference asks for something else
	if err := c.step(conference.Bridged{ID: p.id, Session: p.peer, Told: told, Endpoint: p.endpoint}); err != nil {
		c.log.Warn("participant cannot be bridged", slog.String("participant", string(p.id)), slog.Any("error", err))
		return
	}
	if h := c.focus.hooks.CallAnswered; h != nil {
		h(p.direction, time.Since(p.startedAt))
	}
	c.listenForDigits(p)
	p.alive = time.Now()
	c.watchMedia()
}

// release lets go of a participant that the machine has taken out: signalling first, the media when the mixer has let go.
func (c *controller) release(d *conference.Participant, eject bool, reason string) {
	p := c.participants[d.ID]
	if p == nil {
		return
	}
	if next := c.successors[d.ID]; next != nil { // nobody's place to take
		if next.dialog != nil {
			c.hangUp(next.dialog, reason)
		}
		c.discard(next, errDialogEnd)
	}
	delete(c.participants, d.ID)
	delete(c.members, p.member)
	if p.dialog != nil && (eject || p.hangUp) {
		if !eject { // an ejection may have its reason for nobody, a failure is told
			reason = d.Disconnection.Reason
		}
		c.hangUp(p.dialog, reason)
	}
	c.dispose(p, d)
}

// dispose lets go of what belongs to a call that is out of the conference.
func (c *controller) dispose(p *participant, d *conference.Participant) {
	close(p.gone)
	c.focus.moved.Delete(p.generation)
	c.focus.legs.end(p.dialogs, c.legOf(p))
	c.focus.talking.Add(-1)
	c.endTone(p)
	c.forgetVoice(p)
	if p.cancel != nil {
		p.cancel(sipua.TakebackError(d.Disconnection.Reason))
	}
	c.countSpoken(p) // of one that was replaced by another call
	record := c.callRecord(p, d)
	c.closeText(p)
	applied, session := c.applied, p.session
	c.focus.spawn(func(context.Context) {
		if session != nil {
			select {
			case <-applied:
			case <-c.silent:
			}
			// One after the other: who mixes has to wait its turn behind all that can run, and a thousand may have left at once.
			c.focus.closing <- struct{}{}
			record.Stats = mediaStats(session.Stats())
			err := session.Close()
			<-c.focus.closing
			if err != nil {
				c.log.Warn("closing media", slog.Any("error", err))
			}
		}
		if h := c.focus.hooks.CallEnded; h != nil {
			h(record)
		}
	})
}

// hangUp sends a BYE and does not wait for it.
func (c *controller) hangUp(d *sipua.Dialog, reason string) {
	var headers []sipua.Header
	if reason != "" {
		headers = append(headers, sipua.Header{Name: "Reason", Value: reason})
	}
	c.focus.spawn(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, byeTimeout)
		defer cancel()
		ctx, release := c.focus.patient(ctx, participantPatience)
		defer release()
		if err := d.Bye(ctx, headers...); err != nil {
			c.log.DebugContext(ctx, "BYE", slog.Any("error", err))
		}
	})
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// listenForDigits has key presses told.
func (c *controller) listenForDigits(p *participant) {
	l := c.legOf(p)
	p.session.OnDigit(func(d media.Digit) { c.pressed(l, d) })
	c.listenForKeys(p) // the conference may be another than before
}

// identity is the participant's identifier in recording metadata, the same for all recorders (RFC 7865, section 6.10).
func (c *controller) identity(id conference.ParticipantID) siprec.ID {
	if c.identities[id] == "" {
		c.identities[id] = newIdentity()
	}
	return c.identities[id]
}

// newIdentity gives a random UUID in the form of recording metadata (RFC 7865, section 6.10).
func newIdentity() siprec.ID {
	var uuid [16]byte
	_, _ = rand.Read(uuid[:]) // never fails (crypto/rand)
	uuid[6] = uuid[6]&0x0f | 0x40
	uuid[8] = uuid[8]&0x3f | 0x80
	return siprec.NewID(uuid)
}
