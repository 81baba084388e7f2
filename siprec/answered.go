package siprec

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sdp"
)

// SIP status codes with a meaning of their own here (RFC 3261, section 21).
const (
	statusOK               = 200
	statusBadRequest       = 400
	statusMethodNotAllowed = 405
	statusTimeout          = 408
	statusTooLarge         = 413
	statusMediaType        = 415
	statusBadExtension     = 420
	statusGone             = 481
	statusNotAcceptable    = 488
	statusPending          = 491
	statusNotImplemented   = 501
	statusNotAcceptable6xx = 606
)

// final tells the refusals of an INVITE after which the same recorder is not asked
// again: they will not change by themselves.
func final(status int) bool {
	switch status {
	case statusBadExtension, 403, 404, statusMethodNotAllowed, 410, 416, 484, 485, statusNotImplemented, 505, 600, 603, 604:
		return true
	default:
		return false
	}
}

// outcome takes the exchange that an event is about out, nil when it is over already.
func (c *Client) outcome(id uint32) *exchange {
	e := c.exchange
	if e == nil || e.kind == exchangePeer || (id != 0 && id != e.id) {
		return nil
	}
	c.exchange = nil
	return e
}

func (c *Client) onAnswered(a Answered, now time.Time) {
	if a.Status < statusOK {
		return
	}
	e := c.outcome(a.Exchange)
	if e == nil {
		return
	}
	if a.Allow != nil {
		c.noUpdate = !slices.ContainsFunc(a.Allow, func(m string) bool { return strings.EqualFold(strings.TrimSpace(m), "UPDATE") })
	}
	success := a.Status < 300
	switch {
	case c.phase == phaseCancelling:
		if success {
			c.do(Bye{c.message(now, nil, nil)})
		}
		c.stopped("")
	case e.kind == exchangeInvite && !success:
		c.inviteRefused(a, now)
	case success:
		c.agreed(e, a.ContentType, a.Body, now)
	default:
		c.changeRefused(e, a, now)
	}
}

// agreed takes over a 2xx, or the ACK to ours.
func (c *Client) agreed(e *exchange, contentType string, body []byte, now time.Time) {
	if e.offer != nil {
		if detail := c.takeAnswer(e, contentType, body); detail != "" {
			// Without a usable answer nobody knows what is recorded: begin anew.
			c.do(Alarm{Kind: AlarmBadAnswer, Detail: detail})
			c.silence()
			c.do(Bye{c.message(now, nil, nil)})
			c.lost(detail, 0, now)
			return
		}
	}
	c.refusals, c.refusedUntil = 0, time.Time{}
	if e.metadata {
		c.known, c.synced = e.document, true
	}
	if e.snapshot {
		c.paceSnapshots(now)
	}
	if !c.up() {
		c.phase, c.upSince, c.reason = phaseUp, now, ""
	}
	if c.phase == phaseEnding {
		c.bye(now)
	}
}

// takeAnswer applies the answer to our offer. It returns what is wrong with it.
func (c *Client) takeAnswer(e *exchange, contentType string, body []byte) string {
	if contentType == "" && bytes.HasPrefix(body, []byte("v=0")) { // some forget it in answers to changes (RFC 3261, section 20.15)
		contentType = sdpType
	}
	content, err := ParseContent(contentType, "", body)
	if len(content.SDP) == 0 {
		if err != nil {
			return "unreadable answer"
		}
		return "no SDP in the answer"
	}
	answer, err := sdp.Parse(content.SDP)
	if err != nil {
		return "malformed SDP in the answer"
	}
	plan, err := sdp.Accept(*e.offer, answer)
	switch {
	case err == nil:
	case errors.Is(err, sdp.ErrStreamCount) && c.profile.LenientAnswer:
	case errors.Is(err, sdp.ErrRejected) && e.kind != exchangeInvite:
	case errors.Is(err, sdp.ErrRejected) && !offersAny(e.offer):
	default:
		return err.Error()
	}
	c.accepted, c.remote = e.offer, &answer
	refused, text := c.takePlan(e.offer, &plan, true)
	if refused > 0 {
		c.do(Alarm{Kind: AlarmStreamsRefused, Detail: strconv.Itoa(refused) + " streams"})
	}
	if text > 0 {
		c.do(Alarm{Kind: AlarmTextRefused, Detail: strconv.Itoa(text) + " streams"})
	}
	return ""
}

