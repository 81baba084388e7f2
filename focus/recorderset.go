package focus

import (
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// startRecorders opens a session with as many servers of a recording as the policy wants; the others stand by.
func (c *controller) startRecorders(id conference.RecordingID) {
	r, ok := c.machine.State().Recording(id)
	if !ok {
		return
	}
	c.account(&r)
	if m, ok := c.called[id]; ok {
		delete(c.called, id)
		c.startCalled(&r, m)
		return
	}
	names, policy := serverNames(&r), *r.Config
	chosen := c.focus.pool.choose(names, copies(policy, len(names)), policy.Balance, time.Now())
	for _, name := range names {
		if !slices.Contains(chosen, name) {
			_ = c.step(conference.Report{Recording: id, Server: name, State: conference.RecordingStandby})
		}
	}
	for _, name := range chosen {
		if err := c.startRecorder(&r, name, nil); err != nil {
			c.log.Error("recording cannot begin", slog.String("server", name), slog.Any("error", err))
			_ = c.step(conference.Report{Recording: id, Server: name, State: conference.RecordingFailed, Error: err.Error()})
		}
	}
	c.watch()
}

func serverNames(r *conference.Recording) []string {
	names := make([]string, 0, len(r.Servers))
	for _, v := range r.Servers {
		if v.Name != conference.SpoolServer {
			names = append(names, v.Name)
		}
	}
	return names
}

// spare are the servers that could take over a copy, the best first.
func (c *controller) spare(r *recorder) []string {
	recording, ok := c.machine.State().Recording(r.recording)
	if !ok || recording.Stopping && r.ending == nil || !r.server.movable() {
		return nil
	}
	names := slices.DeleteFunc(serverNames(&recording), func(name string) bool {
		server, known := c.focus.pool.find(name)
		return known && !server.movable() || r.ending != nil && !takesEnd(&recording, server) || slices.ContainsFunc(c.recorders, func(other *recorder) bool {
			return other.recording == r.recording && other.server.Name == name
		})
	})
	return c.focus.pool.order(names, recording.Config.Balance)
}

// takesEnd tells whether a server may take over what is left of a recording that ends: one that stands by, as another copy has all of it, with a session
// of its own, as one that is kept up may be about to end as well.
func takesEnd(r *conference.Recording, server Recorder) bool {
	return server.Persistent <= 0 && slices.ContainsFunc(r.Servers, func(v conference.RecordingServer) bool {
		return v.Name == server.Name && v.State == conference.RecordingStandby
	})
}

// stopping tells whether the recording of a copy is to end.
func (c *controller) stopping(r *recorder) bool {
	recording, ok := c.machine.State().Recording(r.recording)
	return !ok || recording.Stopping || recording.Over()
}

func (c *controller) hasOthers(r *recorder) bool { return len(c.spare(r)) > 0 }

// moveCopy has another server take over what one cannot record any more: the same communication session, participants and
// streams, with their sources and timestamps going on (RFC 7865, section 6.10). Nothing happens if there is no other.
func (c *controller) moveCopy(r *recorder, reason string) { c.handOver(r, reason, false) }

// handOver is moveCopy, also of a session that is not lost, but that is not believed in any more (live): it goes on as it was if there is no other server.
func (c *controller) handOver(r *recorder, reason string, live bool) {
	if r.over {
		return
	}
	doubted := false
	for _, name := range c.spare(r) {
		if c.focus.keptUpInVain(name) || !c.focus.pool.take(name, time.Now()) {
			continue
		}
		recording, ok := c.machine.State().Recording(r.recording)
		if !ok {
			return
		}
		c.weigh(r)
		if live && !doubted {
			c.lose(r)
			doubted = true
		}
		r.hold()
		if err := c.startRecorder(&recording, name, r); err != nil {
			c.log.Error("recording cannot move", slog.String("server", name), slog.Any("error", err))
			c.focus.pool.failed(name, 0, time.Now())
			continue
		}
		c.log.Warn("another recording server takes over", slog.String("server", r.server.Name), slog.String("next", name),
			slog.String("reason", reason))
		// In this order: there is always a server that may record, so nobody is told that it stops.
		_ = c.step(conference.Report{Recording: r.recording, Server: name, State: conference.RecordingStarting, SessionID: c.session.Text()})
		if r.inviting != nil {
			r.inviting()
		}
		c.finish(r)
		_ = c.step(conference.Report{Recording: r.recording, Server: r.server.Name, State: conference.RecordingFailed, Error: reason})
		if moved, ok := c.machine.State().Recording(r.recording); ok {
			c.focus.events.add(c.id, time.Now(), RecordingMoved, DescribeRecording(c.id, &moved), false)
		}
		return
	}
	if _, lent := r.client.(*lease); doubted && !lent { // what it is sent is kept for another by now, and there is none: it begins anew, as one that is lost
		c.endRecorderDialog(r, siprec.Message{}, farewellPatience, nil)
		c.recorderStep(r, siprec.TransportFailed{Reason: reason})
	}
}

// hold keeps all that is captured for whoever is next.
func (r *recorder) hold() {
	for _, s := range r.streams {
		s.started, s.looks, s.named = false, 0, nil
		s.capture.hold()
	}
	for _, t := range r.texts {
		t.started, t.named = false, nil
		t.capture.hold()
	}
}

// keptSince is when the first was captured of what whoever is next is to be sent: metadata tell him of all who were there, and of all sidebars that there
// were, from then on. It is not after a time.
func (r *recorder) keptSince(at time.Time) time.Time {
	for _, s := range r.streams {
		at = earliest(at, s.capture.oldest())
	}
	for _, t := range r.texts {
		at = earliest(at, t.capture.oldest())
	}
	return at
}

// seekInterval is how often a copy without server looks for one.
const seekInterval = time.Second

// seek looks for a server for a copy that has none.
type seek struct{ recorder *recorder }

func (m seek) handle(c *controller) {
	r := m.recorder
	if r.over || r.state != siprec.StateFailed {
		return
	}
	c.moveCopy(r, "failed")
	if r.over {
		return
	}
	if r.gaveUp && c.focus.pool.take(r.server.Name, time.Now()) {
		r.gaveUp, r.judged = false, false
		c.recorderStep(r, siprec.Retry{})
	}
	c.later(seekInterval, m)
}

// overlap is how much of what was sent last is sent again after a server has vanished: it takes so long at most to know.
const overlap = 3 * time.Second

// watchInterval is how often the media of recorders are looked at.
const watchInterval = 500 * time.Millisecond

// deafLooks is how many looks in a row must find that nobody listens.
const deafLooks = 2

// watch looks at the media from time to time, as long as somebody records.
func (c *controller) watch() {
	if !c.watching && len(c.recorders) > 0 {
		c.watching = true
		c.later(watchInterval, watchMedia{})
	}
}

type watchMedia struct{}

func (watchMedia) handle(c *controller) {
	c.watching = false
	for _, r := range slices.Clone(c.recorders) {
		c.look(r)
		c.spoolWaiting(r)
		if r.late() && r.ending == nil {
			c.desire(r)
		}
	}
	c.watch()
}

// look finds out whether anybody listens at the server: the host of one that has died refuses its packets. That is known
// long before a request in the dialog would time out.
func (c *controller) look(r *recorder) {
	c.weigh(r)
	c.attend(r, time.Now())
	var refused uint64
	recording, _ := c.machine.State().Recording(r.recording)
	for _, s := range r.streams {
		if !s.started {
			continue
		}
		refused += s.refusedSince(s.session.Stats().Refused)
	}
	if silent := !recording.Paused && r.unheard(); silent != r.silent { // in a pause nothing comes that could be reported
		r.silent = silent
		if silent { // SR-ERR-13: some recorders never send reports, so this is for the operator only
			c.recorderAlarm(r, siprec.Alarm{Kind: siprec.AlarmSilent, Detail: "no receiver reports any more"})
		}
	}
	if refused > r.refused {
		r.deaf++
	} else {
		r.deaf = 0
	}
	r.refused = refused
	if r.deaf < deafLooks {
		return
	}
	r.deaf = 0
	r.proof.refused = true
	c.endRecorderDialog(r, siprec.Message{Headers: []siprec.Header{{Name: "Reason", Value: `SIP;cause=503;text="Media refused"`}}}, farewellPatience, nil)
	c.recorderStep(r, siprec.TransportFailed{Reason: "nobody listens to the media"})
}

// refusedSince is how many packets of a stream were refused since the server takes it, by the count of all. What is new in the first looks is of the
// server before: the socket tells of the last packets to it when the next ones are sent, seconds later where it was dead that long.
func (s *recorded) refusedSince(all uint64) uint64 {
	if s.looks < deafLooks {
		s.looks++
		s.refused = all
	}
	return all - s.refused
}

// unheard tells that no receiver reports what comes of the streams that flow.
func (r *recorder) unheard() bool {
	flowing := false
	for _, s := range r.streams {
		if !s.started {
			continue
		}
		if flowing = true; !s.session.Stats().RemoteGone {
			return false
		}
	}
	return flowing
}

// newRecorder is a session to be, with all streams of the one that it takes over.
func (c *controller) newRecorder(r *conference.Recording, server Recorder, from *recorder) *recorder {
	rec := &recorder{
		recording: r.ID, modes: profileModes(server.Profile.Layout, r.Modes), server: server, since: time.Now(),
		sides: map[conference.ParticipantID]side{},
	}
	if r.Config != nil {
		rec.sidebars, rec.pair = r.Config.Sidebars, r.Config.Pair
	}
	if from != nil {
		rec.streams, rec.texts, rec.account = from.streams, from.texts, from.account
		rec.first, rec.sides, rec.round = from.first, from.sides, from.round
		rec.since = from.keptSince(rec.since.Add(-from.doubted)) // from then on it gets everything
		rec.wanted, rec.ending, from.ending = from.wanted, from.ending, nil
		from.streams, from.texts, from.moved = map[string]*recorded{}, map[string]*recordedText{}, true
	} else {
		rec.streams, rec.texts = map[string]*recorded{}, map[string]*recordedText{}
		rec.account = c.focus.assurance.newCopy(c.account(r))
	}
	return rec
}

// join lets a session begin.
func (c *controller) join(r *recorder) {
	c.recorders = append(c.recorders, r)
	c.focus.pool.opened(r.server.Name)
	if r.ending != nil {
		d := r.rest()
		d.Late = c.unnamed(r, false)
		c.recorderStep(r, d)
		return
	}
	c.desire(r)
}

// taps adds the streams that the server takes.
func (r *recorder) taps(list []tap, encode bool) []tap {
	for _, s := range r.streams {
		if s.linger == nil && (s.started || s.capture.kept != nil && r.client.Awaited(s.key)) {
			list = append(list, tap{
				Member: s.member, Out: s.out(), Format: s.format, Recording: r.recording, Participant: s.participant, Sidebar: s.sidebar, Side: s.side,
				Pair: r.pair, First: r.first,
				Silence: s.silence, Verbatim: s.participant != "" && !encode, Stereo: s.stereo,
			})
		}
	}
	return list
}

// recorderAddress is where recorded streams come from.
func (c *controller) recorderAddress(server Recorder) (netip.Addr, error) {
	var bound netip.Addr
	for _, p := range c.participants {
		if p.session != nil {
			bound = p.session.LocalAddr().Addr()
			break
		}
	}
	target, err := sipua.ParseURI(server.URI)
	if err != nil {
		return netip.Addr{}, err
	}
	address := c.focus.mediaAddress(bound, hostAddress(target))
	if !address.IsValid() {
		return address, errors.New("no media address")
	}
	return address, nil
}
