package siprec_test

import (
	"fmt"
	"strings"

	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/siprec"
)

// recorder is the far end: what it knows, and the checks that hold for everything it
// ever receives.
type recorder struct {
	fail      func(format string, args ...any)
	labels    map[string]siprec.ID // stream by label, for the whole session
	documents [][]byte

	known   siprec.Recording
	told    bool // a document has come in this dialog
	offer   *sdp.Description
	pending *siprec.Recording // comes into force with the 2xx
	open    uint32
	lines   int
	version uint64 // the highest one seen

	lastVersion, agreedVersion uint64

	text      string // last SDP with version 0
	agreed    string // the last one in force
	dialog    bool
	playing   map[string]siprec.StartMedia
	refused   map[string]bool // labels of streams it does not take
	peerOffer string          // the offer that is being answered
}

// receive checks a request or response of the client and keeps what is in it.
func (r *recorder) receive(m siprec.Message, begins bool) (d *sdp.Description, document *siprec.Recording) {
	if len(m.Body) == 0 {
		return nil, nil
	}
	content, err := siprec.ParseContent(m.ContentType, m.Disposition, m.Body)
	if err != nil {
		r.fail("body: %v", err)
		return nil, nil
	}
	var labels []string
	if content.SDP != nil {
		parsed, err := sdp.Parse(content.SDP)
		if err != nil {
			r.fail("SDP: %v in\n%s", err, content.SDP)
			return nil, nil
		}
		d = &parsed
		labels = []string{}
		for _, media := range d.Media {
			labels = append(labels, media.Label)
		}
		r.description(d, begins)
	}
	if content.Metadata != nil {
		document = r.metadata(content.Metadata, m, labels)
	}
	return d, document
}

func (r *recorder) description(d *sdp.Description, begins bool) {
	if begins {
		r.lines = 0
	} else if r.agreed != "" {
		stripped := *d
		stripped.Origin.Version = 0
		want := r.agreedVersion
		if string(stripped.Marshal()) != r.agreed {
			want = r.version + 1
		}
		// SR-SDP-01: the version grows by one only when the SDP changes.
		if d.Origin.Version != want {
			r.fail("version %d, want %d", d.Origin.Version, want)
		}
	}
	// SR-SDP-17: the number of m-lines never falls.
	if len(d.Media) < r.lines {
		r.fail("%d m-lines after %d", len(d.Media), r.lines)
	}
	for i, media := range d.Media {
		if begins || media.Port != 0 {
			delete(r.refused, media.Label)
		}
		// SR-UPD-02: media stops no later than the offer that says so.
		for key, p := range r.playing {
			if p.Label == media.Label && (media.Port == 0 || media.Direction == sdp.Inactive) {
				r.fail("%s is still sent while line %d says %v, port %d", key, i, media.Direction, media.Port)
			}
		}
		if media.Port != 0 && media.Direction != sdp.SendOnly && media.Direction != sdp.Inactive {
			r.fail("line %d is %v", i, media.Direction)
		}
	}
	r.version, r.lastVersion = max(r.version, d.Origin.Version), d.Origin.Version
	stripped := *d
	stripped.Origin.Version = 0
	r.text = string(stripped.Marshal())
}

func (r *recorder) metadata(data []byte, m siprec.Message, labels []string) *siprec.Recording {
	document, err := siprec.Unmarshal(data)
	if err != nil {
		r.fail("metadata: %v in\n%s", err, data)
		return nil
	}
	r.documents = append(r.documents, data)
	for _, issue := range siprec.Verify(document, labels) {
		r.fail("metadata with labels %q: %v in\n%s", labels, issue, data)
	}
	// SR-MET-08: never partial first.
	if !r.told && document.Mode == siprec.Partial {
		r.fail("the first document is partial")
	}
	// SR-MET-13
	if m.Disposition != siprec.Disposition && !strings.HasPrefix(m.ContentType, "multipart/") {
		r.fail("disposition %q", m.Disposition)
	}
	for _, s := range document.Streams {
		if other, ok := r.labels[s.Label]; ok && other != s.ID {
			r.fail("label %q of stream %s was that of %s", s.Label, s.ID, other)
		}
		r.labels[s.Label] = s.ID
	}
	return &document
}

// agreedBody is the description in force from its s= line on.
func (r *recorder) agreedBody() string {
	_, body, _ := strings.Cut(r.agreed, "\r\ns=")
	return "s=" + body
}

// accept takes the open request over.
func (r *recorder) accept() {
	if r.pending != nil {
		r.known = siprec.Merge(r.known, *r.pending)
		r.told = true
		for _, issue := range siprec.Verify(r.known.WithoutLabels(), nil) {
			r.fail("merged: %v in\n%s", issue, siprec.Marshal(r.known, ""))
		}
	}
	if r.offer != nil {
		r.lines = len(r.offer.Media)
		r.agreed, r.agreedVersion = r.text, r.lastVersion
	}
	r.pending, r.offer = nil, nil
}

// answerTo builds an answer: each line of the offer with a direction of the list, which
// repeats its last word; "0" refuses a line.
func answerTo(offer *sdp.Description, directions []string) []byte {
	var out strings.Builder
	out.WriteString("v=0\r\no=SRS 7 7 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n")
	for i, media := range offer.Media {
		direction := "recvonly"
		if len(directions) > 0 {
			direction = directions[min(i, len(directions)-1)]
		}
		if media.Direction == sdp.Inactive && direction != "0" {
			direction = "inactive"
		}
		port := 20000 + 2*i
		if direction == "0" || media.Port == 0 {
			direction, port = "inactive", 0
		}
		pt := media.PayloadTypes[0].Number
		if media.Kind == "text" {
			fmt.Fprintf(&out, "m=text %d %s %d 98\r\na=rtpmap:98 t140/1000\r\na=rtpmap:%d red/1000\r\na=fmtp:%d 98/98/98\r\na=rtt-mixer\r\na=%s\r\n",
				port, media.Proto, pt, pt, pt, direction)
			continue
		}
		fmt.Fprintf(&out, "m=audio %d %s %d\r\na=%s\r\n", port, media.Proto, pt, direction)
	}
	return []byte(out.String())
}
