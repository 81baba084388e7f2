package srs

import "time"

// senderReport takes a report of the source that is heard.
func (r *receiver) senderReport(sr senderReport, at time.Duration) error {
	s := r.source
	if s == nil || s.ssrc != sr.ssrc || sr.ntp == 0 || !r.remote.IsValid() {
		return nil
	}
	s.report, s.reportAt, s.reported = sr, at, true
	if !s.begun {
		return nil
	}

	return r.align(s)
}

// align brings the source in line with the others of the same client. The first
// one to have a report says where the client's clock is on the time line.
func (r *receiver) align(s *source) error {
	ts := s.extend(s.report.timestamp)
	ntp := s.report.time()
	began := s.line.began
	delta, known := r.clocks[r.remote.Addr()]
	if c := r.origin.captured; c != 0 && (ntp-c-s.reportAt).Abs() < reachable {
		delta, known = -c, true
	}
	if !known {
		var by int64
		if s.line.any {
			by = s.line.forward(s.line.least)
		}
		by += s.line.kept(ts, s.reportAt)
		s.line.byReport = true
		rate := float64(s.line.rate)
		sample := s.line.place(ts) + s.line.delay
		s.line.mapped = sample - ts*s.line.ratio
		at := time.Duration(float64(sample) / rate * float64(time.Second))
		r.clocks[r.remote.Addr()] = at - ntp
		return r.move(s, began, by)
	}
	at := ntp + delta
	var by int64
	if (at - s.reportAt).Abs() < reachable {
		by = s.line.report(ts, s.line.samples(at), s.next)
	}
	if !s.line.byReport {
		s.reported = false // not believable: wait for the next one
	}

	return r.move(s, began, by)
}