func offersAny(d *sdp.Description) bool {
	return slices.ContainsFunc(d.Media, func(m sdp.Media) bool { return m.Port != 0 })
}

// takePlan applies an agreement to the slots, by position, and returns how many streams
// the recorder refused in it, of audio and of text. answered tells an answer of the recorder from ours.
func (c *Client) takePlan(ours *sdp.Description, plan *sdp.Plan, answered bool) (refused, text int) {
	taken := make(map[int]sdp.Stream, len(plan.Streams))
	for _, s := range plan.Streams {
		taken[s.Index] = s
	}
	for i, s := range c.slots {
		if i >= len(ours.Media) {
			break
		}
		offered := ours.Media[i].Port != 0
		stream, ok := taken[i]
		s.disabled = !offered || !ok
		s.send = ok && (stream.Send || c.sendonlyIsReady(stream))
		s.rests = ok && !s.send && !s.held && ours.DirectionOf(i) == sdp.Inactive &&
			(answered || stream.RemoteDirection == sdp.RecvOnly || stream.RemoteDirection == sdp.SendRecv)
		s.accepted, s.held = true, s.held && !answered
		if ok {
			s.stream = stream
		}
		if offered && !ok && s.wanted && !s.refused {
			s.refused = true
			if s.wish.Text {
				text++
			} else {
				refused++
			}
		}
	}
	return refused, text
}

// sendonlyIsReady tells whether a recorder that answers sendonly wants our media after
// all, which only its profile can say.
func (c *Client) sendonlyIsReady(s sdp.Stream) bool {
	return c.profile.SendonlyIsReady && s.RemoteDirection == sdp.SendOnly && s.Remote.IsValid() && (s.Codec != codecs.None || s.Text != nil)
}

// inviteRefused handles a refusal to begin.
func (c *Client) inviteRefused(a Answered, now time.Time) {
	reason := strconv.Itoa(a.Status)
	if a.Reason != "" {
		reason += " " + a.Reason
	}
	if c.reduce(a) {
		c.invite(now)
		return
	}
	kind := AlarmRefused
	if a.Status == statusBadExtension {
		kind = AlarmNotRecorder
	}
	c.do(Alarm{Kind: kind, Status: a.Status, Detail: a.Reason})
	if final(a.Status) {
		c.reset()
		c.phase, c.reason = phaseFailed, reason
		return
	}
	c.lost(reason, a.RetryAfter, now)
}

// reduce asks for less after a refusal that names what was too much, each step once. It
// tells whether there is anything left to try.
func (c *Client) reduce(a Answered) bool {
	switch a.Status {
	case statusMediaType:
		accepts := func(t string) bool { return strings.EqualFold(mediaType(t), c.metadataTypeOther()) }
		if !c.otherType && slices.ContainsFunc(a.Accept, accepts) {
			c.otherType = true
			return true
		}
	case statusNotAcceptable, statusNotAcceptable6xx:
		if c.profile.AVPF && !c.noFeedback {
			c.noFeedback = true
			return true
		}
		if c.dropText() {
			return true
		}
		c.noText = false // it was something else
		if c.config.Security == sdp.SecurityOptional && !c.plainMedia {
			c.plainMedia = true
			c.do(Alarm{Kind: AlarmUnprotected, Status: a.Status, Detail: a.Reason})
			return true
		}
		if !c.plainAudio && !slices.Equal(plainAudio(c.profile.Codecs), c.profile.Codecs) {
			c.plainAudio = true
			return true
		}
	}
	return false
}

// newText tells whether the last offer had a stream of text that the recorder has never taken.
func (c *Client) newText() bool {
	return slices.ContainsFunc(c.slots, func(s *slot) bool { return s.wish.Text && s.live() && !s.accepted })
}

