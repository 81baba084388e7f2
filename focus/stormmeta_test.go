package focus_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/parley-sip/parley/siprec"
)

// How long it may take until a document tells of something: one that the recorder takes at once, and one that dawdles, is refused and is made again.
const (
	stormKnows     = 1500 * time.Millisecond
	stormKnowsLate = 6 * time.Second
)

// before is since when something has to have been so to be known at a time.
func (t *stormTold) before(at time.Time) time.Time {
	if t.o.s.plan.rough {
		return at.Add(-stormKnowsLate)
	}
	return at.Add(-stormKnows)
}

// checkMetadata compares what recorders have been told with what was so: each document together with those before it, when it came, and just before the
// next one did.
func (o *stormOracle) checkMetadata() {
	for _, session := range o.s.sessions() {
		for i, known := range session.known {
			for _, issue := range siprec.Verify(known.metadata.WithoutLabels(), nil) {
				o.fault("metadata", "merged at %v at %s: %+v", o.s.since(known.at), session.name, issue)
			}
			told := stormTold{o: o, session: session, known: &session.known[i], late: session.delivers(&known.metadata)}
			told.times()
			until := session.over
			if told.late || !until.IsZero() && known.at.After(until) {
				continue
			}
			told.judge(known.at)
			if i+1 < len(session.known) && (until.IsZero() || session.known[i+1].at.Before(until)) {
				until = session.known[i+1].at
			}
			if !until.IsZero() && until.Sub(known.at) > time.Millisecond {
				told.judge(until.Add(-time.Millisecond))
			}
		}
	}
}

// delivers tells whether a session is of the spool.
func (s *stormSession) delivers(d *siprec.Recording) bool {
	return slices.ContainsFunc(d.Sessions, func(c siprec.Session) bool {
		return slices.ContainsFunc(c.Extensions, func(e siprec.Extension) bool { return strings.Contains(string(e), "recording:replay") })
	})
}

// stormTold is what one recorder knows at a time.
type stormTold struct {
	o       *stormOracle
	session *stormSession
	known   *stormKnown
	late    bool // it is delivered from the spool
}

func (t *stormTold) fault(at time.Time, format string, args ...any) {
	t.o.fault("metadata", "%s is told at %v, and knows at %v: %s", t.session.name, t.o.s.since(t.known.at), t.o.s.since(at), fmt.Sprintf(format, args...))
}

// times checks those that do not depend on what was done.
func (t *stormTold) times() {
	d, now := &t.known.metadata, t.known.at
	future := func(what string, times ...time.Time) {
		for _, at := range times {
			if at.After(now) {
				t.fault(now, "%s at %v", what, t.o.s.since(at))
			}
		}
	}
	for _, s := range d.Sessions {
		future("session", s.Start, s.Stop)
		for _, a := range d.SessionRecordings {
			if a.Session == s.ID {
				future("recording", a.Associate, a.Disassociate)
				t.within("recording", s, a.Associate, a.Disassociate)
			}
		}
		for _, a := range d.ParticipantSessions {
			if a.Session == s.ID {
				future(nameIn(d, a.Participant), a.Associate, a.Disassociate)
				t.within(nameIn(d, a.Participant), s, a.Associate, a.Disassociate)
			}
		}
	}
	for _, a := range d.ParticipantStreams {
		future("streams of "+nameIn(d, a.Participant), a.Associate, a.Disassociate)
	}
}

func (t *stormTold) within(what string, s siprec.Session, from, to time.Time) {
	if from.Before(s.Start) || !s.Stop.IsZero() && (from.After(s.Stop) || to.After(s.Stop)) {
		t.fault(t.known.at, "%s from %v to %v in a session from %v to %v", what, t.o.s.since(from), t.o.s.since(to), t.o.s.since(s.Start), t.o.s.since(s.Stop))
	}
}

// judge compares what is known at a time with what has been so for a while.
func (t *stormTold) judge(at time.Time) {
	d := &t.known.metadata
	for _, s := range d.Sessions {
		conf := conferenceOf(d, s.ID)
		main, lives := t.o.s.mains[s.ID.Text()], s.Stop.IsZero()
		for _, a := range d.SessionRecordings {
			lives = lives && (a.Session != s.ID || a.Disassociate.IsZero())
		}
		look := stormLook{facts: t.o.facts, from: t.before(at), to: at}
		if recording := look.is("recording/" + conf); !lives || !main || conf == "" || recording == "off" || look.unsure || !t.o.anybody(conf, at) {
			continue // or it is ending, and what is on its way goes first
		}
		for voice := range stormVoices {
			t.judgeVoice(at, s.ID, conf, voice)
		}
	}
}

