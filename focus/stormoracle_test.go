package focus_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parley-sip/parley/mixer"
	"github.com/parley-sip/parley/siprec"
)

const (
	// stormDelay is how long what is said may take until it is mixed: to the end of its tick, and in the jitter buffer.
	stormDelay = 140 * time.Millisecond
	// stormLate is how late it may be to be somebody's, and nothing that was made up.
	stormLate = 400 * time.Millisecond
	// stormSettle is how long a phone may take until it is heard again after it has changed how it sends.
	stormSettle = 400 * time.Millisecond
	// stormNamed is how long it may take until a document tells of somebody, as one may be on its way, to a server that dawdles.
	stormNamed = 3500 * time.Millisecond
)

// stormOracle tells who should have been heard where.
type stormOracle struct {
	s     *storm
	facts *stormFacts
	tally map[string]int
	wrong map[string][]string // the first of each kind
}

func key(what string, voice int) string { return fmt.Sprintf("%s/%d", what, voice) }

func (o *stormOracle) fault(kind, format string, args ...any) {
	o.tally["WRONG "+kind]++
	if len(o.wrong[kind]) < 8 {
		o.wrong[kind] = append(o.wrong[kind], fmt.Sprintf(format, args...))
	}
}

// speaks tells whether a voice is let into any mix of its conference.
func speaks(l *stormLook, voice int) bool {
	return l.is(key("in", voice)) != "" && l.is(key("muted", voice)) != "yes" && l.is(key("held", voice)) != "yes" && l.is(key("direction", voice)) == "sendrecv"
}

// hears tells whether one hears another.
func hears(l *stormLook, listener, voice int) bool {
	in, direction := l.is(key("in", listener)), l.is(key("direction", listener))
	if in == "" || in != l.is(key("in", voice)) || !speaks(l, voice) || l.is(key("deafened", listener)) == "yes" || l.is(key("held", listener)) == "yes" ||
		direction != "sendrecv" && direction != "recvonly" {
		return false
	}
	if whom := l.is(key("coaching", voice)); whom != "" {
		return whom == l.is(key("id", listener))
	}
	from, at := l.is(key("aside", voice)), l.is(key("aside", listener))
	return from == at || from == "" && l.is("open/"+at) == "yes"
}

// recordedIn is the sidebar, or "main" for the conference, in whose streams a voice may be; "": in none.
func recordedIn(l *stormLook, voice int) (conf, where string) {
	conf = l.is(key("in", voice))
	if conf == "" || !speaks(l, voice) || l.is(key("coaching", voice)) != "" || l.is(key("unrecorded", voice)) == "yes" || l.is(key("masked", voice)) == "yes" ||
		l.is("recording/"+conf) != "on" {
		return conf, ""
	}
	if aside := l.is(key("aside", voice)); aside != "" {
		return conf, aside
	}
	return conf, "main"
}

// checkPhones compares what each phone has heard with what it should have.
func (o *stormOracle) checkPhones() {
	for _, p := range o.s.phones {
		heard, garbled := map[stormPart]bool{}, map[stormPart]bool{}
		for _, frame := range p.heard {
			if !p.peers[frame.from] { // somebody has had the port before
				continue
			}
			for _, part := range frame.parts {
				if late := frame.at.Sub(o.s.said(part.n)); part.n < 0 || late < 0 || late > stormLate || !o.s.phones[part.voice].said[part.n] {
					o.tally["phones: garbled"]++
					for n := range 12 { // what he may have said
						garbled[stormPart{part.voice, int(frame.at.Sub(o.s.b.origin)/mixer.TickPeriod) - n}] = true
					}
					continue
				}
				heard[part] = true
				from := frame.at.Add(-25 * time.Millisecond) // mixed in between
				look := stormLook{facts: o.facts, from: from, to: frame.at}
				may := hears(&look, p.voice, part.voice)
				if look.unsure {
					o.tally["phones: unsure"]++
					continue
				}
				o.tally["phones: judged"]++
				if !may {
					o.fault("heard", "%s hears v%d (%d) at %v: %s", p.name, part.voice, part.n, o.s.since(frame.at), o.situation(frame.at, p.voice, part.voice))
				}
			}
		}
		for _, q := range o.s.phones {
			if p == q {
				continue
			}
			for _, n := range slices.Sorted(maps.Keys(q.said)) {
				from := o.s.said(n)
				if part := (stormPart{q.voice, n}); garbled[part] && !heard[part] { // half of somebody else's frame, faded out, is like any tone
					o.tally["phones: cannot be read"]++
					continue
				}
				look := stormLook{facts: o.facts, from: from.Add(-40 * time.Millisecond), to: from.Add(stormDelay + 60*time.Millisecond)}
				must := hears(&look, p.voice, q.voice) && o.steady(p.voice, from) && o.steady(q.voice, from)
				if look.unsure || !must {
					continue
				}
				o.tally["phones: must"]++
				if !heard[stormPart{q.voice, n}] {
					o.fault("unheard", "%s does not hear v%d (%d) said at %v: %s", p.name, q.voice, n, o.s.since(from), o.situation(from, p.voice, q.voice))
				}
			}
		}
	}
}

