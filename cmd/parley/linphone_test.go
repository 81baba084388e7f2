package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/internal/conftest"
)

// linphoneConfig keeps linphonec on the loopback interface, on free ports, without sound cards.
const linphoneConfig = `[sip]
default_proxy=%[1]d
sip_port=%[2]d
sip_tcp_port=%[2]d
sip_tls_port=0
use_ipv6=0
guess_hostname=0
auto_net_state_mon=1
contact="%[3]s" <sip:%[4]s@127.0.0.1>
[rtp]
audio_rtp_port=-1
bind_address=127.0.0.1
[sound]
ec=0
[app]
record_aware=1
`

// linphoneAccount is that of linus at a registrar.
const linphoneAccount = `[proxy_0]
reg_proxy=<sip:127.0.0.1:%d>
reg_identity="Linus" <sip:linus@127.0.0.1>
reg_expires=600
reg_sendregister=1
publish=0
[auth_info_0]
username=linus
passwd=s3cret
realm=pbx.test
`

// linphone is a running linphonec.
type linphone struct {
	commands io.Writer
	heard    string // file of what it hears
	log      string // file with all messages
	wait     func()
}

// startLinphone starts linphonec, which is registered as linus and speaks alice's recording.
func startLinphone(t *testing.T) linphone {
	t.Helper()
	return linphonec(t, fmt.Sprintf(linphoneConfig, 0, -1, "Linus", "linus")+fmt.Sprintf(linphoneAccount, kamailio(t)), "alice")
}

// linphonec starts it with a configuration; it speaks a recording of testdata/speech.
func linphonec(t *testing.T, rc, speaker string, args ...string) linphone {
	t.Helper()
	home := t.TempDir()
	l := linphone{heard: filepath.Join(home, "heard.wav"), log: filepath.Join(home, "log")}
	file, spoken := filepath.Join(home, "rc"), filepath.Join(home, "spoken.wav")
	if err := os.WriteFile(file, []byte(rc), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(home, ".local", "share", "linphone"), 0o700); err != nil { // it wants a database there
		t.Fatal(err)
	}
	if err := conftest.WriteWAV(spoken, 16000, voice(t, speaker, 16000)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	command := exec.CommandContext(ctx, "linphonec", append([]string{"-c", file, "-d", "6", "-l", l.log}, args...)...)
	command.Env = append(os.Environ(), "HOME="+home)
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal("linphonec (Debian package linphone-cli):", err)
	}
	l.commands = in
	l.say(t, "soundcard use files", "play "+spoken, "record "+l.heard)
	l.wait = func() {
		defer cancel()
		if err := command.Wait(); err != nil {
			t.Errorf("linphonec: %v\n%s", err, out.String())
		}
	}
	return l
}

// say types commands.
func (l linphone) say(t *testing.T, commands ...string) {
	t.Helper()
	if _, err := io.WriteString(l.commands, strings.Join(commands, "\n")+"\n"); err != nil {
		t.Error(err)
	}
}

// logged reports whether something is in its log.
func (l linphone) logged(text string) bool { return l.times(text) > 0 }

// times says how often.
func (l linphone) times(text string) int {
	log, _ := os.ReadFile(l.log)
	return bytes.Count(log, []byte(text))
}

// linphoneHost is an address of this process, another one for each test that needs one.
func linphoneHost(test int) string {
	n := os.Getpid()
	return fmt.Sprintf("127.%d.%d.%d", test, n>>8&0xFF, n&0xFF)
}

