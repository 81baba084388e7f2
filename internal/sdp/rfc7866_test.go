package sdp

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/parley-sip/parley/codecs"
)

// recording is what a recording client brings: one sendonly stream per label.
func recording(labels ...string) Local {
	local := Local{Address: netip.MustParseAddr("198.51.100.1"), Session: 7, Version: 7}
	for i, label := range labels {
		local.Streams = append(local.Streams, LocalStream{
			Port: uint16(20000 + 2*i), Codecs: []codecs.Codec{codecs.PCMU, codecs.PCMA}, Direction: SendOnly, Label: label,
		})
	}
	return local
}

// recorder is what the reference recorder brings: for each line of the offer a stream that only listens.
func recorder(offer Description) Local {
	local := Local{Address: netip.MustParseAddr("198.51.100.20"), Session: 9, Version: 9, ByPosition: true}
	for i := range offer.Media {
		stream := LocalStream{Codecs: []codecs.Codec{codecs.PCMA, codecs.PCMU}, Direction: RecvOnly}
		if offer.Media[i].IsAudio() {
			stream.Port = uint16(30000 + 2*i)
		}
		local.Streams = append(local.Streams, stream)
	}
	return local
}

func layout(d Description) string {
	all := make([]string, 0, len(d.Media))
	for i := range d.Media {
		m := &d.Media[i]
		all = append(all, fmt.Sprintf("%s:%d:%v", m.Label, m.Port, m.Direction))
	}
	return strings.Join(all, " ")
}

// SR-SDP-02, SR-SDP-04, SR-SDP-08 (RFC 7866, section 7.1.1).
func TestRecordingOffer(t *testing.T) {
	offer := Offer(recording("1", "2", "3"))
	if got := layout(offer); got != "1:20000:sendonly 2:20002:sendonly 3:20004:sendonly" {
		t.Error(got)
	}
	paused := recording("1")
	paused.Streams[0].Direction = Inactive // SR-SDP-03 (RFC 7245, section 3.2.1)
	if got := layout(Offer(paused)); got != "1:20000:inactive" {
		t.Error(got)
	}
}

// SR-SDP-17, SR-SDP-18 (RFC 7866, section 7.1.1.1): removed by port 0, added in a free slot or at the end; the number
// of lines never falls and a label stays in its slot.
func TestRecordingStreamsComeAndGo(t *testing.T) {
	local := recording("1", "2", "3")
	offer := Offer(local)
	steps := []struct {
		labels []string
		want   string
	}{
		{[]string{"1", "3"}, "1:20000:sendonly 2:0: 3:20002:sendonly"},
		{[]string{"3"}, "1:0: 2:0: 3:20000:sendonly"},
		{[]string{"3", "4"}, "4:20002:sendonly 2:0: 3:20000:sendonly"},
		{[]string{"4", "3", "5", "6"}, "4:20000:sendonly 5:20004:sendonly 3:20002:sendonly 6:20006:sendonly"},
		{nil, "4:0: 5:0: 3:0: 6:0:"},
		{[]string{"6"}, "4:0: 5:0: 3:0: 6:20000:sendonly"},
	}
	for i, step := range steps {
		local := recording(step.labels...)
		local.Previous = &offer
		next := Offer(local)
		if got := layout(next); got != step.want {
			t.Errorf("step %d: %s", i, got)
		}
		if next.Origin.Version != offer.Origin.Version+1 || next.Origin.Session != 7 {
			t.Errorf("step %d: %+v", i, next.Origin)
		}
		if again, err := Parse(next.Marshal()); err != nil || layout(again) != step.want {
			t.Errorf("step %d: %v", i, err)
		}
		offer = next
	}
}

// The same by position, with slots that never held a stream.
func TestRecordingByPosition(t *testing.T) {
	local := recording("1", "2")
	local.ByPosition = true
	local.Streams[0].Port = 0
	offer := Offer(local)
	if got := layout(offer); got != "1:0: 2:20002:sendonly" {
		t.Error(got)
	}
	local.Previous = &offer
	local.Streams = local.Streams[:1]
	if got := layout(Offer(local)); got != "1:0: 2:0:" {
		t.Error(got)
	}
}

