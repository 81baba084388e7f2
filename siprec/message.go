package siprec

import (
	"bytes"
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
	if full || !c.synced || len(c.known.Sessions) == 0 && len(target.Sessions) > 0 { // nothing was known yet (RFC 7866, section 9.1)
		return target, target, true
	}
	if c.profile.Updates == CompleteUpdates {
		return target, target, !Equal(c.known, target)
	}
	updated := withHistory(target, c.known)
	if size(updated) > 2*size(target)+maxHistory {
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
		body := Marshal(*document, c.profile.Namespace)
		if c.profile.CRLF {
			body = bytes.ReplaceAll(body, []byte("\n"), []byte("\r\n"))
		}
		parts = append(parts, Part{ContentType: c.metadataType(), Disposition: Disposition, Body: body})
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
