package siprec

import (
	"bytes"
	"encoding/xml"
	"fmt"
)

// SealType is the media type of a signed manifest.
const SealType = "application/vnd.parley.manifest+jose"

// Content is what a SIP body of a recording session holds.
type Content struct {
	SDP      []byte           // nil: none
	Metadata []byte           // nil: none
	Snapshot *SnapshotRequest // nil: none
	Seal     []byte           // the signed manifest of what was sent, see package seal; nil: none
}

// ParseContent finds SDP, metadata and snapshot request in a body, bare or multipart,
// under either name of the media type. The first of each counts. Unknown parts are
// ignored when they are optional (handling=optional, RFC 3261, section 20.11); else the
// error wraps [ErrMediaType] and the Content holds what could be read nevertheless, for
// responses, which nobody can refuse. Other errors are those of [ParseParts] and
// [ParseSnapshotRequest].
func ParseContent(contentType, disposition string, body []byte) (Content, error) {
	var content Content
	if len(body) == 0 {
		return content, nil
	}
	parts, err := ParseParts(contentType, disposition, body)
	if err != nil {
		return content, err
	}
	var unknown error
	for _, p := range parts {
		switch kind := mediaType(p.ContentType); {
		case kind == sdpType:
			if content.SDP == nil {
				content.SDP = p.Body
			}
		case kind == MetadataType || kind == MetadataTypeOld || kind == "application/rs-metadata-request":
			if err := content.metadata(p.Body); err != nil {
				return content, err
			}
		case kind == SealType:
			content.Seal = p.Body
		case p.Handling() == "optional":
		default:
			unknown = fmt.Errorf("%w: %q", ErrMediaType, kind)
		}
	}
	return content, unknown
}

// metadata tells a snapshot request from a document; both have the same media type.
func (c *Content) metadata(body []byte) error {
	if rootName(body) != "requestsnapshot" {
		if c.Metadata == nil {
			c.Metadata = body
		}
		return nil
	}
	request, err := ParseSnapshotRequest(body)
	if err != nil {
		return err
	}
	c.Snapshot = &request
	return nil
}

// rootName returns the local name of the root element, empty when there is none.
func rootName(data []byte) string {
	decoder := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))))
	for {
		token, err := decoder.Token()
		if err != nil {
			return ""
		}
		if start, ok := token.(xml.StartElement); ok {
			return start.Name.Local
		}
	}
}
