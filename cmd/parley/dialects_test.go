package main

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/internal/conftest"
)

// manner is what SIPp does as a recorder of two streams, with a scenario of testdata/sipp/srs.
type manner struct {
	name  string // of the scenario, of the conference and, with srs- before it, of the server
	state string // of the recording, after all
	alarm string // empty: there is none, but for the reports (RTCP) that SIPp does not send
	flows []bool // which streams get packets; nil: nobody looks
	pause bool   // the recording is paused as soon as it goes on
}

func manners() []manner {
	all := append(make([]manner, 0, 23), []manner{
		{name: "fewer-streams", state: "recording", alarm: "streams-refused", flows: []bool{true, false}},
		{name: "sendrecv", state: "recording", flows: []bool{true, true}},
		{name: "half-ready", state: "recording", flows: []bool{true, false}},
		{name: "reinvite", state: "recording", flows: []bool{true, true}},
		{name: "snapshot", state: "recording", flows: []bool{true, true}},
		{name: "slow", state: "recording", flows: []bool{true, true}},
		{name: "pending", state: "paused", pause: true},
		{name: "only-tries", state: "failed", alarm: "lost"},
		{name: "only-tries-change", state: "failed", alarm: "lost", pause: true},
		{name: "only-tries-bye", state: "recording", flows: []bool{true, true}},
		{name: "bye", state: "failed", alarm: "ended"},
		{name: "no-answer", state: "failed", alarm: "bad-answer"},
	}...)
	for _, status := range []string{"302", "400", "403", "404", "420", "480", "486", "500", "503", "600", "603"} {
		alarm := "refused"
		if status == "420" {
			alarm = "not-a-recorder"
		}
		all = append(all, manner{name: "refuse-" + status, state: "failed", alarm: alarm})
	}
	return all
}

// Shows RQ-ARC-01, SR-ERR-01, SR-ERR-07, SR-ERR-09, SR-ERR-11, SR-ERR-15, SR-ERR-16, SR-SDP-09, SR-INT-13. A foreign user agent is the recorder, in many dialects and with many faults: the recording is
// in the state that fits, the operator is told of what he has to know, and those who talk hear each other all the time.
func TestDialectsOfRecorders(t *testing.T) {
	all, log := manners(), &logText{}
	ports := map[string]int{}
	s := testServiceTo(t, log, func(cfg *config.Config) {
		cfg.SRS.Enabled = false
		for _, d := range all {
			for ports[d.name] == 0 {
				if port := freePort(t); !slices.Contains(slices.Collect(maps.Values(ports)), port) {
					ports[d.name] = port
				}
			}
			cfg.Recording.Servers = append(cfg.Recording.Servers, config.RecordingServer{
				Name: "srs-" + d.name, URI: fmt.Sprintf("sip:srs@127.0.0.1:%d", ports[d.name]), Codecs: []string{"pcmu"}, SRTP: "disabled",
				Retry: config.RecorderRetry{Initial: 100 * time.Millisecond, Attempts: 1},
			})
		}
	})
	for _, d := range all {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			speak(t, s, log, d, ports[d.name])
		})
	}
}

// speak has two talk while SIPp records them.
func speak(t *testing.T, s *service, log *logText, d manner, port int) {
	t.Helper()
	t.Cleanup(func() {
		for line := range strings.Lines(log.String()) {
			if t.Failed() && strings.Contains(line, d.name) {
				t.Log(line)
			}
		}
	})
	media := 7000 + 4*rand.IntN(3000) // of each its own: two that look for free ones at a time may take the same
	wait := sipp(t, "srs/"+d.name, "-m", "1", "-p", strconv.Itoa(port), "-mp", strconv.Itoa(media))
	alice, bob := testPhone(t, "alice"), testPhone(t, "bob")
	for _, phone := range []*conftest.Phone{alice, bob} {
		if err := phone.Call(t.Context(), fmt.Sprintf("sip:%s@%v", d.name, s.agent.Addr("udp"))); err != nil {
			t.Fatal(err)
		}
	}
	alice.Say(hum(700, 60*time.Second))
	id := conference.ID(d.name)
	recording, err := s.focus.StartRecording(t.Context(), id, focus.RecordingRequest{Modes: conference.Separate, Servers: []string{"srs-" + d.name}})
	if err != nil {
		t.Fatal(err)
	}
	reached := func(state string) focus.RecordingInfo {
		t.Helper()
		var info focus.RecordingInfo
		waitFor(t, "the state "+state, func() bool {
			var err error
			info, err = s.focus.Recording(t.Context(), id, recording.ID)
			return err == nil && info.State == state
		})
		return info
	}
	if d.pause {
		reached("recording")
		if _, err := s.focus.PauseRecording(t.Context(), id, recording.ID); err != nil {
			t.Fatal(err)
		}
	}
	reached(d.state)
	alarm := "server=srs-" + d.name + " alarm=" + d.alarm
	waitFor(t, "the alarm "+d.alarm, func() bool { return d.alarm == "" || strings.Contains(log.String(), alarm) })
	if d.flows != nil {
		waitFor(t, "packets", func() bool {
			streams := reached(d.state).Streams
			return len(streams) == len(d.flows) && streams[0].Packets > 50 && (streams[1].Packets > 50 || !d.flows[1])
		})
		for i, stream := range reached(d.state).Streams {
			if (stream.Packets > 0) != d.flows[i] {
				t.Errorf("stream %d got %d packets", i+1, stream.Packets)
			}
		}
	}
	waitFor(t, "bob to hear alice", func() bool {
		heard, err := bob.HeardLast(200 * time.Millisecond)
		return err == nil && conftest.Level(heard) > -30
	})
	for _, phone := range []*conftest.Phone{alice, bob} {
		select {
		case <-phone.Over():
			t.Error("a call is over")
		default:
		}
	}
	if d.state != "failed" {
		if _, err := s.focus.StopRecording(t.Context(), id, recording.ID); err != nil {
			t.Fatal(err)
		}
		reached("stopped")
	}
	wait()
	for line := range strings.Lines(log.String()) {
		if d.alarm == "" && strings.Contains(line, alarm) && !strings.Contains(line, "alarm=silent") {
			t.Error(line)
		}
	}
}

// hum is a tone at 8 kHz.
func hum(hz float64, length time.Duration) []int16 {
	pcm := make([]int16, int(length.Seconds()*8000))
	for i := range pcm {
		pcm[i] = int16(8000 * math.Sin(2*math.Pi*hz*float64(i)/8000))
	}
	return pcm
}
