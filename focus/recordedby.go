package focus

import (
	"slices"
	"strings"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sdp"
)

// Focuses that are linked pass on what others record (ADR 59). In a ring they would tell each other for ever what nobody records any more, so
// each adds its name to what it passes on, and believes nothing that has come by itself. Others ignore the attribute (RFC 8866, section 5.13).

// recordedByAttribute has the names of the focuses that have told one another of a recording, the one that tells it first, the one that
// records last. It stands at the level of the session beside a=record.
const recordedByAttribute = "x-parley-recorded-by"

// Bounds of what is believed.
const (
	maxRecordedBy     = 16 // focuses in a row
	maxRecordedByName = 32
)

// statement is what a description says about recording, and how that is known.
type statement struct {
	record sdp.Record
	text   sdp.Record // of real-time text; unspecified: the conference has none
	via    string     // of recordedByAttribute without ourselves; told to focuses only
}

// recordedBy is the attribute of a statement; none to a phone, and where nothing is recorded. Of who is called it is not known what he is.
func (c *controller) recordedBy(p *participant, s statement) []sdp.Attribute {
	if !p.peer.Focus && (p.direction == inbound || p.dialog != nil) || s.record != sdp.RecordOn && s.record != sdp.RecordPaused {
		return nil
	}
	return []sdp.Attribute{{Name: recordedByAttribute, Value: strings.TrimSpace(c.name + " " + s.via)}}
}

// tells reports whether our last description has said what a participant is to be told.
func (c *controller) tells(p *participant) bool {
	told := indicationOf(p.said.record) == p.want && (!p.peer.Focus || p.want == conference.IndicateOff || p.said.via == p.wantVia)
	return told && (!p.peer.Text.Agreed || p.said.text == c.recordAttribute(p).text)
}

// heed takes what a description of a participant says of recordings of his. What has come by ourselves is none of his, nor what has come a
// longer way than there are focuses in any cascade.
func (c *controller) heed(p *participant, records conference.Indication, d *sdp.Description) {
	p.peer.Records, p.peer.RecordsVia = records, ""
	if records == conference.IndicateOff {
		return
	}
	i := slices.IndexFunc(d.Attributes, func(a sdp.Attribute) bool { return a.Name == recordedByAttribute })
	if i < 0 {
		return
	}
	names := strings.Fields(d.Attributes[i].Value)
	if slices.Contains(names, c.name) || len(names) > maxRecordedBy {
		p.peer.Records = conference.IndicateOff
		return
	}
	if !slices.ContainsFunc(names, func(name string) bool { return len(name) > maxRecordedByName }) {
		p.peer.RecordsVia = strings.Join(names, " ")
	}
}
