package sdp

import (
	"strings"
	"testing"
)

// Audio and text are never bundled into one session, and the levels of contributing sources are agreed for audio alone.
//
// Shows ME-RTP-14, ME-LVL-13.
func TestAudioAndTextApart(t *testing.T) {
	const levels = "a=extmap:3 urn:ietf:params:rtp-hdrext:csrc-audio-level"
	offer := parse(t, "a=group:BUNDLE a t", "m=audio 4000 RTP/AVP 0", "a=mid:a", levels,
		"m=text 4000 RTP/AVP 98", "a=rtpmap:98 t140/1000", "a=mid:t", levels)
	answer := string(mustAnswer(t, offer, participant("192.0.2.1")).Answer.Marshal())
	audio, text, found := strings.Cut(answer, "m=text ")
	if strings.Contains(answer, "BUNDLE a t") || !found {
		t.Fatalf("bundled, or without text:\n%s", answer)
	}
	if !strings.Contains(audio, "csrc-audio-level") || strings.Contains(text, "csrc-audio-level") {
		t.Errorf("levels in the wrong place:\n%s", answer)
	}
	_, after, _ := strings.Cut(audio, "m=audio ")
	port, _, _ := strings.Cut(after, " ")
	if other, _, _ := strings.Cut(text, " "); port == other {
		t.Errorf("both at port %s:\n%s", port, answer)
	}
	ours := string(Offer(participant("192.0.2.1")).Marshal())
	if strings.Contains(ours, "BUNDLE") {
		t.Errorf("an offer bundles:\n%s", ours)
	}
}