// SR-SDP-09, SR-SDP-15, SR-SDP-19, SR-SDP-22, SR-INT-27, SR-INT-28 (RFC 7866, sections 7.2 and 8.3.1; RFC 3264, section
// 7): matched by position, whatever the labels; some lines refused; other directions than one would expect.
func TestRecorderAnswers(t *testing.T) {
	tests := []struct {
		name  string
		lines []string
		want  string
		err   error
	}{
		{"repeats", []string{"m=audio 10000 RTP/AVP 0", "a=recvonly", "a=label:1", "m=audio 10002 RTP/AVP 0", "a=recvonly", "a=label:2"}, "1:0:true 2:0:true", nil},
		{"changes", []string{"m=audio 10000 RTP/AVP 0", "a=recvonly", "a=label:b", "m=audio 10002 RTP/AVP 0", "a=recvonly", "a=label:1"}, "1:0:true 2:0:true", nil},
		{"omits", []string{"m=audio 10000 RTP/AVP 8", "m=audio 10002 RTP/AVP 8"}, "1:8:true 2:8:true", nil},
		{"not ready", []string{"m=audio 10000 RTP/AVP 0", "a=inactive", "m=audio 10002 RTP/AVP 0", "a=sendonly"}, "1:0:false 2:0:false", nil},
		{"AVPF", []string{"m=audio 10000 RTP/AVPF 0", "m=audio 10002 RTP/AVP 0"}, "1:0:true 2:0:true", nil},
		{"refuses one", []string{"m=audio 0 RTP/AVP 0", "m=audio 10002 RTP/AVP 0", "a=recvonly"}, "2:0:true", nil},
		{"refuses all", []string{"m=audio 0 RTP/AVP 0", "m=audio 0 RTP/AVP 0"}, "", ErrRejected},
		{"too few", []string{"m=audio 10000 RTP/AVP 0", "a=recvonly"}, "1:0:true", ErrStreamCount},
		{"too many", []string{"m=audio 1 RTP/AVP 0", "m=audio 2 RTP/AVP 0", "m=audio 3 RTP/AVP 0"}, "1:0:true 2:0:true", ErrStreamCount},
		{"none", nil, "", ErrStreamCount},
		{"other codec", []string{"m=audio 10000 RTP/AVP 18", "m=audio 10002 RTP/AVP 18"}, "", ErrNoCommonCodec},
		{"other kind", []string{"m=video 10000 RTP/AVP 0", "m=audio 10002 RTP/SAVP 0"}, "", ErrMismatch},
		{"other family", []string{"m=audio 10000 RTP/AVP 0", "c=IN IP6 2001:db8::1", "m=audio 0 RTP/AVP 0"}, "", ErrAddress},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plan, err := Accept(Offer(recording("1", "2")), parse(t, tt.lines...))
			if !errors.Is(err, tt.err) {
				t.Error(err)
			}
			var got []string
			for _, s := range plan.Streams {
				got = append(got, fmt.Sprintf("%s:%d:%v", s.Label, s.SendPT, s.Send))
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("%v, rejected %v", got, plan.Rejected)
			}
		})
	}
}

// RFC 7866, figures 5 and 6: the answering side of the reference recorder.
func TestRecorderAnswer(t *testing.T) {
	offer, err := Parse(offers(t)["siprec-rfc7866-figure5"])
	if err != nil {
		t.Fatal(err)
	}
	plan := mustAnswer(t, offer, recorder(offer))
	if got := layout(plan.Answer); got != "1:30000:recvonly 2:0: 3:30004:recvonly 4:0:" {
		t.Error(got)
	}
	if len(plan.Streams) != 2 || plan.Streams[1].Index != 2 || !plan.Streams[1].Receive || plan.Streams[1].Send || plan.Streams[1].Label != "3" {
		t.Errorf("%+v", plan.Streams)
	}
	// SR-UPD-01, SR-UPD-04: a paused and a removed stream.
	offer.Media[0].Direction, offer.Media[2].Port = Inactive, 0
	if got := layout(mustAnswer(t, offer, recorder(offer)).Answer); got != "1:30000:inactive 2:0: 3:0: 4:0:" {
		t.Error(got)
	}
}

