package siprec

import (
	"slices"
	"strconv"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/srtp"
)

// slot is one m-line of the dialog. Slots are never removed (RFC 3264, section 8).
type slot struct {
	key      string // empty: a line that the recorder added, which stays refused
	label    string
	wish     StreamWish
	wanted   bool
	refused  bool // the recorder set its port to 0
	accepted bool // an offer with this stream in it has been accepted
	disabled bool // an offer with port 0 has been accepted: the line can be reused
	held     bool // the recorder's last offer does not want it now
	send     bool // the recorder takes it, by the last answer or offer
	rests    bool // it does not, and only because we have paused
	stream   sdp.Stream
	keys     []srtp.Key  // of this stream in this dialog
	playing  *StartMedia // what has been started; nil: nothing
}

// live tells whether the m-line has a port.
func (s *slot) live() bool { return s.wanted && !s.refused }

// textGenerations is how often text is repeated (RFC 4103, section 4).
const textGenerations = 2

// lineKey begins the keys under which lines that the recorder added have their labels.
const lineKey = "\x00"

// label returns the label of a stream, the same for good, so that a recorder can take
// it for the name of a track.
func (c *Client) label(key string) string {
	label, ok := c.labels[key]
	if !ok {
		label = strconv.Itoa(c.profile.FirstLabel + len(c.labels))
		c.labels[key] = label
	}
	return label
}

// slotOf returns the slot of a stream.
func (c *Client) slotOf(key string) *slot {
	for _, s := range c.slots {
		if s.key == key && key != "" {
			return s
		}
	}
	return nil
}

// updateSlots takes the wishes over into the slots that exist already. When the session
// ends they stay as they are: the last offer, if there is one, changes nothing.
func (c *Client) updateSlots() {
	if c.desire.Stopped {
		return
	}
	for _, s := range c.slots {
		i := slices.IndexFunc(c.desire.Streams, func(w StreamWish) bool { return w.Key == s.key })
		before := s.wanted
		s.wanted = s.key != "" && i >= 0 && !c.declined(s.key)
		if s.wanted && !before && s.disabled && len(s.keys) > 0 { // a new stream in an old line
			s.keys = c.newKeys()
		}
		if i >= 0 && s.key != "" {
			s.wish = c.desire.Streams[i]
		}
		if !s.wanted {
			s.refused = false
		}
	}
}

// assignSlots gives every wish its slot: its own, one that is free, or a new one.
func (c *Client) assignSlots() {
	used := 0
	for _, s := range c.slots {
		if s.live() {
			used++
		}
	}
	var dropped []string
	for _, w := range c.desire.Streams {
		if w.Key == "" || c.slotOf(w.Key) != nil || w.Text && c.noText {
			continue
		}
		if c.profile.MaxStreams > 0 && used >= c.profile.MaxStreams {
			dropped = append(dropped, w.Key)
			continue
		}
		used++
		s := c.freeSlot(w.Text)
		*s = slot{key: w.Key, label: c.label(w.Key), wish: w, wanted: true}
		if c.security() != sdp.SecurityNone && c.certificate == (sdp.Fingerprint{}) {
			s.keys = c.newKeys()
		}
	}
	if len(dropped) > 0 && !slices.Equal(dropped, c.dropped) {
		c.do(Alarm{Kind: AlarmStreamsDropped, Detail: strconv.Itoa(len(dropped)) + " more streams than the recorder takes"})
	}
	c.dropped = dropped
}

// newKeys are keys for a stream; none where they would be read, and there is no certificate either: what is offered then cannot be accepted.
func (c *Client) newKeys() []srtp.Key {
	if c.config.Keys == nil {
		return nil
	}
	return c.config.Keys()
}

// declined tells whether the recorder has refused all text, and the stream is one of it.
func (c *Client) declined(key string) bool {
	return c.noText && slices.ContainsFunc(c.desire.Streams, func(w StreamWish) bool { return w.Key == key && w.Text })
}

// freeSlot returns a slot of the same medium that the recorder knows to be disabled, or a new one.
func (c *Client) freeSlot(text bool) *slot {
	if !c.profile.AppendOnly {
		for _, s := range c.slots {
			if !s.wanted && s.disabled && s.key != "" && s.wish.Text == text {
				return s
			}
		}
	}
	s := &slot{}
	c.slots = append(c.slots, s)
	return s
}

