package focus

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sipua"
)

// DialRequest is somebody who is called into a conference.
type DialRequest struct {
	URI         string // SIP URI
	DisplayName string // empty: the user part of the URI
	Role        conference.Role
	Consent     bool // he is asked to press 1 before he comes in, as a voice mailbox would not
	Marked      bool // the others need not wait when he is there, though he may be no moderator
}

// callee reads a request. Error: ErrInvalid.
func (r DialRequest) callee() (conference.Callee, sipua.URI, error) {
	target, err := sipua.ParseURI(r.URI)
	if err != nil || !target.IsSIP() {
		return conference.Callee{}, target, fmt.Errorf("%w: %q is no SIP URI", ErrInvalid, r.URI)
	}
	target.Headers = "" // have no place in a Request-URI (RFC 3261, section 19.1.1)
	c := conference.Callee{
		Entity: target.Bare().String(), Target: target.String(), DisplayName: r.DisplayName, Role: r.Role, Marked: r.Marked, Consent: r.Consent,
	}
	if c.DisplayName == "" {
		c.DisplayName = target.UserPart()
	}
	return c, target, nil
}

// mayDial refuses who may not be called. Errors: ErrInvalid, ErrForbidden.
func (f *Focus) mayDial(r DialRequest) error {
	_, target, err := r.callee()
	if err != nil {
		return err
	}
	_, _, err = f.way(target)
	return err
}

// CallWhen says when a CallList is called.
type CallWhen uint8

// CallOut calls it in any case.
const (
	CallAtStart    CallWhen = iota // when the first participant comes
	CallAtCreation                 // by Create, at once; of the configuration: CallOnRequest
	CallOnRequest                  // only by CallOut
)

// CallList is whom a conference calls by itself.
type CallList struct {
	Callees  []DialRequest
	When     CallWhen
	Attempts int           // to reach each of them; 0: one
	Interval time.Duration // from a failure to the next attempt; 0: 30 s
}

// config is the list as the machine wants it. Its targets have been checked.
func (l *CallList) config() conference.CallList {
	out := conference.CallList{OnCreate: l.When != CallAtStart, Attempts: l.Attempts, Interval: l.Interval}
	orDefault(&out.Interval, 30*time.Second)
	for _, r := range l.Callees {
		if c, _, err := r.callee(); err == nil {
			out.Callees = append(out.Callees, c)
		}
	}
	return out
}

// check refuses a list that could not be called. Error: ErrInvalid.
func (l *CallList) check() error {
	if l.Attempts < 0 || l.Interval < 0 {
		return fmt.Errorf("%w: attempts and interval of a call list cannot be negative", ErrInvalid)
	}
	for _, r := range l.Callees {
		if _, _, err := r.callee(); err != nil {
			return err
		}
	}
	return nil
}

// Defaults is the pattern of dynamic conferences, for those who make others.
func (f *Focus) Defaults() ConferenceConfig { return f.live().Defaults }

// AdmitAll lets in everybody who waits. Errors: those of Update.
func (f *Focus) AdmitAll(ctx context.Context, id conference.ID) (*conference.State, error) {
	return f.command(ctx, id, conference.AdmitAll{})
}

// MuteAll mutes or unmutes everybody but the moderators. hard says whether participants may unmute themselves from now on; nil: as
// before. When it returns the mix is accordingly.
func (f *Focus) MuteAll(ctx context.Context, id conference.ID, muted bool, hard *bool) (*conference.State, error) {
	return f.command(ctx, id, conference.MuteAll{Muted: muted, HardMute: hard})
}

// LowerHands forgets who wants to speak.
func (f *Focus) LowerHands(ctx context.Context, id conference.ID) (*conference.State, error) {
	return f.command(ctx, id, conference.LowerHands{})
}

// CallOut has those of the call list called who are not there. Error: ErrConflict when there are none, or they are being called.
func (f *Focus) CallOut(ctx context.Context, id conference.ID) (*conference.State, error) {
	return f.command(ctx, id, conference.CallOut{})
}

// End ends a conference like Delete, after the participants have been told.
func (f *Focus) End(ctx context.Context, id conference.ID) error {
	_, err := f.command(ctx, id, conference.End{Reason: `SIP;cause=200;text="Conference ended"`, Delete: true, Announce: true})
	return err
}

// callNow calls the list of a conference that has just been made.
func (f *Focus) callNow(c *ConferenceConfig) {
	id := c.ID
	if len(c.Calls.Callees) == 0 || c.Calls.When != CallAtCreation {
		return
	}
	f.spawn(func(ctx context.Context) {
		if _, err := f.CallOut(ctx, id); err != nil {
			f.log.WarnContext(ctx, "call list", slog.String("conference", string(id)), slog.Any("error", err))
		}
	})
}

// autoDial calls one of the list.
func (c *controller) autoDial(i int) {
	callee := c.machine.Callee(i)
	log := c.log.With(slog.String("target", callee.Entity))
	if limit := c.focus.live().Limits.Participants; limit > 0 && c.focus.talking.Load() >= int64(limit) || c.focus.refusing.Load() {
		log.Warn("cannot call the list", slog.Any("error", ErrBusy))
		return
	}
	err := c.step(conference.Invite{
		ID: conference.ParticipantID(shortName("p")), Entity: callee.Entity, Target: callee.Target, DisplayName: callee.DisplayName,
		Role: callee.Role, Marked: callee.Marked, Consent: callee.Consent, Callee: i + 1,
	})
	if err != nil {
		log.Warn("cannot call the list", slog.Any("error", err))
	}
}
