package focus_test

import (
	"encoding/binary"
	"maps"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sdp"
)

// reported writes a receiver report about a stream (RFC 3550, section 6.4.2).
func (s *recordingServer) reported(label string, lost uint8, jitter uint32) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, h := range s.streams {
		if h.label != label || !h.rtcp.IsValid() {
			continue
		}
		packet := binary.BigEndian.AppendUint32([]byte{0x81, 201, 0, 7}, 0x5151)
		for source := range h.ssrcs {
			packet = binary.BigEndian.AppendUint32(packet, source)
		}
		packet = append(packet, lost, 0, 0, 9)
		packet = binary.BigEndian.AppendUint32(packet, uint32(h.numbers[len(h.numbers)-1]))
		packet = binary.BigEndian.AppendUint32(packet, jitter)
		packet = append(packet, make([]byte, 8)...)
		_, err := s.controls[i].WriteToUDPAddrPort(packet, h.rtcp)
		must(s.t, err)
	}
}

// Shows SR-RTP-02, SR-RTP-10, SR-RTP-17. Reports of the recorder are read although media go one way, and what they say is shown; everybody has one
// name in all streams.
func TestReportsOfTheRecorder(t *testing.T) {
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, nil)
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
	alice.hum(500, 60*time.Second)
	id := b.record("room", both)
	b.awaitRecording("room", id, conference.RecordingActive)
	b.await("reports of ours", func() bool { return srs.stream("1").rtcp.IsValid() && srs.stream("2").rtcp.IsValid() })
	stream := func() focus.StreamInfo {
		info, err := b.focus.Recording(t.Context(), "room", id)
		must(t, err)
		for _, s := range info.Streams {
			if s.Label == "2" {
				return s
			}
		}
		return focus.StreamInfo{}
	}
	if s := stream(); s.Reports != 0 || s.LossPercent != 0 {
		t.Errorf("before any report: %+v", s)
	}
	b.await("the report to be shown", func() bool {
		srs.reported("2", 64, 80)
		s := stream()
		return s.Reports > 0 && s.LossPercent == 25 && s.JitterMS == 10
	})
	names := func(label string) map[uint32]string {
		all := map[uint32]string{}
		h := srs.stream(label)
		for _, r := range h.reports {
			if r.kind == 202 {
				maps.Copy(all, r.names())
			}
		}
		return all
	}
	b.await("alice to have one name", func() bool {
		talker, own := b.find("room", "alice").Session.SSRC, srs.stream("2")
		v := srs.known()
		name := v.person("alice").Text()
		return len(own.ssrcs) == 1 && name != "" && names("1")[talker] == name && names("2")[talker] == name && names("3")[talker] == ""
	})
}

// Shows SR-PRF-10. Who wishes something without being record-aware is heeded all the same, and told by the tone.
func TestPreferenceOfWhoIsNotAware(t *testing.T) {
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, func(c *focus.Config) {
		c.Defaults.Recording = conference.RecordingConfig{Modes: conference.Mixed, Servers: []string{"srs"}, Preferences: conference.PreferencesOfAll}
	})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", Preference: sdp.PreferenceOn})
	b.await("packets", func() bool { return srs.stream("1").packets > 10 })
	b.await("the tone", func() bool { return alice.hearsNow(1400) > -40 })
	if _, err := alice.Prefer(t.Context(), sdp.PreferenceOff); err != nil {
		t.Error(err)
	}
	<-srs.ended
	alice.leave("room")
}