// SR-EST-14, SR-EST-15, SR-SRS-12 (RFC 7866, section 7.2): re-offers of a recorder pause, resume and remove, but do not add.
func TestRecorderReoffers(t *testing.T) {
	local := recording("1", "2")
	offer := Offer(local)
	local.Previous, local.ByPosition = &offer, true
	tests := []struct {
		name  string
		lines []string
		want  string
		sends []bool
	}{
		{"ready", []string{"m=audio 1000 RTP/AVP 0", "a=recvonly", "m=audio 1002 RTP/AVP 0", "a=recvonly"}, "1:20000:sendonly 2:20002:sendonly", []bool{true, true}},
		{"pause", []string{"m=audio 1000 RTP/AVP 0", "a=inactive", "m=audio 1002 RTP/AVP 0", "a=recvonly"}, "1:20000:inactive 2:20002:sendonly", []bool{false, true}},
		{"no direction", []string{"m=audio 1000 RTP/AVP 0", "m=audio 1002 RTP/AVP 0"}, "1:20000:sendonly 2:20002:sendonly", []bool{true, true}},
		{"remove", []string{"m=audio 0 RTP/AVP 0", "m=audio 1002 RTP/AVP 0", "a=recvonly"}, "1:0: 2:20002:sendonly", []bool{true}},
		{
			"add",
			[]string{
				"m=audio 1000 RTP/AVP 0", "a=recvonly", "m=audio 1002 RTP/AVP 0", "a=recvonly", "m=audio 1004 RTP/AVP 0",
				"a=recvonly", "a=label:9",
			},
			"1:20000:sendonly 2:20002:sendonly 9:0:",
			[]bool{true, true},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plan := mustAnswer(t, parse(t, tt.lines...), local)
			if got := layout(plan.Answer); got != tt.want {
				t.Error(got)
			}
			var sends []bool
			for _, s := range plan.Streams {
				sends = append(sends, s.Send)
			}
			if !slices.Equal(sends, tt.sends) {
				t.Error(sends)
			}
		})
	}
}

// SR-REG-04, SR-REC-06, SR-REC-07, SR-PRF-01, SR-PRF-05, SR-PRF-06, SR-PRF-09 (RFC 7866, sections 7.1.2 and 7.3.2).
func TestRecordAttributes(t *testing.T) {
	tests := []struct {
		session, media string
		record         Record
		preference     RecordPreference
	}{
		{"", "", RecordUnspecified, PreferenceUnspecified},
		{"a=record:on", "", RecordOn, PreferenceUnspecified},
		{"a=record:on", "a=record:off", RecordOff, PreferenceUnspecified},
		{"", "a=record:paused", RecordPaused, PreferenceUnspecified},
		{"", "a=record:PAUSED", RecordPaused, PreferenceUnspecified},
		{"", "a=record:pause", RecordUnspecified, PreferenceUnspecified},
		{"a=recordpref:on", "", RecordUnspecified, PreferenceOn},
		{"a=recordpref:on", "a=recordpref:off", RecordUnspecified, PreferenceOff},
		{"a=recordpref:pause", "", RecordUnspecified, PreferencePause},
		{"a=recordpref:on", "a=recordpref:nopreference", RecordUnspecified, PreferenceNone},
		{"a=recordpref:paused", "", RecordUnspecified, PreferenceUnspecified},
		{"a=a=recordpref:on", "", RecordUnspecified, PreferenceUnspecified},
	}
	for _, tt := range tests {
		offer := parse(t, tt.session, "m=audio 4000 RTP/AVP 0", tt.media)
		local := participant("192.0.2.1")
		local.Record = RecordOn
		plan := mustAnswer(t, offer, local)
		if s := first(t, plan); s.Record != tt.record || s.RecordPreference != tt.preference {
			t.Errorf("%q %q: %v %v", tt.session, tt.media, s.Record, s.RecordPreference)
		}
		// SR-REC-09, SR-REC-12, SR-PRF-04: our own state, whatever the peer says.
		if text := string(plan.Answer.Marshal()); !strings.Contains(text, "\r\na=record:on\r\n") || strings.Contains(text, "recordpref") {
			t.Error(text)
		}
	}
	local := participant("192.0.2.1")
	local.Streams[0].Record, local.Record = RecordPaused, RecordOn
	if d := Offer(local); d.RecordOf(0) != RecordPaused || d.Record != RecordOn {
		t.Errorf("%+v", d)
	}
}

// SR-SDP-14, FO-MOD-19: label and content of ours are written, else the label of the offer comes back.
func TestLabels(t *testing.T) {
	offer := parse(t, "m=audio 4000 RTP/AVP 0", "a=label:theirs", "a=content:main")
	local := participant("192.0.2.1")
	if m := mustAnswer(t, offer, local).Answer.Media[0]; m.Label != "theirs" || m.Content != "" {
		t.Errorf("%+v", m)
	}
	local.Streams[0].Label, local.Streams[0].Content = "10\r\na=evil", "main"
	if m := mustAnswer(t, offer, local).Answer.Media[0]; m.Label != "10  a=evil" || m.Content != "main" {
		t.Errorf("%+v", m)
	}
}
