package focus

import (
	"slices"
	"time"

	"github.com/parley-sip/parley/siprec"
)

// proof is what is known of whether a recording server has been there, in one dialog. What it was sent before a request that it has answered itself has
// found somebody; of anything later that is not known, as long as the server does not answer to a request that goes out after it.
type proof struct {
	there    time.Time // it was there then; zero: nothing has been sent to it
	exchange uint32    // of the last request
	at       time.Time // of that request
	open     time.Time // of the first request that it has not answered itself; zero: there is none
	silent   bool      // nobody has answered the last request at all
	reported time.Time // what was sent before has come, by the last report of its media; zero: there was none
	probed   time.Time // of the last OPTIONS that it has answered
	missed   time.Time // of the first OPTIONS that it has not answered since then; zero: it has answered the last
	refused  bool      // its host has told that nobody listens
	unknown  bool      // it has said that it knows of no such dialog
	spared   bool      // it has taken too long for a change, and has not answered to another one since then
}

// answers is what probes have told of a server.
type answers struct {
	answered time.Time // when the last one went out that it has answered; zero: it has answered none
	missed   time.Time // when the first one went out that it has not answered since then; zero: it has answered the last
}

// reportsDue is for how long a server that has reported may be silent: some intervals of reports (RFC 3550, section 6.2).
const reportsDue = 20 * time.Second

// asks notes a request in the dialog.
func (p *proof) asks(exchange uint32, now time.Time) {
	p.exchange, p.at, p.silent = exchange, now, true
	if p.open.IsZero() {
		p.open = now
	}
}

// hears takes what comes from the server, or does not.
func (p *proof) hears(e siprec.Event, now time.Time) {
	switch e := e.(type) {
	case siprec.Answered:
		known := e.Exchange == p.exchange && p.exchange != 0
		p.silent = p.silent && (!known || e.Status == statusCanceled) // that is of our CANCEL
		p.unknown = p.unknown || known && e.Status == statusNoDialog
		switch {
		case known && answersItself(e.Status):
			p.there, p.open, p.spared = latest(p.there, p.at), time.Time{}, false
		case !known && e.Status < 300: // to the INVITE
			*p = proof{there: now}
		}
	case siprec.PeerAck, siprec.PeerOffer, siprec.PeerBye:
		p.there = now
	}
}

// known is what probes have told of a server.
func (p *recorderPool) known(name string) answers {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.probed[name]
}

// signs takes what its media and its answers to OPTIONS tell. The latter come of who may have begun anew, and count where there are no reports.
func (p *proof) signs(reported time.Time, probed answers) {
	if reported.After(p.there) {
		p.reported = latest(p.reported, reported)
	}
	if probed.answered.After(p.there) && p.reported.IsZero() {
		p.probed = probed.answered
	}
	p.missed = probed.missed
}

// silence is for how long a server has given no sign of life that was to be expected: there have been reports, or a request or OPTIONS is not answered at
// once.
func (p *proof) silence(now time.Time) time.Duration {
	if !p.reported.IsZero() {
		return now.Sub(latest(p.there, p.reported))
	}
	asked := p.open
	if !p.probed.IsZero() && p.missed.After(p.there) {
		asked = earliest(asked, p.missed)
	}
	if asked.IsZero() || now.Sub(asked) < time.Second {
		return 0
	}
	return now.Sub(asked)
}

// since is the time from which on what was sent may have found nobody, when the server turns out to be gone: when it gave the last sign of life. Where its
// host refuses the media that takes so long at most to know; or the first request tells that it has not answered.
func (p *proof) since(now time.Time) time.Time {
	if p.there.IsZero() {
		return now
	}
	sign := latest(p.there, p.reported)
	if p.reported.IsZero() && !p.unknown {
		sign = latest(sign, p.probed)
	}
	if p.refused && (p.reported.IsZero() || now.Sub(sign) < reportsDue) {
		known := now
		if !p.open.IsZero() && p.open.Before(now) {
			known = p.open
		}
		sign = latest(sign, known.Add(-overlap))
	}
	return sign
}

// statusNoDialog is that of who does not know a dialog (RFC 3261, section 12.2.2).
const statusNoDialog = 481

// answersItself tells whether the status of a response to a change is of a server that knows the session. Others are as well of somebody on the way to
// it, a proxy or its own SIP stack, which may have outlived what records: 487 comes of our CANCEL, and 481 of one that has begun anew.
func answersItself(status int) bool {
	switch status {
	case 404, 407, 408, 410, 480, statusNoDialog, statusCanceled:
		return false
	}
	return status < 500
}

// there is until when it is known that the server of a session was there.
func (r *recorder) there() time.Time {
	if l, lent := r.client.(*lease); lent {
		return l.there()
	}
	return r.proof.there
}

// doubtful is since when what the server was sent may have found nobody, if it is gone now.
func (r *recorder) doubtful(now time.Time) time.Time {
	if l, lent := r.client.(*lease); lent {
		return l.doubtful(now)
	}
	return r.proof.since(now)
}

// attend takes what tells that the server of a session is there, and notes how far what is sent has come.
func (c *controller) attend(r *recorder, now time.Time) {
	var reported time.Time
	growing := 0
	follow := func(s *recorded, p *proof) {
		if !s.ownKept() {
			return
		}
		s.capture.mark(now)
		s.capture.follow(s.left(latest(p.there, p.reported)), s.left(p.at), s.left(p.probed))
		if growing < maxGrowing && s.capture.fit(c.focus, p.silence(now), now) {
			growing++
		}
	}
	for _, s := range r.streams {
		reported = latest(reported, s.session.Reported())
	}
	for _, s := range r.parting {
		reported = latest(reported, s.stream.session.Reported())
	}
	probed := c.focus.pool.known(r.server.Name)
	p := &r.proof
	if l, lent := r.client.(*lease); lent {
		known, current := l.listen(reported, probed, now)
		if !current { // what is known is of the next session already, and not of whom it was sent to
			return
		}
		p = &known
	} else {
		p.signs(reported, probed)
	}
	for _, s := range r.streams {
		follow(s, p)
	}
	for _, s := range r.parting {
		follow(s.stream, p)
	}
	for _, t := range r.texts {
		t.capture.prove(latest(p.there, p.reported))
	}
}

// lose has all be sent again that the server of a session may not have got, as the session is lost: what flows or has flowed before a pause, and what
// has ended. It is done once for each dialog.
func (c *controller) lose(r *recorder) {
	now := time.Now()
	c.attend(r, now)
	since := r.doubtful(now)
	r.doubted = now.Sub(since)
	for _, s := range r.streams {
		switch {
		case s.started && s.ownKept() || s.ended().After(since):
			s.doubt(earliest(r.unsure(s), since), r.server.Name)
			if s.linger != nil && s.linger.over {
				s.linger.over = false
				c.drainLater()
			}
		case s.ownKept():
			s.capture.trust()
		}
		s.until, s.named = time.Time{}, nil
		if s.ownKept() {
			s.started, s.looks = false, 0
		}
	}
	for _, t := range r.texts {
		t.named = nil
		t.capture.doubt(since)
	}
	r.left = nil
	c.revive(r, since)
	r.proof = proof{}
}

// unconfirmed are the streams that have stopped, without the server having been heard of since then.
func (r *recorder) unconfirmed() (keys []string) {
	there := r.there()
	for key, s := range r.streams {
		if !s.started && s.ownKept() && s.ended().After(there) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}
