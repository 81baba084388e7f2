package srs

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/parley-sip/parley/internal/rtt"
	"github.com/parley-sip/parley/internal/sdp"
)

const (
	// MediumText is the medium of streams of real-time text (RFC 4103).
	MediumText = "text"
	// textRate is the clock of text in Hz (RFC 4103, section 10).
	textRate = 1000
	// textCodec is what text is called in reports.
	textCodec = "t140/1000"
	// textExtension is that of the files of text: a line of JSON for each piece, see TextLine.
	textExtension = ".jsonl"
	// transcriptExtension is that of the same for people.
	transcriptExtension = ".txt"
	// textGenerations is how many earlier blocks are taken from each packet.
	textGenerations = 2
	// maxWriters bounds whose text is told apart in a stream.
	maxWriters = 64
)

// localText is what is answered to an offer of text: who offers rtt-mixer may send several writers in one stream (RFC 9071).
func localText() *sdp.LocalText {
	return &sdp.LocalText{CPS: rtt.MixerCPS, Generations: textGenerations, Mixer: true}
}

// A TextLine is a piece of text as it came: a line in the file of a stream of text. Erasures are in it as they were typed (T.140).
type TextLine struct {
	// At is when it came.
	At time.Time `json:"at"`
	// SSRC is whose it is: one of the writers of the stream.
	SSRC uint32 `json:"ssrc"`
	Text string `json:"text"`
}

// A Writer is a source in a stream of text, and who that is, as far as is known.
type Writer struct {
	SSRC uint32 `json:"ssrc" doc:"Source."`
	// Participant is the ID in the metadata, Name what the client calls him by RTCP (RFC 3550, section 6.5).
	Participant string `json:"participant,omitempty" doc:"Identifier in the metadata, as far as it is known."`
	Name        string `json:"name,omitempty" doc:"What the client calls it by RTCP."`
	cname       string
}

// A texter takes the packets of a stream of text. It belongs to the goroutine of its recording, as the receiver does that it is part of.
type texter struct {
	file   *textFile
	in     *rtt.Receiver
	report *Stream
	began  time.Time
	first  time.Duration     // when the first text came, after began; negative: none has
	names  map[uint32]Writer // by RTCP
}

// packet takes an RTP packet of text. The error is one of the file.
func (t *texter) packet(data []byte, at time.Duration) (took bool, err error) {
	p, err := rtt.ParsePacket(data)
	if err != nil {
		t.report.Discarded++

		return false, nil //nolint:nilerr // it is not the file's
	}
	before := t.in.Stats().Received
	list := t.in.Put(at, p)
	took = t.in.Stats().Received > before
	if !took {
		t.report.Discarded++
	}

	return took, t.write(list, at)
}

// skip takes a packet that comes in a pause: what is in it, or repeats it later, is not written.
func (t *texter) skip(data []byte, at time.Duration) {
	if p, err := rtt.ParsePacket(data); err == nil {
		t.in.Put(at, p)
	}
}

// play writes what is due; all of it if all. In a pause it is thrown away.
func (t *texter) play(at time.Duration, all, paused bool) error {
	now := at
	if all {
		now += 2 * rtt.Reordering
	}
	list := t.in.Poll(now)
	if paused {
		return nil
	}

	return t.write(list, at)
}

func (t *texter) write(list []rtt.Text, at time.Duration) error {
	for _, x := range list {
		if t.first < 0 {
			t.first = at
		}
		t.meet(x.Source)
		if err := t.file.add(TextLine{At: t.began.Add(at).UTC().Truncate(time.Millisecond), SSRC: x.Source, Text: x.Text}); err != nil {
			return err
		}
	}
	stats := t.in.Stats()
	t.report.Packets, t.report.Lost = stats.Received, stats.Lost

	return nil
}

