package media

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"sync/atomic"
)

// spokenRoom is how many contributing sources a session remembers that it has sent.
const spokenRoom = 15

// spoken are the contributing sources that a far end has seen in packets of ours: those that reports have to name, and to say BYE for
// (RFC 3550, section 7.3), and no others. The tick writes, the service goroutine reads and forgets.
type spoken struct {
	list [spokenRoom]atomic.Uint32 // 0: none
	at   uint8                     // the tick's: where the next one goes
}

// note remembers a source. It belongs to the tick.
func (s *spoken) note(ssrc uint32) {
	for i := range s.list {
		if s.list[i].Load() == ssrc {
			return
		}
	}
	s.list[s.at%spokenRoom].Store(ssrc)
	s.at++
}

// lately are the sources that were noted last, which are those of nearly all packets: so that spoken itself, which is seldom used otherwise, need
// not be looked at. It belongs to the tick.
type lately struct {
	list    [4]uint32
	at      uint8
	forgets uint32
}

// noteSpoken remembers a source that a packet names.
func (s *Session) noteSpoken(ssrc uint32) {
	known := &s.out.lately
	if forgets := s.shared.forgets.Load(); forgets != known.forgets { // perhaps one of those
		*known = lately{forgets: forgets}
	}
	for _, one := range known.list {
		if one == ssrc {
			return
		}
	}
	s.shared.spoken.note(ssrc)
	known.list[known.at%uint8(len(known.list))] = ssrc
	known.at++
}

// forgetSpoken forgets a source, and reports whether it was known. It does not belong to the tick.
func (s *Session) forgetSpoken(ssrc uint32) bool {
	if !s.shared.spoken.forget(ssrc) {
		return false
	}
	s.shared.forgets.Add(1)
	return true
}

// sources are all that are remembered.
func (s *spoken) sources() []uint32 {
	all := make([]uint32, 0, spokenRoom)
	for i := range s.list {
		if ssrc := s.list[i].Load(); ssrc != 0 {
			all = append(all, ssrc)
		}
	}
	return all
}

// forget forgets a source, and reports whether it was known.
func (s *spoken) forget(ssrc uint32) bool {
	for i := range s.list {
		if s.list[i].CompareAndSwap(ssrc, 0) {
			return true
		}
	}
	return false
}

// pseudonym is the CNAME of a source of another far end: always the same, and nothing of what that one says of itself (RFC 7022, section 4.2).
func (v *service) pseudonym(ssrc uint32) string {
	var seed [len(v.secret) + 4]byte
	copy(seed[:], v.secret[:])
	binary.BigEndian.PutUint32(seed[len(v.secret):], ssrc)
	sum := sha256.Sum256(seed[:])
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// goneRoom is how many far ends that have left are remembered until the reports of all others have been sent.
const goneRoom = 4096

// departures remembers which far ends have left. It belongs to the service goroutine.
type departures struct {
	list  []uint32
	count uint64
}

func (d *departures) add(ssrc uint32) {
	if ssrc == 0 {
		return
	}
	if d.list == nil {
		d.list = make([]uint32, goneRoom)
	}
	d.list[d.count%goneRoom] = ssrc
	d.count++
}

// since calls for all that came after the first n, as far as they are remembered, and returns how many there are.
func (d *departures) since(n uint64, each func(ssrc uint32)) uint64 {
	if d.count > goneRoom {
		n = max(n, d.count-goneRoom)
	}
	for ; n < d.count; n++ {
		each(d.list[n%goneRoom])
	}
	return d.count
}

// leavers are the sources that the far end of a session has seen and that have left since its last report.
func (v *service) leavers(s *Session) (gone []uint32) {
	s.report.goneSeen = v.gone.since(s.report.goneSeen, func(ssrc uint32) {
		if s.forgetSpoken(ssrc) && !slices.Contains(gone, ssrc) {
			gone = append(gone, ssrc)
		}
	})
	return gone
}

// others are the sources that the far end has seen, if nobody has said what they are called: those of [Session.SetContributors] are all
// that a far end for which it is used is told of.
func (s *Session) others() []uint32 {
	if s.contributors != nil {
		return nil
	}
	return s.shared.spoken.sources()
}
