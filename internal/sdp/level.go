package sdp

import (
	"slices"
	"strings"
)

// URIs of the audio level extensions.
const (
	levelURI      = "urn:ietf:params:rtp-hdrext:ssrc-audio-level" // RFC 6464, section 4
	mixerLevelURI = "urn:ietf:params:rtp-hdrext:csrc-audio-level" // RFC 6465, section 5
)

// maxExtensionID is the last identifier that the one-byte form can carry (RFC 8285, section 4.2).
const maxExtensionID = 14

// extension is the line with that URI and an identifier that can be sent.
func (m *Media) extension(uri string) (Extension, bool) {
	for _, e := range m.Extensions {
		if e.URI == uri && e.ID <= maxExtensionID {
			return e, true
		}
	}
	return Extension{}, false
}

// extensionOf is the same for m= line i, where a line at session level holds for all streams (RFC 8285, section 8).
func (d *Description) extensionOf(i int, uri string) (Extension, bool) {
	if e, ok := d.Media[i].extension(uri); ok {
		return e, true
	}
	var session Media
	for _, value := range d.Values("extmap") {
		session.takeExtension(value)
	}
	return session.extension(uri)
}

// setLevels takes the level extensions from the description of the peer, as far as we want them.
func (s *Stream) setLevels(peer *Description, wanted, mixerWanted bool) {
	if e, ok := peer.extensionOf(s.Index, levelURI); ok && wanted {
		s.LevelExtension = uint8(e.ID) //nolint:gosec // at most 14
		s.LevelVoice = !slices.Contains(strings.Fields(strings.ToLower(e.Parameters)), "vad=off")
	}
	if e, ok := peer.extensionOf(s.Index, mixerLevelURI); ok && mixerWanted && e.Direction.Receives() {
		s.MixerLevelExtension = uint8(e.ID) //nolint:gosec // at most 14
	}
}

// answerLevels are the lines that accept what the stream has agreed: the same identifiers, the direction from our side
// (RFC 8285, section 8).
func (s *Stream) answerLevels(peer *Description) []Extension {
	var lines []Extension
	if s.LevelExtension != 0 {
		e, _ := peer.extensionOf(s.Index, levelURI)
		line := Extension{ID: e.ID, URI: levelURI}
		if e.Direction != Unspecified {
			line.Direction = e.Direction.Reverse()
		}
		if !s.LevelVoice {
			line.Parameters = "vad=off"
		}
		lines = append(lines, line)
	}
	if s.MixerLevelExtension != 0 {
		line := Extension{ID: uint16(s.MixerLevelExtension), Direction: SendOnly, URI: mixerLevelURI}
		lines = append(lines, line)
	}
	return lines
}

// offerLevels are the lines for an offer. An identifier that means something in this stream keeps its meaning
// (RFC 6464, section 4), so known ones come first.
func offerLevels(stream *LocalStream, known []Extension) []Extension {
	var lines []Extension
	taken := func(id uint16) bool {
		return slices.ContainsFunc(slices.Concat(known, lines), func(e Extension) bool { return e.ID == id })
	}
	add := func(wish uint8, line Extension) {
		if wish == 0 {
			return
		}
		line.ID = uint16(wish)
		if i := slices.IndexFunc(known, func(e Extension) bool { return e.URI == line.URI }); i >= 0 {
			line.ID = known[i].ID
		} else {
			for n := uint16(1); n <= maxExtensionID && (taken(line.ID) || line.ID > maxExtensionID); n++ {
				line.ID = n
			}
			if taken(line.ID) || line.ID > maxExtensionID {
				return
			}
		}
		lines = append(lines, line)
	}
	add(stream.LevelExtension, Extension{URI: levelURI})
	add(stream.MixerLevelExtension, Extension{URI: mixerLevelURI, Direction: SendOnly})
	return lines
}
