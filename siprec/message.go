package siprec

import (
	"slices"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sdp"
)

// acceptTypes is our Accept header: what may come in the dialog, under either name of
// the metadata type (RFC 7866, section 9.1; RFC 9806).
const acceptTypes = sdpType + ", " + multipartType + ", " + MetadataType + ", " + MetadataTypeOld

// dateLayout is the form of the Date header, always in UTC (RFC 3261, section 20.17).
const dateLayout = "Mon, 02 Jan 2006 15:04:05 GMT"

// maxHistory bounds what is remembered of streams and participants that are gone: beyond
// it a complete document takes them off the recorder's books.
const maxHistory = 200

// plainAudio returns the codecs that every recorder knows.
func plainAudio(list []codecs.Codec) []codecs.Codec {
	var out []codecs.Codec
	for _, codec := range list {
		if codec == codecs.PCMU || codec == codecs.PCMA {
			out = append(out, codec)
		}
	}
	if len(out) == 0 {
		return []codecs.Codec{codecs.PCMA, codecs.PCMU}
	}
	return out
}

// target returns the document that tells the truth now.
func (c *Client) target() Recording {
	roster := c.desire.Roster
	roster.Streams = nil
	if roster.RecordedSince.IsZero() {
		roster.RecordedSince = c.since
	}
	if c.profile.OmitFocus {
		roster.Participants = slices.DeleteFunc(slices.Clone(roster.Participants), func(p RosterParticipant) bool { return p.Focus })
	}
	for _, s := range c.slots {
		if s.wanted {
			roster.Streams = append(roster.Streams, RosterStream{
				ID: s.wish.ID, Label: s.label, Participant: s.wish.Participant, Members: s.wish.Members,
			})
		}
	}
	d := Document(roster)
	// A removed stream is described as long as its m-line carries its label, so that
	// labels and streams match (RFC 7866, section 7.1.1); nobody feeds or hears it.
	for _, s := range c.slots {
		if !s.wanted && s.key != "" {
			d.Streams = append(d.Streams, Stream{ID: s.wish.ID, Session: roster.Session, Label: s.label})
		}
	}
	if c.profile.DropEmptyStreams {
		d.ParticipantStreams = slices.DeleteFunc(d.ParticipantStreams, func(a ParticipantStream) bool {
			return len(a.Send)+len(a.Recv) == 0
		})
	}
	d.Extensions = c.profile.ExtensionElements
	return d
}

// withHistory adds to a target what the recorder keeps although it is over: streams
// whose m-line has been given away, and participants who left and whom the roster does
// not list any more. A partial document need not repeat them, and cannot delete them.
func withHistory(target, known Recording) Recording {
	streams := keys(target.Streams)
	for _, s := range known.Streams {
		if !streams[s.key()] {
			target.Streams = append(target.Streams, s)
		}
	}
	present := keys(target.Participants)
	gone := make(map[ID]bool)
	for _, a := range known.ParticipantSessions {
		if !present[pairKey{first: a.Participant}] && !a.Disassociate.IsZero() {
			gone[a.Participant] = true
			target.ParticipantSessions = append(target.ParticipantSessions, a)
		}
	}
	for _, p := range known.Participants {
		if gone[p.ID] {
			target.Participants = append(target.Participants, p)
		}
	}
	for _, a := range known.ParticipantStreams {
		if gone[a.Participant] {
			target.ParticipantStreams = append(target.ParticipantStreams, a)
		}
	}
	return target
}

func keys[T element[T]](list []T) map[pairKey]bool {
	set := make(map[pairKey]bool, len(list))
	for _, e := range list {
		set[e.key()] = true
	}
	return set
}

// news returns the document to send, what the recorder knows after it, and whether
// there is anything to tell. full asks for a complete document.
func (c *Client) news(full bool) (document, after Recording, changed bool) {
	target := c.target()
	if full || !c.synced {
		return target, target, true
	}
	if c.profile.Updates == CompleteUpdates {
		return target, target, !Equal(c.known, target)
	}
	updated := withHistory(target, c.known)
	if len(updated.Participants)+len(updated.Streams) > 2*(len(target.Participants)+len(target.Streams))+maxHistory {
		return target, target, true
	}
	if c.profile.Updates == SelfContainedUpdates {
		document = DiffSelfContained(c.known, updated)
	} else {
		document = Diff(c.known, updated)
	}
	if document.Mode == Complete {
		return target, target, true
	}
	return document, Merge(c.known, document), !document.IsEmpty()
}

// message builds a request of ours around an offer, a document, or both.
func (c *Client) message(now time.Time, offer *sdp.Description, document *Recording) Message {
	m := Message{Headers: []Header{{Name: "Accept", Value: acceptTypes}, {Name: "Date", Value: now.UTC().Format(dateLayout)}}}
	m.Headers = append(m.Headers, c.profile.Headers...)
	var parts []Part
	if offer != nil {
		part := Part{ContentType: sdpType, Body: offer.Marshal()}
		if c.profile.SDPDisposition {
			part.Disposition = "session;handling=required"
		}
		parts = append(parts, part)
	}
	if document != nil {
		parts = append(parts, Part{
			ContentType: c.metadataType(), Disposition: Disposition, Body: Marshal(*document, c.profile.Namespace),
		})
	}
	switch {
	case len(parts) == 0:
	case len(parts) > 1 || (document != nil && c.profile.AlwaysMultipart):
		m.ContentType, m.Body = BuildMultipart(parts)
	default:
		m.ContentType, m.Disposition, m.Body = parts[0].ContentType, parts[0].Disposition, parts[0].Body
	}
	return m
}

func (c *Client) metadataType() string {
	if !c.otherType {
		return c.profile.MetadataType
	}
	if c.profile.MetadataType == MetadataTypeOld {
		return MetadataType
	}
	return MetadataTypeOld
}

// describe returns our next description; its version is a new one only if it differs
// from the last.
func (c *Client) describe() *sdp.Description {
	d := sdp.Offer(c.local(false))
	c.renumber(&d)
	return &d
}

// changes tells whether we have anything to offer that differs from what was agreed. A
// stream that the recorder has put on hold is offered again with the next change, but
// is no reason for one: the recorder tells when it is ready (RFC 7866, section 7.2).
func (c *Client) changes() bool {
	return c.sent == nil || sdp.Offer(c.local(true)).Origin.Version != c.sent.Origin.Version
}