// steady tells whether a phone has sent the same way for a while.
func (o *stormOracle) steady(voice int, at time.Time) bool {
	value, certain := o.facts.during(key("unsteady", voice), at.Add(-stormSettle), at.Add(stormDelay))
	_, still := o.facts.during(key("pressing", voice), at.Add(-stormSettle), at.Add(stormDelay))
	return certain && still && value != "yes"
}

// situation is for who looks for the cause.
func (o *stormOracle) situation(at time.Time, voices ...int) string {
	var out strings.Builder
	for _, voice := range voices {
		fmt.Fprintf(&out, " v%d{", voice)
		for _, fact := range []string{"in", "muted", "deafened", "held", "direction", "unrecorded", "masked", "aside", "coaching", "told", "state"} {
			list := o.facts.spans[key(fact, voice)]
			for _, span := range slices.Backward(list) {
				if !span.from.After(at) {
					if span.value != "" && span.value != "no" || at.Sub(span.from) < time.Second {
						fmt.Fprintf(&out, "%s=%s for %v, ", fact, span.value, at.Sub(span.from).Truncate(time.Millisecond))
					}
					break
				}
			}
		}
		out.WriteString("}")
	}
	return out.String()
}

// checkRecordings compares what servers have got with what they should have.
func (o *stormOracle) checkRecordings() {
	streams, names, apart := map[stormPart]map[siprec.ID]bool{}, map[siprec.ID]string{}, map[siprec.ID]bool{}
	each := func(do func(*stormSession, *stormStream, stormRecorded, stormPart)) {
		for _, session := range o.s.sessions() {
			for _, stream := range session.heard(o.s.mains) {
				for _, frame := range stream.frames {
					for _, part := range frame.parts {
						do(session, stream, frame, part)
					}
				}
			}
		}
	}
	each(func(session *stormSession, stream *stormStream, frame stormRecorded, part stormPart) {
		names[frame.stream] = session.name + "/" + stream.label
		apart[frame.stream] = o.s.plan.merge && session.delivers(&session.known[0].metadata)
		if part.n < 0 {
			return
		}
		if streams[part] == nil {
			streams[part] = map[siprec.ID]bool{}
		}
		streams[part][frame.stream] = true
	})
	// What is by itself, without the frame before and the one behind, is another that was misread: a sum of tones while they fade.
	alone := func(part stormPart, stream siprec.ID) bool {
		return !streams[stormPart{part.voice, part.n - 1}][stream] && !streams[stormPart{part.voice, part.n + 1}][stream]
	}
	each(func(session *stormSession, stream *stormStream, frame stormRecorded, part stormPart) {
		if part.n >= 0 && alone(part, frame.stream) {
			o.tally["recordings: alone"]++
			return
		}
		o.judge(session, stream, frame, part)
	})
	unread := map[stormPart]map[siprec.ID]bool{}
	for _, session := range o.s.sessions() {
		for _, stream := range session.heard(o.s.mains) {
			stream.unread(o.s.b.origin, func(frame stormRecorded, part stormPart) {
				if unread[part] == nil {
					unread[part] = map[siprec.ID]bool{}
				}
				unread[part][frame.stream] = true
			})
		}
	}
	missing := 0
	var run stormRun
	defer func() { o.report(run) }()
	for _, q := range o.s.phones {
		for _, n := range slices.Sorted(maps.Keys(q.said)) {
			from := o.s.said(n)
			look := stormLook{facts: o.facts, from: from.Add(-40 * time.Millisecond), to: from.Add(stormDelay + 60*time.Millisecond)}
			conf, where := recordedIn(&look, q.voice)
			told, captures := look.is(key("told", q.voice)), look.is("captures/"+conf)
			copies, _ := strconv.Atoi(look.is("copies/" + conf))
			want := o.s.plan.streams(conf) * min(o.s.plan.copies, copies)
			if look.unsure || where == "" || o.s.died != nil && !o.onDisk(conf, from) || where != "main" && !o.s.plan.sidebars || told != "on" || captures != "yes" || !o.steady(q.voice, from) {
				continue
			}
			o.tally["recordings: must"] += want
			count := func(n int) int { return len(streams[stormPart{q.voice, n}]) }
			// What was sent in a line that conferences share, and may not have arrived, is delivered again in a stream of the conference alone (ADR 114).
			twice := func(n int) bool {
				alone := 0
				for id := range streams[stormPart{q.voice, n}] {
					if apart[id] {
						alone++
					}
				}
				return max(alone, count(n)-alone) > want
			}
			garbled := 0 // it is in so many streams at most, and cannot be read there
			for id := range unread[stormPart{q.voice, n}] {
				if !streams[stormPart{q.voice, n}][id] {
					garbled++
				}
			}
			switch got := count(n); {
			case got < want && got+garbled >= want:
				o.tally["recordings: cannot be read"]++
			case got < want && o.likeKey(conf, q.voice) && max(count(n-1), count(n-2)) >= want && max(count(n+1), count(n+2)) >= want:
				o.tally["recordings: like a key"]++
			case got < want:
				missing += want - got
				this := stormRun{voice: q.voice, got: got, want: want, conf: conf, where: where, first: n, last: n}
				for id := range streams[stormPart{q.voice, n}] {
					this.all = append(this.all, names[id])
				}
				if this.first = run.first; run.voice != q.voice || run.got != got || run.conf != conf || run.where != where || n > run.last+20 {
					o.report(run)
					this.first = n
				}
				run = this
			case twice(n) && twice(n-1) && twice(n+1):
				o.fault("twice", "v%d (%d) said at %v is in %d streams instead of %d of %s, %s: %s", q.voice, n, o.s.since(from), got, want, conf, where, o.situation(from, q.voice))
			}
		}
	}
	o.tally["recordings: missing"] = missing
}