// meet lists a writer.
func (t *texter) meet(ssrc uint32) {
	i := slices.IndexFunc(t.report.Writers, func(w Writer) bool { return w.SSRC == ssrc })
	if i < 0 {
		if len(t.report.Writers) >= maxWriters {
			return
		}
		i = len(t.report.Writers)
		t.report.Writers = append(t.report.Writers, Writer{SSRC: ssrc})
		t.report.SSRCs = append(t.report.SSRCs, ssrc)
	}
	if told, ok := t.names[ssrc]; ok {
		t.report.Writers[i] = told
	}
}

// described takes what RTCP tells of a source.
func (t *texter) described(ssrc uint32, cname, name string) {
	if _, known := t.names[ssrc]; !known && len(t.names) >= maxWriters {
		return
	}
	t.names[ssrc] = Writer{SSRC: ssrc, Name: name, cname: cname}
	if slices.ContainsFunc(t.report.Writers, func(w Writer) bool { return w.SSRC == ssrc }) {
		t.meet(ssrc)
	}
}

// newTextReceiver is a receiver of text, in a file of its own kind.
func newTextReceiver(file *textFile, report *Stream, began time.Time, from *origin) *receiver {
	return &receiver{
		file: file, report: report, origin: from, first: none, channels: 1,
		text: &texter{file: file, in: rtt.NewReceiver(rtt.Format{}), report: report, began: began, first: -1, names: map[uint32]Writer{}},
	}
}

// configureText takes what was agreed.
func (r *receiver) configureText(agreed *sdp.Text) {
	f := agreed.Receive
	r.text.in.Configure(rtt.Format{Text: f.Text, Red: f.Red, Generations: f.Generations, Aware: agreed.Mixer})
}

// textPacket is packet for text. Silence is no sign that the client has gone elsewhere: who writes pauses.
func (r *receiver) textPacket(data []byte, from netip.AddrPort, at time.Duration) (err error) {
	r.took = false
	switch {
	case r.remote.IsValid() && r.remote != from && r.described != from:
		r.report.Discarded++

		return nil
	case r.paused && at > r.pausedAt+grace:
		r.report.Discarded++
		r.text.skip(data, at)

		return nil
	}
	r.took, err = r.text.packet(data, at)
	if r.took {
		r.remote, r.heard = from, at
	}

	return err
}

// A textFile is the file of a stream of text. As a sink it holds no samples.
type textFile struct {
	file *os.File
	out  *bufio.Writer
}

func createText(name string) (*textFile, error) {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode) //nolint:gosec // a name made here in the configured directory
	if err != nil {
		return nil, err
	}

	return &textFile{file: file, out: bufio.NewWriter(file)}, nil
}

func (f *textFile) add(line TextLine) error {
	data, err := json.Marshal(line)
	if err != nil {
		return err
	}
	_, err = f.out.Write(append(data, '\n'))

	return err
}

func (f *textFile) write(int64, []int16) error     { return nil }
func (f *textFile) move(int64, int64, int64) error { return nil }
func (f *textFile) shift(int64, bool) error        { return nil } // its times are absolute
func (f *textFile) flush() error                   { return f.out.Flush() }
func (f *textFile) length() int64                  { return 0 }
func (f *textFile) fileRate() int                  { return textRate }
func (f *textFile) handle() *os.File               { return f.file }
func (f *textFile) complete(int64) (int64, error)  { return 0, nil }
func (f *textFile) close() error {
	return errors.Join(f.out.Flush(), f.file.Sync(), f.file.Close())
}

// ReadText reads the file of a stream of text. A last line that is cut off was being written when the process died. Errors are those of the file
// system, and of what is no such file.
func ReadText(name string) ([]TextLine, error) {
	file, err := os.Open(name) //nolint:gosec // the file is what the caller wants to read
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // was only read
	decoder := json.NewDecoder(file)
	var list []TextLine
	for {
		var line TextLine
		switch err := decoder.Decode(&line); {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return list, nil
		case err != nil:
			return list, fmt.Errorf("%s: %w", name, err)
		}
		list = append(list, line)
	}
}

var _ sink = (*textFile)(nil)
