package seal

import "time"

const (
	// ContentType is the media type of a sealed manifest in a message to a recorder.
	ContentType = "application/vnd.parley.manifest+jose"
	// FileName is the name under which a recorder keeps it.
	FileName = "manifest.jws"
)

// Manifest says what a recording session consisted of.
type Manifest struct {
	Conference string     `json:"conference"`
	Recording  string     `json:"recording"`
	Session    string     `json:"session"` // session_id of the metadata, as a UUID in text form
	Started    time.Time  `json:"started"`
	Ended      time.Time  `json:"ended"`
	Streams    []Stream   `json:"streams"`
	Documents  []Document `json:"documents"`
}

// Stream is one recorded stream.
type Stream struct {
	Label         string `json:"label"`
	Codec         string `json:"codec"` // encoding name and clock rate, as in rtpmap; of the last packet
	SSRC          uint32 `json:"ssrc"`
	Packets       uint64 `json:"packets"`
	Octets        uint64 `json:"octets"`         // of payload
	PayloadSHA256 string `json:"payload_sha256"` // in hexadecimal
}

// Document is one metadata document, in the order of sending.
type Document struct {
	Sequence int    `json:"sequence"` // counted from 1
	SHA256   string `json:"sha256"`   // in hexadecimal
}
