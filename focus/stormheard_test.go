package focus_test

import (
	"slices"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/siprec"
)

// stormUnread is how many frames before one that has just come at most what is in it was said.
const stormUnread = 6

// heard is all that has come in a session, when it is over.
func (s *stormSession) heard(mains map[string]bool) (list []*stormStream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all != nil {
		return s.all
	}
	defer func() { s.all = list }()
	senders := map[[2]siprec.ID]map[string]bool{}
	for _, known := range s.known {
		for _, stream := range known.metadata.Streams {
			of := [2]siprec.ID{stream.ID, stream.Session}
			if senders[of] == nil {
				senders[of] = map[string]bool{}
			}
			for _, a := range known.metadata.ParticipantStreams {
				for _, id := range a.Send {
					if id == stream.ID {
						senders[of][nameIn(&known.metadata, a.Participant)] = true
					}
				}
			}
		}
	}
	for line, h := range s.streams {
		ours := s.portsOf(line)
		bySource := map[uint32]*stormStream{} // one m-line is that of several streams, one after the other
		pcm := h.pcm
		for i, at := range h.came {
			if h.sizes[i]%stormFrame != 0 {
				s.t.Errorf("stream %s of %s has packets that are not of whole frames", h.label, s.name)
				break
			}
			if !ours[h.senders[i].Port()] {
				pcm = pcm[h.sizes[i]:]
				continue
			}
			one := bySource[h.sources[i]]
			if one == nil {
				one = &stormStream{label: s.labelAt(line, at)}
				bySource[h.sources[i]], list = one, append(list, one)
			}
			for _, frame := range h.framesOf(i, pcm) {
				pcm = pcm[stormFrame:]
				if len(frame.parts) == 0 && frame.key == 0 {
					continue
				}
				if stream, conf := s.streamAt(one.label, at); stream.ID != "" {
					frame.stream, frame.conf = stream.ID, conf
					switch {
					case mains[stream.Session.Text()]:
						frame.place = "main"
					case stream.Session != "": // else conferences share it
						frame.place = "side"
					}
					frame.senders = senders[[2]siprec.ID{stream.ID, stream.Session}]
				}
				one.frames = append(one.frames, frame)
			}
		}
	}
	return list
}

// portsOf are those that a line was offered with. What comes from another was meant for who had the port of the recorder before: the ports are those of the
// system, and somebody who is dead is sent packets for a while.
func (s *stormSession) portsOf(line int) map[uint16]bool {
	ports := map[uint16]bool{}
	for _, offer := range s.offers {
		if line < len(offer.Media) {
			ports[offer.Media[line].Port] = true
		}
	}
	return ports
}

// framesOf are those of a packet, whose samples come first. All but the last have waited for it.
func (h *heardStream) framesOf(packet int, pcm []float64) (list []stormRecorded) {
	frames := h.sizes[packet] / stormFrame
	for k := range frames {
		at := h.came[packet].Add(time.Duration(k+1-frames) * codecs.FrameDuration)
		frame := pcm[k*stormFrame:][:stormFrame]
		recorded := stormRecorded{
			stamp: h.stamps[packet] + uint32(k*stormFrame), key: stormKeyIn(frame), stormFrameHeard: stormFrameHeard{at: at, parts: stormHear(frame)},
		}
		for i := range recorded.parts { // voices that are fainter than a key cannot be read
			if recorded.key != 0 {
				recorded.parts[i].n = -1
			}
		}
		list = append(list, recorded)
	}
	return list
}

// unread gives what a garbled frame of a voice may be, by the frames near it that can be read: each is as much later as its timestamp says. Of a stream
// without any, as somebody is between two frames all the time who has come by a move, it may be what was said before the last came.
func (m *stormStream) unread(origin time.Time, note func(stormRecorded, stormPart)) {
	for i := range m.frames {
		for _, part := range m.frames[i].parts {
			if part.n >= 0 {
				continue
			}
			n, behind := m.near(i, func(p stormPart) bool { return p.voice == part.voice }), 2
			if n < 0 { // one voice may be some frames behind another
				n, behind = m.near(i, func(stormPart) bool { return true }), 6
			}
			if n < 0 {
				last := &m.frames[len(m.frames)-1]
				n, behind = int(last.at.Sub(origin)/codecs.FrameDuration)-stormUnread+int(int32(m.frames[i].stamp-last.stamp))/stormFrame, stormUnread
			}
			for d := -behind; n >= 0 && d <= behind; d++ {
				note(m.frames[i], stormPart{part.voice, n + d})
			}
		}
	}
}

// near is which frame of a voice one of the stream is, by the nearest one of it that can be read; negative: there is none.
func (m *stormStream) near(i int, of func(stormPart) bool) int {
	for k := range 200 {
		at := i + (k+1)/2*(1-k%2*2) // i, i-1, i+1, i-2 and so on
		if at < 0 || at >= len(m.frames) {
			continue
		}
		if j := slices.IndexFunc(m.frames[at].parts, func(p stormPart) bool { return p.n >= 0 && of(p) }); j >= 0 {
			return m.frames[at].parts[j].n + int(int32(m.frames[i].stamp-m.frames[at].stamp))/stormFrame
		}
	}
	return -1
}
