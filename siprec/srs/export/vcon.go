package export

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/parley-sip/parley/siprec/srs"
)

const (
	// VConType is the media type of a container.
	VConType = "application/vcon+json"
	// vconVersion is the version of the format (draft-ietf-vcon-vcon-core-00, section 4.1.1).
	vconVersion = "0.3.0"
	// maxInline bounds what is read into memory for one container.
	maxInline = 512 << 20
)

// ErrTooLarge says that the audio of a recording is too much to be part of a container: it has to be referred to.
var ErrTooLarge = errors.New("export: the audio is too large to be inline")

// Options of [Container].
type Options struct {
	// BaseURL is where the files of the streams are served: that of a stream is BaseURL and its label. Empty: the audio is part of the
	// container.
	BaseURL string
	// Now is the time of the export.
	Now time.Time
}

// A VCon is the container of one conversation (draft-ietf-vcon-vcon-core-00, section 4.1).
type VCon struct {
	Version     string       `json:"vcon"`
	UUID        string       `json:"uuid"`
	CreatedAt   time.Time    `json:"created_at"`
	Subject     string       `json:"subject"`
	Parties     []Party      `json:"parties"`
	Dialog      []Dialog     `json:"dialog"`
	Analysis    []struct{}   `json:"analysis"`
	Attachments []Attachment `json:"attachments"`
}

// A Party is somebody who took part (section 4.2).
type Party struct {
	Tel  string `json:"tel,omitempty"`
	SIP  string `json:"sip,omitempty"`
	Name string `json:"name,omitempty"`
}

// A Dialog is a piece of the conversation, here one recorded stream (section 4.3).
type Dialog struct {
	Type      string       `json:"type"`
	Start     time.Time    `json:"start"`
	Duration  float64      `json:"duration"` // seconds
	Parties   []int        `json:"parties"`
	MediaType string       `json:"mediatype"`
	Filename  string       `json:"filename"`
	SessionID *SessionID   `json:"session_id,omitempty"`
	History   []PartyEvent `json:"party_history,omitempty"`

	Content
}

// Content is inline or elsewhere (sections 2.3 and 2.4).
type Content struct {
	Body        string `json:"body,omitempty"`
	Encoding    string `json:"encoding,omitempty"`
	URL         string `json:"url,omitempty"`
	ContentHash string `json:"content_hash,omitempty"`
}

// SessionID is that of the SIP session (RFC 7989).
type SessionID struct {
	Local  string `json:"local"`
	Remote string `json:"remote"`
}

// A PartyEvent says when somebody came, left, was put on hold or came back.
type PartyEvent struct {
	Party int       `json:"party"`
	Event string    `json:"event"`
	Time  time.Time `json:"time"`
}

// An Attachment is a document that belongs to the conversation, here the metadata as they were received (section 4.5).
type Attachment struct {
	Purpose   string    `json:"purpose"`
	Start     time.Time `json:"start"`
	Party     int       `json:"party"`
	MediaType string    `json:"mediatype"`
	Filename  string    `json:"filename"`

	Content
}

// Container makes the vCon of a recording. The same recording has the same UUID each time. The errors are ErrTooLarge and those of the
// files.
func Container(r srs.Recording, o Options) (VCon, error) {
	v := VCon{
		Version: vconVersion, UUID: uuidOf(r), CreatedAt: o.Now.UTC(), Subject: "Recording " + r.ID,
		Parties: []Party{}, Dialog: []Dialog{}, Analysis: []struct{}{}, Attachments: []Attachment{},
	}
	index := make(map[string]int, len(r.Participants))
	for i, p := range r.Participants {
		index[p.ID] = i
		v.Parties = append(v.Parties, party(p))
	}
	session := sessionOf(r)
	var inline int64
	for _, s := range r.Streams {
		kind, name := "recording", s.File
		if s.Medium == srs.MediumText {
			kind, name = "text", s.Transcript
		}
		if s.Samples == 0 && (kind == "recording" || name == "" || s.Packets == 0) {
			continue
		}
		content, size, err := contentOf(r, name, o, maxInline-inline)
		if err != nil {
			return VCon{}, err
		}
		inline += size
		d := Dialog{
			Type: kind, Start: r.StartedAt, Duration: duration(&s), Parties: []int{},
			MediaType: MediaType(name), Filename: name, SessionID: session, History: history(r, s, index), Content: content,
		}
		for _, id := range s.Participants {
			if i, ok := index[id]; ok {
				d.Parties = append(d.Parties, i)
			}
		}
		v.Dialog = append(v.Dialog, d)
	}
	for _, m := range r.Metadata {
		body, err := os.ReadFile(filepath.Join(r.Directory, filepath.Base(m.File)))
		if err != nil {
			return VCon{}, err
		}
		v.Attachments = append(v.Attachments, Attachment{
			Purpose: "recording-metadata", Start: m.ReceivedAt, MediaType: "application/rs-metadata+xml", Filename: m.File,
			Content: Content{Body: base64.RawURLEncoding.EncodeToString(body), Encoding: "base64url"},
		})
	}

	return v, nil
}

