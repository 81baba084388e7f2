package focus

import (
	"cmp"
	"slices"
	"sync"

	"github.com/parley-sip/parley/confevent"
	"github.com/parley-sip/parley/focus/conference"
)

// viewer is a class of subscribers who see the same (RFC 4575, section 8.2).
type viewer uint8

const (
	forAll    viewer = iota // who is in the conference, as far as they want to be seen
	forHosts                // also who is on the way, and the identifiers of calls
	forNobody               // nothing of what is so
)

const (
	keptDepartures = 256 // of which subscribers can still be told how they came about
	keptDocuments  = 16
)

// documents makes the conference documents of one conference, each once for all subscribers who get the same. It is safe for concurrent use.
type documents struct {
	mu       sync.Mutex
	departed []departure // in the order of versions
	made     []made      // the newest last
}

// departure is somebody who has left by the step that made a version.
type departure struct {
	version     uint64
	participant *conference.Participant
}

// made is a document by what it was made of.
type made struct {
	state    *conference.State
	view     view
	afar     *[]confevent.User
	first    uint64 // version of the first departure in it; 0: it has none
	snapshot *confevent.Snapshot
}

// leave remembers who has gone, for those who have not been told yet.
func (d *documents) leave(next *conference.State, watched bool) {
	if len(next.Departed) == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !watched {
		d.departed = nil
		return
	}
	for i := range next.Departed {
		d.departed = append(d.departed, departure{version: next.Version, participant: next.Departed[i]})
	}
	if n := len(d.departed) - keptDepartures; n > 0 {
		d.departed = append([]departure(nil), d.departed[n:]...)
	}
}

// snapshot is the document of a state for subscribers who know the state of a version. It tells whether it shows somebody who has gone, so that another one has to follow.
func (d *documents) snapshot(s *conference.State, since uint64, cfg *ConferenceConfig, who view, afar *[]confevent.User) (_ *confevent.Snapshot, farewell bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	from, _ := slices.BinarySearchFunc(d.departed, since+1, func(v departure, version uint64) int { return cmp.Compare(v.version, version) })
	first := uint64(0)
	if from < len(d.departed) && d.departed[from].version <= s.Version {
		first = d.departed[from].version
	}
	for i := range d.made {
		if m := &d.made[i]; m.state == s && m.view == who && m.afar == afar && m.first == first {
			return m.snapshot, first > 0
		}
	}
	a := aspect{about: &cfg.About, roster: cfg.Roster, view: who, afar: afar}
	for _, v := range d.departed[from:] {
		if v.version <= s.Version {
			a.departed = append(a.departed, v.participant)
		}
	}
	if len(d.made) >= keptDocuments {
		d.made = append(d.made[:0], d.made[1:]...)
	}
	d.made = append(d.made, made{state: s, view: who, afar: afar, first: first, snapshot: confevent.NewLazySnapshot(func() confevent.Document { return who.document(s, a) })})
	return d.made[len(d.made)-1].snapshot, first > 0
}