// rollback forgets the slots that a refused offer would have appended, since the
// recorder does not count them.
func (c *Client) rollback() {
	lines := 0
	if c.accepted != nil {
		lines = len(c.accepted.Media)
	}
	if lines < len(c.slots) {
		c.slots = c.slots[:lines]
	}
	c.sent = c.accepted
}

// renumber gives a description a version of its own when it differs from the last one
// in force: the next after all that were used, refused ones among them.
func (c *Client) renumber(d *sdp.Description) {
	if c.sent == nil || d.Origin.Version != c.sent.Origin.Version {
		d.Origin.Version = max(d.Origin.Version, c.version+1)
	}
}

// local is what we bring to an offer or answer. With held, streams that the recorder
// does not want now are inactive.
func (c *Client) local(held bool) sdp.Local {
	l := sdp.Local{
		Address: c.config.Address, Session: c.config.SDPSession, Version: c.version + 1,
		Previous: c.sent, Remote: c.remote, ByPosition: true,
	}
	for _, s := range c.slots {
		stream := sdp.LocalStream{
			Codecs: Preferring(c.Codecs(), s.wish.Prefer), Direction: sdp.SendOnly, PacketTime: c.profile.PacketTime, Label: s.label,
			Opus: sdp.OpusParameters{SpropStereo: s.wish.Stereo}, Feedback: c.profile.AVPF && !c.noFeedback, Events: c.profile.Events, Security: c.security(), Keys: s.keys,
		}
		if stream.Security != sdp.SecurityNone {
			stream.DTLS.Fingerprint = c.certificate
			if s.stream.DTLS != nil {
				stream.DTLS.Setup = s.stream.DTLS.Setup
			}
		}
		if s.wish.Text {
			stream.Text = &sdp.LocalText{Generations: textGenerations, Mixer: true}
		}
		if (c.paused(s) && c.profile.Pause == PauseInactive) || (held && s.held) {
			stream.Direction = sdp.Inactive
		}
		if s.live() {
			stream.Port = s.wish.Port
		}
		l.Streams = append(l.Streams, stream)
	}
	return l
}

// paused tells whether a stream shall not be recorded now.
func (c *Client) paused(s *slot) bool { return c.desire.Paused || s.wish.Paused }

// reconcileMedia starts and stops media so that exactly the streams flow that are
// wanted, not paused, and taken by the recorder.
func (c *Client) reconcileMedia() {
	c.stopMedia()
	for _, s := range c.slots {
		want := c.wantedMedia(s)
		if want != nil && (s.playing == nil || !want.Equal(s.playing)) {
			c.do(*want)
			s.playing = want
		}
	}
}

// stopMedia stops the streams that may not flow any more.
func (c *Client) stopMedia() {
	for _, s := range c.slots {
		if s.playing != nil && c.wantedMedia(s) == nil {
			c.do(StopMedia{Key: s.playing.Key, Removed: !s.wanted || c.desire.Stopped})
			s.playing = nil
		}
	}
}

// wantedMedia returns what should be started for a slot, nil for nothing.
func (c *Client) wantedMedia(s *slot) *StartMedia {
	silence := c.paused(s) && c.profile.Pause == PauseSilence
	if !c.up() || c.desire.Stopped || !s.live() || !s.send || (c.paused(s) && !silence) {
		return nil
	}
	start := &StartMedia{
		Key: s.key, Label: s.label, Remote: s.stream.Remote, RemoteRTCP: s.stream.RemoteRTCP,
		PayloadType: s.stream.SendPT, Format: s.stream.Format, Silence: silence, Protection: s.stream.Protection, DTLS: s.stream.DTLS,
	}
	if start.DTLS != nil {
		start.Certificate = c.certificate
	}
	g711 := start.Format.Codec == codecs.PCMU || start.Format.Codec == codecs.PCMA
	if s.stream.ComfortNoise && g711 && !c.profile.Continuous && c.profile.Pause != PauseSilence {
		start.ComfortNoise, start.ComfortNoisePayloadType = true, s.stream.ComfortNoisePT
	}
	start.Stereo = start.Format.Codec == codecs.Opus && s.stream.Opus.Stereo
	if s.wish.Text {
		start.Text = s.stream.Text
	} else if c.profile.Events {
		start.Events, start.EventPayloadType = s.stream.Event.Events, s.stream.Event.Number
	}
	return start
}

// security is what is offered: what may be protected is, until the recorder says that it cannot.
func (c *Client) security() sdp.Security {
	if c.config.Security == sdp.SecurityNone || c.plainMedia {
		return sdp.SecurityNone
	}
	return sdp.SecurityRequired
}
