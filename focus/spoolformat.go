package focus

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/siprec"
)

// What a segment of the spool holds, one record each; the first octet is the kind.
const (
	spooledHeader = 'H' // spoolHeader, first
	spooledStream = 'S' // spoolStream, before its first frame
	spooledRoster = 'R' // spoolRosters, whenever they have changed
	spooledFrame  = 'F'
)

// spoolHeader says of which recording a segment is.
type spoolHeader struct {
	Conference conference.ID          `json:"conference"`
	Name       string                 `json:"name"`
	Recording  conference.RecordingID `json:"recording"`
	Servers    []string               `json:"servers"` // that may take it
	Began      time.Time              `json:"began"`
}

// spoolStream is one recorded stream.
type spoolStream struct {
	Index       uint16    `json:"index"`
	Key         string    `json:"key"`
	ID          siprec.ID `json:"id"`
	Participant siprec.ID `json:"participant,omitempty"` // empty: mixed
	Text        bool      `json:"text,omitempty"`        // it is real-time text
	Session     siprec.ID `json:"session,omitempty"`     // of a sidebar; empty: that of the conference

	Age time.Duration `json:"age,omitempty"` // by which frames are older than the ticks that they have the times of
}

// spoolRosters are who was there: in the conference, and in its sidebars.
type spoolRosters struct {
	siprec.Roster

	Others  []siprec.Roster           `json:",omitempty"`
	Senders map[siprec.ID][]siprec.ID `json:",omitempty"` // of streams that not everybody feeds, in mode pair
}

// without leaves the announcement of a seal out: what is delivered has a seal of its own.
func (s spoolRosters) without() spoolRosters {
	strip := func(list []siprec.Extension) []siprec.Extension {
		return slices.DeleteFunc(slices.Clone(list), func(e siprec.Extension) bool { return strings.HasPrefix(string(e), sealElement) })
	}
	s.SessionElements, s.Others = strip(s.SessionElements), slices.Clone(s.Others)
	for i := range s.Others {
		s.Others[i].SessionElements = strip(s.Others[i].SessionElements)
	}
	return s
}

// spoolFrame is one encoded frame.
type spoolFrame struct {
	stream  uint16
	at      time.Time
	codec   codecs.Codec
	samples int
	csrc    []uint32
	payload []byte
	order   int        // in which it was read
	text    *spoolText // what was written, instead of all after at; nil: it is audio
}

// jsonRecord is a record that holds a value.
func jsonRecord(kind byte, v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return append([]byte{kind}, text...), nil
}

// record is a frame as it is written.
func (f *spoolFrame) record(to []byte) []byte {
	to = append(to, spooledFrame)
	to = binary.BigEndian.AppendUint16(to, f.stream)
	to = binary.BigEndian.AppendUint64(to, uint64(f.at.UnixNano()))
	to = append(to, byte(f.codec))
	to = binary.BigEndian.AppendUint16(to, uint16(f.samples)) //nolint:gosec // of one packet
	to = append(to, byte(len(f.csrc)))                        //nolint:gosec // at most 15
	for _, c := range f.csrc {
		to = binary.BigEndian.AppendUint32(to, c)
	}
	return append(to, f.payload...)
}

// errSpoolRecord marks a record that is not one of ours.
var errSpoolRecord = errors.New("unreadable record in the spool")

const spoolFrameHeader = 15

// parseSpoolFrame is the reverse of record. The payload is a part of the data.
func parseSpoolFrame(data []byte) (spoolFrame, error) {
	if len(data) < spoolFrameHeader || data[0] != spooledFrame {
		return spoolFrame{}, errSpoolRecord
	}
	f := spoolFrame{
		stream: binary.BigEndian.Uint16(data[1:]), at: time.Unix(0, int64(binary.BigEndian.Uint64(data[3:]))), //nolint:gosec // as written
		codec: codecs.Codec(data[11]), samples: int(binary.BigEndian.Uint16(data[12:])),
	}
	n, rest := int(data[14]), data[spoolFrameHeader:]
	if n > codecs.MaxCSRC || len(rest) < 4*n || !f.codec.Valid() {
		return spoolFrame{}, fmt.Errorf("%w: frame", errSpoolRecord)
	}
	for i := range n {
		f.csrc = append(f.csrc, binary.BigEndian.Uint32(rest[4*i:]))
	}
	f.payload = rest[4*n:]
	return f, nil
}
