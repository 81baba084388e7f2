package srs

import (
	"math"
	"time"
)

// An origin says how much earlier than its session a recording begins: all its files grow at their beginning, alike, when audio comes that
// is older than the session, as after a failover, when the client sends again what the recorder before may not have. It belongs to the goroutine of
// the recording.
type origin struct {
	early time.Duration
	// asking is who needs room.
	asking *receiver
	// captured is the NTP time of the beginning, if the client delivers what it has kept and tells in its reports when that was; 0: it does not.
	captured time.Duration
	// later moves all that is in the files of the recording, and reports whether it did.
	later func(by time.Duration) (bool, error)
}

const (
	// growth is what files grow by, or a multiple of it: a whole number of samples at every rate, and of frames of Opus.
	growth = 100 * time.Millisecond
	// growable is how long files are that grow; later nothing older than the session is expected any more.
	growable = 90 * time.Second
	// none is the place of what is not there.
	none = math.MinInt64 / 2
)

// grow makes room for what is missing, unless that is more than anybody keeps.
func (o *origin) grow(missing time.Duration) error {
	by := (missing + growth - 1).Truncate(growth)
	if o.later == nil || o.early+by > unbelievable+growth {
		return nil
	}
	done, err := o.later(by)
	if done {
		o.early += by
	}

	return err
}

// place is where in the file a place of the time line is; before the file if there is no room.
func (r *receiver) place(s *source, at int64) (int64, error) {
	place := at + s.line.samples(r.origin.early)
	// What a decoder makes late begins early.
	if place >= -s.line.delay {
		return place, nil
	}
	r.origin.asking = r
	err := r.origin.grow(time.Duration(-place) * time.Second / time.Duration(r.rate))

	return at + s.line.samples(r.origin.early), err
}

// shift moves all that is in the file.
func (r *receiver) shift(by time.Duration, closed bool) error {
	samples := int64(by) * int64(r.rate) / int64(time.Second)
	if r.watch != nil {
		r.watch.moved(math.MinInt64, math.MaxInt64, samples)
	}

	return r.file.shift(samples, closed)
}

// later moves what is in the files of all streams, so that they stay in line.
func (r *recording) later(by time.Duration) (bool, error) {
	for _, s := range r.streams {
		file := s.receiver.file
		if time.Duration(file.length())*time.Second/time.Duration(file.fileRate()) > growable {
			return false, nil
		}
	}
	for _, s := range r.streams {
		if err := s.receiver.shift(by, s.closed); err != nil {
			return true, err
		}
		if s.closed {
			continue
		}
		if err := s.dump.note(note{Do: noteMoved, NS: by, Own: s.receiver == s.receiver.origin.asking}); err != nil {
			return true, err
		}
	}

	return true, nil
}
