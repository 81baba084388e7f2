package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
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
default_proxy=0
sip_port=-1
sip_tcp_port=-1
sip_tls_port=0
use_ipv6=0
guess_hostname=0
auto_net_state_mon=1
contact="Linus" <sip:linus@127.0.0.1>
[rtp]
audio_rtp_port=-1
bind_address=127.0.0.1
[sound]
ec=0
[app]
record_aware=1
[proxy_0]
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

// startLinphone starts linphonec, which speaks alice's recording.
func startLinphone(t *testing.T) linphone {
	t.Helper()
	home := t.TempDir()
	l := linphone{heard: filepath.Join(home, "heard.wav"), log: filepath.Join(home, "log")}
	file, spoken := filepath.Join(home, "rc"), filepath.Join(home, "spoken.wav")
	if err := os.WriteFile(file, fmt.Appendf(nil, linphoneConfig, kamailio(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(home, ".local", "share", "linphone"), 0o700); err != nil { // it wants a database there
		t.Fatal(err)
	}
	if err := conftest.WriteWAV(spoken, 16000, voice(t, "alice", 16000)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	command := exec.CommandContext(ctx, "linphonec", "-c", file, "-d", "6", "-l", l.log)
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
func (l linphone) logged(text string) bool {
	log, _ := os.ReadFile(l.log)
	return bytes.Contains(log, []byte(text))
}

// TestLinphone: a client that knows conferences joins one, sees from Contact that it is one, and follows who is in it with its own subscription;
// it is aware of recordings, and agrees to be told of one by re-INVITE.
//
// Shows FO-IN-01, FO-ID-05.
func TestLinphone(t *testing.T) {
	t.Parallel()
	n := os.Getpid()
	host := fmt.Sprintf("127.77.%d.%d", n>>8&0xFF, n&0xFF)
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