// duration is how long a stream is, in seconds.
func duration(s *srs.Stream) float64 {
	if s.Medium == srs.MediumText {
		return s.EndedAt.Sub(s.StartedAt).Seconds()
	}

	return float64(s.Samples) / float64(s.SampleRate)
}

// MediaType is that of a file of a stream.
func MediaType(file string) string {
	switch filepath.Ext(file) {
	case ".opus":
		return "audio/ogg"
	case ".txt":
		return "text/plain; charset=utf-8"
	case ".jsonl":
		return "application/jsonl"
	default:
		return "audio/wav"
	}
}

func party(p srs.Participant) Party {
	out := Party{Name: p.Name}
	for _, aor := range p.AORs {
		switch scheme, _, _ := strings.Cut(strings.ToLower(aor), ":"); {
		case scheme == "tel" && out.Tel == "":
			out.Tel = aor
		case (scheme == "sip" || scheme == "sips") && out.SIP == "":
			out.SIP = aor
		}
	}

	return out
}

// uuidOf derives a UUID of version 8 (RFC 9562, section 5.8) from what identifies the recording.
func uuidOf(r srs.Recording) string {
	sum := sha256.Sum256([]byte("vcon " + r.ID + " " + r.StartedAt.UTC().Format(time.RFC3339Nano) + " " + r.CallID))
	sum[6] = sum[6]&0x0f | 0x80
	sum[8] = sum[8]&0x3f | 0x80

	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// sessionOf is the session ID when there is exactly one: a conference has one for each leg, and a dialog has room for one.
func sessionOf(r srs.Recording) *SessionID {
	if len(r.Sessions) != 1 || len(r.Sessions[0].SIPSessionIDs) != 1 {
		return nil
	}
	local, remote, ok := strings.Cut(r.Sessions[0].SIPSessionIDs[0], ";remote=")
	if !ok {
		return nil
	}

	return &SessionID{Local: local, Remote: remote}
}

// history is when those of a stream came and left, and when it was paused.
func history(r srs.Recording, s srs.Stream, index map[string]int) []PartyEvent {
	var events []PartyEvent
	add := func(party int, event string, at time.Time) {
		if !at.IsZero() {
			events = append(events, PartyEvent{Party: party, Event: event, Time: at.UTC()})
		}
	}
	for _, id := range s.Participants {
		i, ok := index[id]
		if !ok {
			continue
		}
		add(i, "join", r.Participants[i].JoinedAt)
		add(i, "drop", r.Participants[i].LeftAt)
		for _, p := range s.Pauses {
			add(i, "hold", p.From)
			add(i, "unhold", p.To)
		}
	}
	slices.SortStableFunc(events, func(a, b PartyEvent) int { return a.Time.Compare(b.Time) })

	return events
}

// contentOf is the file of a stream, or where it is, and how much of the container it takes.
func contentOf(r srs.Recording, which string, o Options, room int64) (Content, int64, error) {
	name, err := r.File(which)
	if err != nil {
		return Content{}, 0, err
	}
	file, err := os.Open(name) //nolint:gosec // of the recording
	if err != nil {
		return Content{}, 0, err
	}
	defer file.Close() //nolint:errcheck // read only
	if o.BaseURL != "" {
		sum := sha512.New()
		if _, err = io.Copy(sum, file); err != nil {
			return Content{}, 0, err
		}

		return Content{URL: o.BaseURL + which, ContentHash: "sha512-" + base64.RawURLEncoding.EncodeToString(sum.Sum(nil))}, 0, nil
	}
	info, err := file.Stat()
	if err != nil {
		return Content{}, 0, err
	}
	if info.Size() > room {
		return Content{}, 0, fmt.Errorf("%w: more than %d octets", ErrTooLarge, maxInline)
	}
	var text bytes.Buffer
	encoder := base64.NewEncoder(base64.RawURLEncoding, &text)
	if _, err := io.Copy(encoder, file); err != nil {
		return Content{}, 0, err
	}

	if err := encoder.Close(); err != nil {
		return Content{}, 0, err
	}

	return Content{Body: text.String(), Encoding: "base64url"}, info.Size(), nil
}