// anybody tells whether there was somebody in a conference.
func (o *stormOracle) anybody(conf string, at time.Time) bool {
	for voice := range stormVoices {
		if in, certain := o.facts.during(key("in", voice), at, at); certain && in == conf {
			return true
		}
	}
	return false
}

func (t *stormTold) judgeVoice(at time.Time, session siprec.ID, conf string, voice int) {
	look := stormLook{facts: t.o.facts, from: t.before(at), to: at}
	in, aside, sidebars := look.is(key("in", voice)), look.is(key("aside", voice)), t.o.s.plan.sidebars
	should := in == conf && (aside == "" || !sidebars || look.is("open/"+aside) == "yes")
	if look.unsure {
		t.o.tally["metadata: unsure"]++
		return
	}
	d := &t.known.metadata
	var there []siprec.ParticipantSession
	for _, a := range d.ParticipantSessions {
		if a.Session == session && a.Disassociate.IsZero() && nameIn(d, a.Participant) == fmt.Sprintf("v%d", voice) {
			there = append(there, a)
		}
	}
	t.o.tally["metadata: judged"]++
	if (len(there) > 0) != should || len(there) > 1 {
		t.fault(at, "v%d is in %s %d times: %s", voice, conf, len(there), t.o.situation(at, voice))
		return
	}
	if !should {
		return
	}
	if since := there[0].Associate; !t.o.changed(since, key("in", voice), key("aside", voice)) && !t.o.opened(since) {
		t.fault(at, "v%d is in %s since %v, when he did not come: %s", voice, conf, t.o.s.since(since), t.o.situation(at, voice))
	}
	t.judgeStreams(at, &look, session, conf, voice, there[0].Participant)
}

// changed tells whether one of some facts changed about a time.
func (o *stormOracle) changed(at time.Time, facts ...string) bool {
	for _, fact := range facts {
		var from time.Time
		for _, span := range o.facts.spans[fact] {
			if !at.Before(from.Add(-time.Millisecond)) && !at.After(span.from) { // times in documents are cut to milliseconds
				return true
			}
			from = span.to
		}
	}
	return false
}

// opened tells whether a sidebar was let hear the conference about a time, or not any more.
func (o *stormOracle) opened(at time.Time) bool {
	return slices.ContainsFunc(slices.Collect(maps.Keys(o.facts.spans)), func(fact string) bool { return strings.HasPrefix(fact, "open/") && o.changed(at, fact) })
}

// judgeStreams tells whether somebody is said to feed and hear what he does.
func (t *stormTold) judgeStreams(at time.Time, look *stormLook, session siprec.ID, conf string, voice int, id siprec.ID) {
	if t.o.s.plan.merge && look.is("recording/"+conf) != "on" { // a line that conferences share is of those that are not paused
		return
	}
	d := &t.known.metadata
	sends, receives, streams := 0, 0, 0
	for _, s := range d.Streams {
		if s.Session != session && s.Session != "" { // of none is one that conferences share
			continue
		}
		streams++
		for _, a := range d.ParticipantStreams {
			if a.Participant == id && slices.Contains(a.Send, s.ID) {
				sends++
			}
			if a.Participant == id && slices.Contains(a.Recv, s.ID) {
				receives++
			}
		}
	}
	feeds := speaks(look, voice) && look.is(key("coaching", voice)) == "" && look.is(key("unrecorded", voice)) != "yes" && look.is(key("masked", voice)) != "yes" &&
		look.is(key("aside", voice)) == ""
	if !look.unsure {
		want := 0
		if feeds {
			want = t.o.s.plan.streams(conf)
		}
		t.o.tally["metadata: streams"]++
		late := sends > want && at.Sub(t.known.at) < stormNamed // named once, as he is in what was captured before
		if sends != want && !late {
			t.fault(at, "v%d feeds %d streams of %s instead of %d: %s", voice, sends, conf, want, t.o.situation(at, voice))
		}
	}
	direction := look.is(key("direction", voice))
	deaf := look.is(key("deafened", voice)) == "yes" || look.is(key("held", voice)) == "yes" || direction != "sendrecv" && direction != "recvonly"
	if !look.unsure && deaf && receives > 0 {
		t.fault(at, "v%d hears %d streams of %s and should not: %s", voice, receives, conf, t.o.situation(at, voice))
	}
}
