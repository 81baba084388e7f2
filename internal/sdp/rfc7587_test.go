package sdp

import (
	"strings"
	"testing"

	"github.com/parley-sip/parley/codecs"
)

// ME-OPU-06, ME-OPU-07, ME-OPU-08, ME-OPU-10, ME-OPU-13, ME-OPU-17 (RFC 7587, sections 6.1 and 7.1).
func TestOpusParameters(t *testing.T) {
	tests := []struct {
		parameters string
		want       OpusParameters
	}{
		{"", OpusParameters{}},
		{
			"maxplaybackrate=16000; sprop-maxcapturerate=16000; maxaveragebitrate=20000; stereo=1; useinbandfec=1; usedtx=0",
			OpusParameters{MaxPlaybackRate: 16000, MaxCaptureRate: 16000, MaxAverageBitrate: 20000, Stereo: true, FEC: true},
		},
		{"stereo=1; sprop-stereo=1", OpusParameters{Stereo: true, SpropStereo: true}},
		{"CBR=1;UseDTX=1 ; foo=1;;=;bar", OpusParameters{CBR: true, DTX: true}},
		{"maxaveragebitrate=100", OpusParameters{}},
		{"maxaveragebitrate=510001;maxplaybackrate=-8000;sprop-maxcapturerate=x", OpusParameters{}},
		{"useinbandfec=yes;usedtx=2", OpusParameters{}},
	}
	for _, tt := range tests {
		if got := ParseOpus(tt.parameters); got != tt.want {
			t.Errorf("%q: %+v", tt.parameters, got)
		}
		if got := ParseOpus(tt.want.String()); got != tt.want {
			t.Errorf("%+v writes %q", tt.want, tt.want.String())
		}
	}
}

// ME-OPU-01, ME-OPU-13, ME-OPU-15, ME-OPU-16 (RFC 7587, section 7).
func TestOpusAnswer(t *testing.T) {
	offer := parse(t, "m=audio 4000 RTP/AVP 96", "a=rtpmap:96 opus/48000/2", "a=fmtp:96 foo=1;maxplaybackrate=16000;useinbandfec=1;usedtx=1;maxaveragebitrate=24000",
		"a=ssrc:1 fmtp:96 stereo=1")
	local := participant("192.0.2.1")
	local.Streams[0].Opus.MaxPlaybackRate = 24000
	plan := mustAnswer(t, offer, local)
	text := string(plan.Answer.Marshal())
	if !strings.Contains(text, "a=rtpmap:96 opus/48000/2\r\na=fmtp:96 maxplaybackrate=24000;useinbandfec=1\r\n") || strings.Contains(text, "foo") || strings.Contains(text, "ssrc") {
		t.Error(text)
	}
	s := first(t, plan)
	if want := (codecs.Format{Codec: codecs.Opus, PacketTime: codecs.FrameDuration, Bitrate: 24000, FEC: true, MaxBandwidth: 16000}); s.Format != want {
		t.Errorf("%+v", s.Format)
	}
	want := codecs.Format{
		Codec: codecs.Opus, PacketTime: codecs.FrameDuration, Bitrate: 12000, Complexity: 3, DTX: true, MaxBandwidth: 8000,
	}
	if got := s.Encode(codecs.Format{Bitrate: 12000, Complexity: 3, DTX: true, MaxBandwidth: 8000}); got != want {
		t.Errorf("%+v", got)
	}
}

// Without a wish of the peer there is neither correction nor discontinuous transmission.
func TestOpusDefaults(t *testing.T) {
	s := first(t, mustAnswer(t, parse(t, "m=audio 4000 RTP/AVP 96", "a=rtpmap:96 opus/48000"), participant("192.0.2.1")))
	if got := s.Encode(codecs.Format{FEC: true, DTX: true}); got.FEC || got.DTX || got.Bitrate != 0 {
		t.Errorf("%+v", got)
	}
}

// SR-SDP-16 (RFC 3264, section 7): b= limits the bit rate; AS counts the headers, TIAS does not.
func TestBandwidth(t *testing.T) {
	tests := []struct {
		line string
		max  int
	}{
		{"", 0},
		{"b=AS:40", 24000},
		{"b=AS:10", 6000},
		{"b=TIAS:24000", 24000},
		{"b=TIAS:24000\r\nb=AS:34", 18000},
		{"b=AS:40\r\na=ptime:40", 32000},
		{"b=AS:0", 0},
		{"b=XX:5", 0},
		{"b=AS:99999999999999999", 510000},
	}
	for _, tt := range tests {
		plan := mustAnswer(t, parse(t, "m=audio 4000 RTP/AVP 96", tt.line, "a=rtpmap:96 opus/48000/2"), participant("192.0.2.1"))
		if got := first(t, plan).MaxBitrate; got != tt.max {
			t.Errorf("%q: %d", tt.line, got)
		}
	}
}
