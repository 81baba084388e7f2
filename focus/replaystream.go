package focus

import (
	"net/netip"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/media"
)

// newReplayStream opens the media of a stream.
func (f *Focus) newReplayStream(declared *spoolStream) (s *replayStream, err error) {
	s = &replayStream{changes: make(chan codecs.Format, 1), single: declared.Participant != ""}
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
