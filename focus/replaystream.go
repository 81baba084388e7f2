package focus

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/siprec"
)

// replaySpan is the element in the metadata of a session that marks it as delivered later, and tells from when it is.
func replaySpan(from, to time.Time) siprec.Extension {
	const layout = "2006-01-02T15:04:05.000000Z" // cut, not rounded: nothing is of before
	return siprec.Extension(fmt.Sprintf(`<replay xmlns="urn:parley:recording:replay:1" from="%s" to="%s"/>`, from.UTC().Format(layout), to.UTC().Format(layout)))
}

// newReplayStream opens the media of a stream.
func (f *Focus) newReplayStream(declared *spoolStream) (s *replayStream, err error) {
	s = &replayStream{changes: make(chan codecs.Format, 1), single: declared.Participant != "", age: declared.Age}
	if declared.Text {
		s.text, err = f.media.OpenText(media.TextOptions{})
	} else {
		s.session, err = f.media.Open(media.Options{})
	}
	return s, err
}

// local is where its packets come from.
func (s *replayStream) local() netip.AddrPort {
	if s.text != nil {
		return s.text.LocalAddr()
	}
	return s.session.LocalAddr()
}

// present are those of a roster who were there by the time of the last frame: it was written when the segment ended, which may be later. Who has come again
// since was there before, too, if there is a stream of his.
func (s *spooled) present(roster []siprec.RosterParticipant) []siprec.RosterParticipant {
	list := make([]siprec.RosterParticipant, 0, len(roster))
	for _, q := range roster {
		if !q.Focus && q.Joined.After(s.last) {
			if !slices.ContainsFunc(s.streams, func(t spoolStream) bool { return t.Participant == q.ID }) {
				continue
			}
			q.Joined, q.Left = s.first, time.Time{}
		}
		list = append(list, q)
	}
	return list
}
