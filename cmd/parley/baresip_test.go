package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/testdata/speech"
)

// testPhone is a phone with G.711 that ends with the test.
func testPhone(t *testing.T, name string) *conftest.Phone {
	t.Helper()
	phone, err := conftest.NewPhone(t.Context(), conftest.PhoneConfig{Name: name, Codec: codecs.PCMU, Origin: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = phone.Close(ctx)
	})
	return phone
}

// voice is a recording of testdata/speech at a rate in Hz.
func voice(t *testing.T, name string, rate int) []int16 {
	t.Helper()
	file, err := speech.Files.ReadFile(name + ".wav")
	if err != nil {
		t.Fatal(err)
	}
	wav, err := conftest.ParseWAV(file)
	if err != nil {
		t.Fatal(err)
	}
	out, err := conftest.ResamplePCM(wav.Samples, wav.Rate, rate)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

const baresipConfig = `poll_method epoll
sip_listen 127.0.0.1:0
net_interface 127.0.0.1
audio_player aubridge,nobody
snd_path %[1]s
audio_source aufile,%[1]s/speech.wav
ausrc_srate 16000
auplay_srate 16000
module_path %[2]s
module g711.so
module g722.so
module opus.so
module srtp.so
module dtls_srtp.so
module ice.so
module aufile.so
module aubridge.so
module sndfile.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
`

// baresipPhone says how baresip calls.
type baresipPhone struct {
	codec   string
	account string // parameters of its account
	uri     string // that it dials
	config  string // lines of its configuration
}

// baresip starts a real phone that dials, speaks alice's recording again and again, and writes what it hears to a file of the returned pattern.
// It takes what is written to keys for keys that are pressed on it. It hangs up when it is told to stop, after two minutes at the latest.
func baresip(t *testing.T, phone baresipPhone) (heard string, keys io.Writer, stop func()) {
	t.Helper()
	modules, err := filepath.Glob("/usr/lib/*/baresip/modules")
	if err != nil {
		t.Fatal(err)
	}
	modules = append(modules, "/usr/lib/baresip/modules")
	dir := t.TempDir()
	for name, text := range map[string]string{
		"config": fmt.Sprintf(baresipConfig, dir, modules[0]) + phone.config, "contacts": "",
		"accounts": "<sip:baresip@127.0.0.1>;regint=0;audio_codecs=" + phone.codec + phone.account + "\n",
	} {
		if err = os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err = conftest.WriteWAV(filepath.Join(dir, "speech.wav"), 16000, slices.Repeat(voice(t, "alice", 16000), talks)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	command := exec.CommandContext(ctx, "baresip", "-4", "-f", dir, "-e", "/dial "+phone.uri)
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	if keys, err = command.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err = command.Start(); err != nil {
		t.Fatal("baresip (Debian package baresip-core):", err)
	}
	return filepath.Join(dir, "dump-*-dec.wav"), keys, func() {
		t.Helper()
		defer cancel()
		if err := command.Process.Signal(os.Interrupt); err != nil {
			t.Errorf("baresip has gone: %v", err)
		}
		if err := command.Wait(); err != nil {
			t.Errorf("baresip: %v\n%s", err, out.String())
		}
	}
}

// TestBaresipIsHeardAndHears: a real phone dials in with each codec; somebody else in the conference hears it, and it hears him.
func TestBaresipIsHeardAndHears(t *testing.T) {
	s := testService(t, nil)
	for _, codec := range []string{"PCMU", "PCMA", "G722", "opus"} {
		t.Run(codec, func(t *testing.T) {
			t.Parallel()
			uri := fmt.Sprintf("sip:baresip-%s@%v", codec, s.agent.Addr("udp"))
			speakTogether(t, s, uri, baresipPhone{codec: codec, uri: uri}, nil)
		})
	}
}

// TestBaresipProtected: the same by SRTP, with keys in the descriptions; the roster says so.
//
// Shows ME-SRT-01, ME-SDE-05, ME-SDE-06.
func TestBaresipProtected(t *testing.T) {
	t.Parallel()
	s := testService(t, func(cfg *config.Config) {
		cfg.Media.SRTP, cfg.Media.SDESInClear = "optional", true
	})
	protected := make(chan bool, 1)
	watcher := s.focus.Watch("secret", "")
	defer watcher.Close()
	go func() {
		for {
			e, err := watcher.Next(t.Context())
			if err != nil {
				return
			}
			if p, ok := e.Object.(focus.ParticipantInfo); ok && p.SRTP {
				protected <- true
				return
			}
		}
	}()
	uri := fmt.Sprintf("sip:secret@%v", s.agent.Addr("udp"))
	speakTogether(t, s, uri, baresipPhone{codec: "PCMU", account: ";mediaenc=srtp-mand", uri: uri}, nil)
	select {
	case <-protected:
	default:
		t.Error("nobody was protected")
	}
}

// TestBaresipSecure: the same with its signalling over TLS, too; keys that are pressed on it come through the encrypted media, and do what the
// menu says.
//
// Shows FO-PRI-02, ME-SRT-01.
func TestBaresipSecure(t *testing.T) {
	t.Parallel()
	cert, key := selfSigned(t)
	s := testService(t, func(cfg *config.Config) {
		cfg.SIP.Listen = append(cfg.SIP.Listen, "tls://127.0.0.1:0")
		cfg.SIP.TLS = config.TLS{Cert: cert, Key: config.Secret(key)}
		cfg.Media.SRTP = "optional"
	})
	there := func() focus.ParticipantInfo { return baresipIn(t, s, "keys") }
	speakTogether(t, s, fmt.Sprintf("sip:keys@%v", s.agent.Addr("udp")), baresipPhone{
		codec: "opus", account: ";transport=tls;mediaenc=srtp-mand", uri: fmt.Sprintf("sip:keys@%v;transport=tls", s.agent.Addr("tls")),
		config: "sip_cafile " + cert + "\nmodule stdio.so\n",
	}, func(keys io.Writer) {
		waitFor(t, "three seconds of baresip", func() bool {
			p := there()
			return p.SRTP && p.Stats != nil && p.Stats.ReceivedPackets > 150
		})
		for _, muted := range []bool{true, false} {
			for _, key := range []string{"*", "6"} {
				if _, err := io.WriteString(keys, key); err != nil {
					t.Error(err)
				}
				<-time.After(400 * time.Millisecond) // it lets go of the key after a quarter of a second
			}
			waitFor(t, fmt.Sprintf("baresip to be muted: %v", muted), func() bool { p := there(); return p.ID != "" && p.Muted == muted })
		}
	})
}

// TestBaresipWithHandshake: the same by DTLS-SRTP, on one port and on two, with ICE and without.
//
// Shows ME-DTL-01, ME-DTL-02, ME-DTL-07, ME-DTL-10, ME-NAT-03.
func TestBaresipWithHandshake(t *testing.T) {
	s := testService(t, func(cfg *config.Config) { cfg.Media.SRTP = "optional" })
	for name, parameters := range map[string]string{"two": ";rtcp_mux=no", "ice": ";rtcp_mux=yes;medianat=ice"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			uri := fmt.Sprintf("sip:shake-%s@%v", name, s.agent.Addr("udp"))
			speakTogether(t, s, uri, baresipPhone{codec: "PCMU", account: ";mediaenc=dtls_srtp" + parameters, uri: uri}, nil)
		})
	}
}

// baresipIn is what the focus knows of baresip in a conference.
func baresipIn(t *testing.T, s *service, conf conference.ID) (found focus.ParticipantInfo) {
	t.Helper()
	list, _ := s.focus.Participants(t.Context(), conf)
	for _, p := range list {
		if strings.HasPrefix(p.URI, "sip:baresip@") {
			found = p
		}
	}
	return found
}

// speakTogether lets baresip and bob talk until each has heard the other.
func speakTogether(t *testing.T, s *service, uri string, other baresipPhone, meanwhile func(keys io.Writer)) {
	t.Helper()
	target, err := sipua.ParseURI(uri)
	if err != nil {
		t.Fatal(err)
	}
	phone := testPhone(t, "bob")
	if err = phone.Call(t.Context(), uri); err != nil {
		t.Fatal(err)
	}
	heardFile, keys, stop := baresip(t, other)
	phone.Say(slices.Repeat(voice(t, "bob", 8000), talks))
	if meanwhile != nil {
		meanwhile(keys)
	}
	waitFor(t, "six seconds of both", func() bool {
		p := baresipIn(t, s, conference.ID(target.User))
		return p.Stats != nil && min(p.Stats.ReceivedPackets, p.Stats.SentPackets) >= 300
	})
	expectSoon(t, "the conference hears baresip", func() ([]float64, error) { return phone.HeardLast(lately) }, voice(t, "alice", conftest.AnalysisRate))
	expectSoon(t, "baresip hears the conference", func() ([]float64, error) { return heardBy(heardFile) }, voice(t, "bob", conftest.AnalysisRate))
	explain(t, s, conference.ID(target.User), phone)
	stop()
}

// heardBy is what baresip has lately written of what it hears. It says how much that is when it closes the file.
func heardBy(pattern string) ([]float64, error) {
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) != 1 {
		return nil, fmt.Errorf("baresip wrote %v, %w", files, err)
	}
	file, err := os.ReadFile(files[0])
	if err != nil {
		return nil, err
	}
	if at := bytes.Index(file, []byte("data")); at > 0 && at+8 < len(file) {
		binary.LittleEndian.PutUint32(file[at+4:], uint32(len(file)-at-8))
	}
	wav, err := conftest.ParseWAV(file)
	if err != nil {
		return nil, err
	}
	return conftest.Resample(wav.Samples[max(0, len(wav.Samples)-int(lately.Seconds())*wav.Rate):], wav.Rate)
}

