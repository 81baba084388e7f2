package siprec

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// Profiles returns the names of the profiles that come with the package, sorted:
//
//	rfc        one stream per participant, partial updates, UPDATE for metadata alone
//	rfc-mixed  one mixed stream, the same
//	pair       two streams, complete snapshots by re-INVITE only, a second apart at least, G.711
//	chime      pair, as Amazon Chime SDK Voice Connector takes it
//	ccai       pair, as Google CCAI telephony takes it
//	lab-open   everything as configured, for tests
func Profiles() []string {
	return []string{"ccai", "chime", "lab-open", "pair", "rfc", "rfc-mixed"}
}

// LookupProfile returns a profile that comes with the package, complete with defaults.
func LookupProfile(name string) (Profile, bool) {
	p := Profile{Name: name}
	switch name {
	case "rfc":
		p.Layout = LayoutSeparate
	case "rfc-mixed":
		p.Layout = LayoutMixed
	case "pair", "chime", "ccai":
		p.Layout, p.MaxStreams = LayoutPair, 2
		p.Updates, p.MetadataBy, p.DropEmptyStreams = CompleteUpdates, ByReInvite, true
		p.Codecs, p.MinInterval = []codecs.Codec{codecs.PCMU, codecs.PCMA}, time.Second
	case "lab-open":
		p.Codecs = []codecs.Codec{codecs.PCMA, codecs.PCMU, codecs.G722, codecs.Opus}
	default:
		return Profile{}, false
	}
	return p.Normalize(), true
}

// Normalize returns the profile with every default filled in.
func (p Profile) Normalize() Profile {
	if p.Name == "" {
		p.Name = "rfc"
	}
	if p.MetadataType == "" {
		p.MetadataType = MetadataType
	}
	if p.Namespace == "" {
		p.Namespace = Namespace
	}
	if len(p.Codecs) == 0 {
		p.Codecs = []codecs.Codec{codecs.PCMA, codecs.PCMU}
	}
	if p.PacketTime == 0 {
		p.PacketTime = codecs.FrameDuration
	}
	if p.MinInterval == 0 {
		p.MinInterval = 150 * time.Millisecond
	}
	if p.FirstLabel == 0 {
		p.FirstLabel = 1
	}
	return p
}

// Validate returns an error wrapping [ErrProfile] when the profile contradicts itself.
// It takes profiles with and without [Profile.Normalize].
func (p Profile) Validate() error {
	p = p.Normalize()
	switch {
	case p.MaxStreams < 0:
		return fmt.Errorf("%w: negative number of streams", ErrProfile)
	case p.Layout == LayoutPair && p.MaxStreams != 0 && p.MaxStreams < 2:
		return fmt.Errorf("%w: a pair needs two streams", ErrProfile)
	case p.MinInterval < 0 || p.MinInterval > time.Minute:
		return fmt.Errorf("%w: interval of %v", ErrProfile, p.MinInterval)
	case p.FirstLabel < 0:
		return fmt.Errorf("%w: negative label", ErrProfile)
	case p.PacketTime < 10*time.Millisecond || p.PacketTime > 60*time.Millisecond || p.PacketTime%(10*time.Millisecond) != 0:
		return fmt.Errorf("%w: packet time of %v", ErrProfile, p.PacketTime)
	case slices.Contains(p.Codecs, codecs.None):
		return fmt.Errorf("%w: a codec of no name", ErrProfile)
	case p.MetadataType != MetadataType && p.MetadataType != MetadataTypeOld:
		return fmt.Errorf("%w: metadata type %q", ErrProfile, p.MetadataType)
	case strings.ContainsAny(p.Namespace, "<>\" \r\n"):
		return fmt.Errorf("%w: namespace %q", ErrProfile, p.Namespace)
	}
	for _, h := range p.Headers {
		if h.Name == "" || strings.ContainsAny(h.Name, ": \t\r\n") || strings.ContainsAny(h.Value, "\r\n") {
			return fmt.Errorf("%w: header field %q", ErrProfile, h.Name)
		}
	}
	return nil
}