// dropText goes on without real-time text where the last offer had some. It tells whether that is anything new to try.
func (c *Client) dropText() bool {
	offered := c.sent != nil && slices.ContainsFunc(c.sent.Media, sdp.Media.IsText)
	if !offered || c.noText {
		return false
	}
	c.noText = true
	c.updateSlots()
	c.do(Alarm{Kind: AlarmTextRefused, Detail: "the whole offer was refused"})
	return true
}

func (c *Client) metadataTypeOther() string {
	if c.profile.MetadataType == MetadataTypeOld {
		return MetadataType
	}
	return MetadataTypeOld
}

// changeRefused handles a refusal within the dialog. The old state stays, and the next
// document is complete, since nobody knows what the recorder made of this one.
func (c *Client) changeRefused(e *exchange, a Answered, now time.Time) {
	if a.Status == statusGone || a.Status == statusTimeout {
		c.gone(strconv.Itoa(a.Status)+" "+a.Reason, now)
		return
	}
	c.synced = c.synced && !e.metadata
	fewer := e.offer != nil && (a.Status == statusNotAcceptable || a.Status == statusNotAcceptable6xx) && c.newText() && c.dropText()
	if e.offer != nil {
		c.rollback()
	}
	if c.phase == phaseEnding {
		c.bye(now)
		return
	}
	if e.snapshot {
		c.snapshotAt = time.Time{}
	}
	var wait time.Duration
	switch {
	case e.kind == exchangeUpdate && (a.Status == statusMethodNotAllowed || a.Status == statusNotImplemented):
		c.noUpdate = true
	case a.Status == statusMediaType && c.reduce(a), fewer:
	case a.Status == statusPending:
		// We own the Call-ID (RFC 3261, section 14.1): 2.1 to 4 s in steps of 10 ms.
		wait = 2100*time.Millisecond + time.Duration(c.random.fraction()*191)*10*time.Millisecond
		c.glareUntil = now.Add(wait)
	default:
		c.do(Alarm{Kind: AlarmUpdateRefused, Status: a.Status, Detail: a.Reason})
		wait = max(c.config.Retry.delay(c.refusals, &c.random), a.RetryAfter)
		c.refusedUntil = now.Add(wait)
		c.refusals++
	}
	c.flushAt = now.Add(wait)
}

// onTimedOut handles a request without outcome.
func (c *Client) onTimedOut(id uint32, reason string, now time.Time) {
	e := c.outcome(id)
	switch {
	case e == nil && (id != 0 || (c.exchange == nil && !c.up())):
	case c.phase == phaseCancelling:
		c.stopped(reason)
	case e != nil && e.kind == exchangeInvite:
		c.do(Alarm{Kind: AlarmLost, Status: statusTimeout, Detail: reason})
		c.lost(reason, 0, now)
	default:
		c.gone(reason, now)
	}
}

// gone handles the loss of the dialog (RFC 3261, section 12.2.1.2).
func (c *Client) gone(reason string, now time.Time) {
	if c.desire.Stopped {
		c.stopped(reason)
		return
	}
	c.do(Alarm{Kind: AlarmLost, Detail: reason})
	c.lost(reason, 0, now)
}

// lost forgets the dialog and plans the next attempt, which keeps all identifiers.
func (c *Client) lost(reason string, after time.Duration, now time.Time) {
	if c.up() && now.Sub(c.upSince) >= c.config.Retry.Stable {
		c.attempts = 0
	}
	c.silence()
	c.reset()
	c.reason = reason
	switch {
	case c.desire.Stopped:
		c.stopped(reason)
	case c.config.Passive || c.config.Retry.Attempts < 0 || (c.config.Retry.Attempts > 0 && c.attempts >= c.config.Retry.Attempts):
		c.phase = phaseFailed
	default:
		c.phase = phaseWaiting
		c.retryAt = now.Add(max(c.config.Retry.delay(c.attempts, &c.random), after))
		c.attempts++
	}
}

// silence stops all media at once.
func (c *Client) silence() {
	for _, s := range c.slots {
		if s.playing != nil {
			c.do(StopMedia{Key: s.playing.Key, Removed: !s.wanted || c.desire.Stopped})
			s.playing = nil
		}
	}
}