// stormRun are frames one after the other of which something is missing.
type stormRun struct {
	voice, got, want, first, last int
	conf, where                   string
	all                           []string // the servers and labels of the streams that have the last
}

func (o *stormOracle) report(r stormRun) {
	if r.want > 0 {
		from := o.s.said(r.last)
		o.fault("unrecorded", "v%d said from %v to %v is in %d of %d streams of %s, %s, %v: %s", r.voice, o.s.since(o.s.said(r.first)), o.s.since(from), r.got, r.want, r.conf, r.where,
			r.all, o.situation(from, r.voice))
	}
}

// judge tells whether a voice may be in a frame of a stream.
func (o *stormOracle) judge(session *stormSession, stream *stormStream, frame stormRecorded, part stormPart) {
	if part.n < 0 || !o.s.phones[part.voice].said[part.n] || o.s.said(part.n).After(frame.at) {
		o.tally["recordings: garbled"]++
		return
	}
	if !frame.senders[fmt.Sprintf("v%d", part.voice)] {
		o.tally["recordings: of a sender that is not told"]++
		late := frame.at.Add(stormNamed)
		// Else the recording has ended before anything could be told.
		same := stormLook{facts: o.facts, from: o.s.said(part.n), to: o.s.said(part.n).Add(stormNamed)}
		if same.is("recording/"+frame.conf) == "on" && !same.unsure && session.known[len(session.known)-1].at.After(late) && stream.frames[len(stream.frames)-1].at.After(late) { // a later document could have told
			o.fault("unnamed", "v%d (%d) said at %v is in stream %s of %s (%s, %s), which came at %v: %s", part.voice, part.n, o.s.since(o.s.said(part.n)), stream.label,
				session.name, frame.conf, frame.place, o.s.since(frame.at), o.situation(o.s.said(part.n), part.voice))
		}
	}
	from := o.s.said(part.n)
	look := stormLook{facts: o.facts, from: from, to: from.Add(stormDelay)}
	conf, where := recordedIn(&look, part.voice)
	if look.unsure {
		o.tally["recordings: unsure"]++
		return
	}
	o.tally["recordings: judged"]++
	in := frame.place
	if in == "" {
		o.tally["recordings: without place"]++
	}
	if where == "" || in != "" && (conf != frame.conf || (where == "main") != (in == "main")) {
		o.fault("leaked", "v%d (%d) said at %v is in stream %s of %s (%s, %s), which came at %v: belongs to %s %q: %s", part.voice, part.n, o.s.since(from), stream.label, session.name,
			frame.conf, in, o.s.since(frame.at), conf, where, o.situation(from, part.voice))
	}
}