const (
	// lately is a time in which all is heard that somebody says again and again.
	lately = 9 * time.Second
	// talks is how often at most.
	talks = 14
	// looks is how often what was heard lately is looked at, after another lately each time: a machine without time for a call makes gaps and delays.
	looks = 5
)

// expectSoon is expect for what is said again and again and was heard lately: most is to be found in some seconds of the call. What is never whole is not let through.
func expectSoon(t *testing.T, what string, heard func() ([]float64, error), said []int16) {
	t.Helper()
	for look := 1; ; look++ {
		samples, err := heard()
		if err != nil {
			t.Fatal(err)
		}
		if look == looks {
			expect(t, what, samples, said)
			return
		}
		all, found := pieces(t, samples, said)
		if found {
			return
		}
		t.Logf("%s: not yet, %+v in %.1f s", what, all, float64(len(samples))/conftest.AnalysisRate)
		<-time.After(lately)
	}
}

// expect finds pieces of what was said in what was heard.
func expect(t *testing.T, what string, heard []float64, said []int16) {
	t.Helper()
	if all, found := pieces(t, heard, said); !found {
		t.Errorf("%s: %+v in %.1f s", what, all, float64(len(heard))/conftest.AnalysisRate)
	}
}

// pieces looks for some of what was said. The peer's clock and jitter buffer are its own, so a piece may be stretched: most must be found, and one clearly.
func pieces(t *testing.T, heard []float64, said []int16) (all []conftest.Found, enough bool) {
	t.Helper()
	full, err := conftest.Resample(said, conftest.AnalysisRate)
	if err != nil {
		t.Fatal(err)
	}
	const length = conftest.AnalysisRate * 6 / 10
	found, clearly := 0, 0
	for from := conftest.AnalysisRate / 2; from+length <= len(full) && len(all) < 6; from += length {
		if conftest.Level(full[from:from+length]) < -35 {
			continue // a pause
		}
		piece := conftest.Find(heard, full[from:from+length])
		all = append(all, piece)
		if piece.Correlation > 0.6 && piece.Gain > -6 && piece.Gain < 3 {
			found++
		}
		if piece.Correlation > 0.8 && piece.Gain > -3 && piece.Gain < 3 {
			clearly++
		}
	}
	return all, found*2 >= len(all) && clearly > 0
}
