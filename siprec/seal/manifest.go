package seal

import "time"

const (
	// ContentType is the media type of a sealed manifest in a message to a recorder.
	ContentType = "application/vnd.parley.manifest+jose"
	// FileName is the name under which a recorder keeps it.
	FileName = "manifest.jws"
	// PartFileName is that of the nth one in a session that has several ([Manifest.Part]).
	PartFileName = "manifest-%04d.jws"
)

// Manifest says what a recording session consisted of.
type Manifest struct {
	Conference string     `json:"conference"`
	Recording  string     `json:"recording"`
	Session    string     `json:"session"` // session_id of the metadata, as a UUID in text form
	Server     string     `json:"server"`  // name of the recording server
	CallID     string     `json:"call_id"` // of the dialog with it
	Started    time.Time  `json:"started"`
	Ended      time.Time  `json:"ended"`
	Streams    []Stream   `json:"streams"`
	Documents  []Document `json:"documents"`
	// Part tells that the session with the recorder is of other recordings as well: streams are parts of longer ones, and what is beside the
	// documents is of others.
	Part bool `json:"part,omitempty"`
	// Chain is its place among the manifests of that session. Nil: the session has no other, or is of an earlier version.
	Chain *Link `json:"chain,omitempty"`
}

// Stream is one recorded stream.
type Stream struct {
	Label         string `json:"label"`
	Codec         string `json:"codec"` // encoding name and clock rate, as in rtpmap; of the last packet
	SSRC          uint32 `json:"ssrc"`
	Packets       uint64 `json:"packets"`
	Octets        uint64 `json:"octets"`             // of payload
	FirstSequence uint16 `json:"first_sequence"`     // sequence number of the first packet
	Span          uint64 `json:"span"`               // from the first sequence number to the last, both counted; as many as packets, but for those that could not be sent
	PayloadSHA256 string `json:"payload_sha256"`     // in hexadecimal
	Unsealed      uint64 `json:"unsealed,omitempty"` // packets of another source than SSRC, which are not hashed
	// Blocks are the hashes of parts, in base64url: BlockPackets sequence numbers each, from multiples of it on. See [Digest].
	BlockPackets int      `json:"block_packets,omitempty"`
	Blocks       []string `json:"blocks,omitempty"`
}

// Document is one metadata document, in the order of sending.
type Document struct {
	Sequence int    `json:"sequence"` // counted from 1, in the session with the recorder
	SHA256   string `json:"sha256"`   // in hexadecimal
	// Acknowledged tells that the recorder has answered with success; it may lack others.
	Acknowledged bool `json:"acknowledged"`
}
