package focus

import (
	"context"
	"fmt"

	"github.com/parley-sip/parley/focus/conference"
)

// command has an event done by a conference, and waits until what follows from it is in the mix.
func (f *Focus) command(ctx context.Context, id conference.ID, e conference.Event) (*conference.State, error) {
	m := command{event: e, reply: make(chan result, 1)}
	c, err := f.send(ctx, id, false, m)
	if err != nil {
		return nil, err
	}
	r := <-m.reply
	if r.err != nil {
		return nil, r.err
	}
	select {
	case <-r.applied:
	case <-c.silent:
	case <-ctx.Done():
		return r.state, ctx.Err()
	}
	return r.state, nil
}

// query looks at what the controller of an active conference owns; it reports false for an idle one.
func (f *Focus) query(ctx context.Context, id conference.ID, look func(c *controller)) (bool, error) {
	f.mu.Lock()
	e := f.entries[id]
	var c *controller
	if e != nil {
		c = e.ctl
	}
	f.mu.Unlock()
	switch {
	case e == nil, e.access != nil:
		return false, fmt.Errorf("%w: %q", ErrNoConference, id)
	case c == nil:
		return false, nil
	}
	q := query{look: look, done: make(chan struct{})}
	select {
	case c.mailbox <- q:
		<-q.done
		return true, nil
	case <-c.done:
		return false, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// Create makes a conference that stays until Delete. An empty ID gets an unguessable one (RFC 4579, section 5.3). Errors:
// ErrExists, ErrForbidden, ErrInvalid, ErrBusy, ErrShutdown.
func (f *Focus) Create(_ context.Context, c ConferenceConfig) (*conference.State, error) {
	if c.ID == "" {
		c.ID = conference.ID(newName())
	}
	if err := f.checkConference(c); err != nil {
		return nil, err
	}
	for _, r := range c.Calls.Callees {
		if err := f.mayDial(r); err != nil {
			return nil, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.draining:
		return nil, ErrShutdown
	case f.entries[c.ID] != nil:
		return nil, fmt.Errorf("%w: conference %q", ErrExists, c.ID)
	case f.full():
		return nil, ErrBusy
	}
	e := newEntry(c, false, false)
	f.entries[c.ID] = e
	f.callNow(&c)
	return f.current(e), nil
}

// Update changes settings. Errors: ErrNoConference, conference.ErrRange, ErrShutdown and that of ctx, as for all below.
func (f *Focus) Update(ctx context.Context, id conference.ID, c ConferenceChange) (*conference.State, error) {
	return f.command(ctx, id, conference.Configure{
		Name: c.Name, Locked: c.Locked, MutedOnEntry: c.MutedOnEntry, MaxParticipants: c.MaxParticipants, Rules: c.Rules,
	})
}

// Delete ends a conference: everybody is ejected, its URI becomes invalid (RFC 4353, section 5.4). One of the configuration
// comes into being again, empty.
func (f *Focus) Delete(ctx context.Context, id conference.ID) error {
	_, err := f.command(ctx, id, conference.End{Reason: `SIP;cause=200;text="Conference ended"`, Delete: true})
	return err
}

// Participants gives the participants of a conference with their statistics, in order of arrival.
func (f *Focus) Participants(ctx context.Context, id conference.ID) ([]ParticipantInfo, error) {
	list := []ParticipantInfo{}
	_, err := f.query(ctx, id, func(c *controller) {
		state := c.machine.State()
		for i := range state.Participants {
			list = append(list, c.participantInfo(state.Participants[i]))
		}
	})
	return list, err
}

// Participant gives one. Errors: ErrNoConference, ErrNoParticipant.
func (f *Focus) Participant(ctx context.Context, id conference.ID, pid conference.ParticipantID) (ParticipantInfo, error) {
	var info ParticipantInfo
	found := false
	_, err := f.query(ctx, id, func(c *controller) {
		var p conference.Participant
		if p, found = c.machine.State().Participant(pid); found {
			info = c.participantInfo(&p)
		}
	})
	if err == nil && !found {
		err = ErrNoParticipant
	}
	return info, err
}

// participantInfo is a participant with the quality of its media.
func (c *controller) participantInfo(s *conference.Participant) ParticipantInfo {
	info := DescribeParticipant(c.machine.State(), s)
	if p := c.participants[s.ID]; p != nil && p.session != nil {
		media := p.session.Stats()
		stats := mediaStats(media)
		stats.Level = c.levelOf(p)
		if text := p.text.session; text != nil {
			t := text.Stats()
			stats.Text = &TextStats{Received: t.Received, Lost: t.Lost, Repaired: t.Repaired, Marked: t.Marked, Sent: t.Sent}
		}
		info.Stats = &stats
		if media.RemoteSSRC != 0 {
			info.SSRC = media.RemoteSSRC
		}
	}
	return info
}

// UpdateParticipant changes what the focus does with a participant. It returns when the change is in the mix. Errors:
// ErrNoParticipant, ErrConflict, conference.ErrListener, conference.ErrRange, conference.ErrRecordingPolicy.
func (f *Focus) UpdateParticipant(ctx context.Context, id conference.ID, pid conference.ParticipantID, c ParticipantChange,
) (ParticipantInfo, error) {
	_, err := f.command(ctx, id, conference.Adjust{
		ID: pid, Muted: c.Muted, Deafened: c.Deafened, Held: c.Held, Unrecorded: c.Unrecorded, Masked: c.Masked, GainDB: c.GainDB, ListenGainDB: c.ListenGainDB, Role: c.Role,
		DisplayName: c.DisplayName, Coaching: c.Coaching, Waiting: c.Waiting, Marked: c.Marked, Hand: c.Hand, Floor: c.Floor,
	})
	if err != nil {
		return ParticipantInfo{}, err
	}
	return f.Participant(ctx, id, pid)
}

// Eject removes a participant (RFC 4353, section 5.3). When it returns nobody hears him any more. reason goes into the
// Reason field of the BYE (RFC 3326) and may be empty.
func (f *Focus) Eject(ctx context.Context, id conference.ID, pid conference.ParticipantID, reason string) error {
	header := ""
	if reason != "" {
		header = reasonHeader(200, reason)
	}
	_, err := f.command(ctx, id, conference.EjectParticipant{ID: pid, Reason: header})
	return err
}

// Recordings gives the recordings of a conference with their streams; some that are over among them.
func (f *Focus) Recordings(ctx context.Context, id conference.ID) ([]RecordingInfo, error) {
	list := []RecordingInfo{}
	active, err := f.query(ctx, id, func(c *controller) {
		state := c.machine.State()
		for i := range state.Recordings {
			list = append(list, c.recordingInfo(&state.Recordings[i]))
		}
	})
	if err != nil || active {
		return list, err
	}
	state, err := f.Conference(id)
	if err != nil {
		return nil, err
	}
	for i := range state.Recordings {
		list = append(list, DescribeRecording(id, &state.Recordings[i]))
	}
	return list, nil
}

// Recording gives one. Error: ErrNoRecording.
func (f *Focus) Recording(ctx context.Context, id conference.ID, rid conference.RecordingID) (RecordingInfo, error) {
	list, err := f.Recordings(ctx, id)
	if err != nil {
		return RecordingInfo{}, err
	}
	for _, r := range list {
		if r.ID == rid {
			return r, nil
		}
	}
	return RecordingInfo{}, ErrNoRecording
}
