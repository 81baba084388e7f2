package sdp

import (
	"strings"
	"testing"
)

// RFC 3611, section 5: what each side wants to hear is its own affair, round trips need both; RFC 5506, section 5.
func TestExtendedReports(t *testing.T) {
	tests := []struct {
		name, proto, line string
		ours              bool
		want              ExtendedReports
		answered          string
		reduced           bool
	}{
		{name: "nothing", proto: "RTP/AVP", ours: true},
		{name: "metrics", proto: "RTP/AVP", line: "a=rtcp-xr:voip-metrics", ours: true, want: ExtendedReports{VoIP: true}, answered: "voip-metrics"},
		{name: "refused", proto: "RTP/AVP", line: "a=rtcp-xr:voip-metrics"},
		{
			name: "round trips of all", proto: "RTP/AVP", line: "a=rtcp-xr:pkt-loss-rle=100 rcvr-rtt=all:10000 stat-summary=loss", ours: true,
			want: ExtendedReports{RoundTrip: RoundTripAll}, answered: "rcvr-rtt=all voip-metrics",
		},
		{
			name: "round trips of senders", proto: "RTP/AVP", line: "a=rtcp-xr:VoIP-Metrics rcvr-rtt=sender", ours: true,
			want: ExtendedReports{VoIP: true, RoundTrip: RoundTripSenders}, answered: "rcvr-rtt=sender voip-metrics",
		},
		{name: "no octet", proto: "RTP/AVP", line: "a=rtcp-xr:rcvr-rtt=all:0", ours: true},
		{name: "empty", proto: "RTP/AVP", line: "a=rtcp-xr:", ours: true},
		{name: "unknown", proto: "RTP/AVP", line: "a=rtcp-xr:xyz rcvr-rtt=never", ours: true},
		{name: "reduced size", proto: "RTP/AVPF", line: "a=rtcp-rsize", ours: true, reduced: true},
		{name: "reduced size without feedback", proto: "RTP/AVP", line: "a=rtcp-rsize", ours: true},
		{name: "reduced size refused", proto: "RTP/AVPF", line: "a=rtcp-rsize"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			lines := []string{"m=audio 4000 " + tt.proto + " 0"}
			if tt.line != "" {
				lines = append(lines, tt.line)
			}
			local := participant("192.0.2.1")
			local.Streams[0].ExtendedReports, local.Streams[0].ReducedSize = tt.ours, tt.ours
			plan := mustAnswer(t, parse(t, lines...), local)
			s, media := first(t, plan), plan.Answer.Media[0]
			if s.Extended != tt.want || s.ReducedSize != tt.reduced {
				t.Errorf("agreed on %+v, reduced size %v", s.Extended, s.ReducedSize)
			}
			if got := strings.Join(media.Values("rtcp-xr"), ";"); got != tt.answered {
				t.Errorf("answered %q", got)
			}
			if got := len(media.Values("rtcp-rsize")) > 0; got != tt.reduced {
				t.Errorf("reduced size answered: %v", got)
			}
		})
	}
	session := parse(t, "a=rtcp-xr:voip-metrics", "m=audio 4000 RTP/AVP 0")
	local := participant("192.0.2.1")
	local.Streams[0].ExtendedReports = true
	if s := first(t, mustAnswer(t, session, local)); !s.Extended.VoIP {
		t.Error("the line at session level does not count")
	}
}

// The other way round: what an answer to our offer means.
func TestExtendedReportsOffered(t *testing.T) {
	local := participant("192.0.2.1")
	local.Streams[0].ExtendedReports, local.Streams[0].ReducedSize, local.Streams[0].Feedback = true, true, true
	offer := Offer(local)
	if text := string(offer.Marshal()); !strings.Contains(text, "a=rtcp-xr:rcvr-rtt=all voip-metrics\r\n") || !strings.Contains(text, "a=rtcp-rsize\r\n") {
		t.Errorf("offer\n%s", text)
	}
	for line, want := range map[string]Stream{
		"a=mid:1":                             {},
		"a=rtcp-xr:voip-metrics":              {Extended: ExtendedReports{VoIP: true}},
		"a=rtcp-xr:rcvr-rtt=sender":           {Extended: ExtendedReports{RoundTrip: RoundTripSenders}},
		"a=rtcp-xr:rcvr-rtt=all voip-metrics": {Extended: ExtendedReports{VoIP: true, RoundTrip: RoundTripAll}},
		"a=rtcp-rsize":                        {ReducedSize: true},
	} {
		plan, err := Accept(offer, parse(t, "m=audio 4000 RTP/AVPF 0", line))
		if err != nil {
			t.Fatal(err)
		}
		if s := first(t, plan); s.Extended != want.Extended || s.ReducedSize != want.ReducedSize {
			t.Errorf("%s: %+v, reduced size %v", line, s.Extended, s.ReducedSize)
		}
	}
	local.Streams[0].ExtendedReports, local.Streams[0].ReducedSize = false, false
	plan, err := Accept(Offer(local), parse(t, "m=audio 4000 RTP/AVPF 0", "a=rtcp-xr:voip-metrics", "a=rtcp-rsize"))
	if err != nil {
		t.Fatal(err)
	}
	if s := first(t, plan); s.Extended != (ExtendedReports{}) || s.ReducedSize {
		t.Errorf("not offered: %+v, reduced size %v", s.Extended, s.ReducedSize)
	}
}