// TestLinphone: a client that knows conferences joins one, sees from Contact that it is one, and follows who is in it with its own subscription;
// it is aware of recordings, and agrees to be told of one by re-INVITE.
//
// Shows FO-IN-01, FO-ID-05.
func TestLinphone(t *testing.T) {
	t.Parallel()
	host := linphoneHost(77)
	s := testService(t, func(cfg *config.Config) { cfg.SIP.Listen = []string{"udp://" + host + ":5060"} }) // Linphone subscribes at the host, without the port
	uri := "sip:linphone@" + host
	bob, carol := testPhone(t, "bob"), testPhone(t, "carol")
	if err := bob.Call(t.Context(), uri); err != nil {
		t.Fatal(err)
	}
	l := startLinphone(t)
	waitFor(t, "linphonec to be registered", func() bool { return l.logged("to [LinphoneRegistrationOk]") })
	l.say(t, "call "+uri)
	there := func() (found focus.ParticipantInfo) {
		list, _ := s.focus.Participants(t.Context(), "linphone")
		for _, p := range list {
			if strings.HasPrefix(p.URI, "sip:linus@") {
				found = p
			}
		}
		return found
	}
	waitFor(t, "linphonec to come", func() bool { return there().State == "connected" })
	for range 4 {
		bob.Say(voice(t, "bob", 8000))
	}
	waitFor(t, "linphonec to know the conference", func() bool { return l.logged("from state CreationPending to Created") })
	if err := carol.Call(t.Context(), uri); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bob", "carol"} { // it says so when it looks for somebody in its list, and then adds him
		waitFor(t, "linphonec to see "+name, func() bool { return l.logged("with address sip:" + name + "@") })
	}
	if _, err := s.focus.StartRecording(t.Context(), "linphone", focus.RecordingRequest{Modes: conference.Mixed}); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "linphonec to know that it is recorded", func() bool { return there().Recording == "on" && l.logged("a=record:on") })
	waitFor(t, "seven seconds of linphonec", func() bool { p := there(); return p.Stats != nil && p.Stats.ReceivedPackets > 350 })
	l.say(t, "terminate", "quit")
	l.wait()
	heard, err := bob.Heard()
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "the conference hears linphonec", heard, voice(t, "alice", conftest.AnalysisRate))
	wav, err := conftest.ReadWAV(l.heard)
	if err != nil {
		t.Fatal(err)
	}
	samples, err := conftest.Resample(wav.Samples, wav.Rate)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "linphonec hears the conference", samples, voice(t, "bob", conftest.AnalysisRate))
}

// TestLinphoneTransfers: who is in a conference calls a colleague and transfers her into it. She takes his place (RFC 5589, section 7.3), is heard and hears.
//
// Shows FO-RPL-01, FO-RPL-07.
func TestLinphoneTransfers(t *testing.T) {
	t.Parallel()
	host := linphoneHost(78)
	s := testService(t, func(cfg *config.Config) {
		cfg.SIP.Listen, cfg.SIP.Takeover = []string{"udp://" + host + ":5060"}, "anyone" // it refers to the host, without the port
	})
	uri := "sip:transfer@" + host
	bob := testPhone(t, "bob")
	if err := bob.Call(t.Context(), uri); err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	linda := linphonec(t, fmt.Sprintf(linphoneConfig, -1, port, "Linda", "linda"), "alice", "-a")
	linus := linphonec(t, fmt.Sprintf(linphoneConfig, -1, -1, "Linus", "linus"), "carol")
	there := func(name string) (found focus.ParticipantInfo) {
		list, _ := s.focus.Participants(t.Context(), "transfer")
		for _, p := range list {
			if strings.HasPrefix(p.URI, "sip:"+name+"@") {
				found = p
			}
		}
		return found
	}
	linus.say(t, "call "+uri)
	waitFor(t, "linus to come", func() bool { return there("linus").State == "connected" })
	linus.say(t, "pause")
	waitFor(t, "linus to hold", func() bool { return linus.logged("to LinphoneCallPaused") })
	linus.say(t, fmt.Sprintf("call sip:linda@127.0.0.1:%d", port))
	waitFor(t, "his call with linda", func() bool { return linus.times("to LinphoneCallStreamsRunning") == 2 })
	linus.say(t, "transfer 2 --to-call 1")
	waitFor(t, "linda in his place", func() bool { return there("linda").State == "connected" && there("linus").State == "" })
	bob.Say(slices.Repeat(voice(t, "bob", 8000), talks))
	waitFor(t, "seven seconds of linda", func() bool { p := there("linda"); return p.Stats != nil && p.Stats.ReceivedPackets > 350 })
	expectSoon(t, "the conference hears linda", func() ([]float64, error) { return bob.HeardLast(lately) }, voice(t, "alice", conftest.AnalysisRate))
	linda.say(t, "terminate", "quit")
	linus.say(t, "quit")
	linda.wait()
	linus.wait()
	wav, err := conftest.ReadWAV(linda.heard)
	if err != nil {
		t.Fatal(err)
	}
	samples, err := conftest.Resample(wav.Samples, wav.Rate)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "linda hears the conference", samples, voice(t, "bob", conftest.AnalysisRate))
}
