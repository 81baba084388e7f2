package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/conftest"
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
net_interface lo
audio_player aufile,%[1]s/heard.wav
audio_source aufile,%[1]s/speech.wav
ausrc_srate 16000
auplay_srate 16000
module_path %[2]s
module g711.so
module g722.so
module opus.so
module aufile.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
`

// baresip starts a real phone that dials uri, speaks alice's recording, and writes what it hears to the returned file.
func baresip(t *testing.T, codec, uri string) (heard string, stop func()) {
	t.Helper()
	modules, err := filepath.Glob("/usr/lib/*/baresip/modules")
	if err != nil {
		t.Fatal(err)
	}
	modules = append(modules, "/usr/lib/baresip/modules")
	dir := t.TempDir()
	for name, text := range map[string]string{
		"config": fmt.Sprintf(baresipConfig, dir, modules[0]), "contacts": "",
		"accounts": "<sip:baresip@127.0.0.1>;regint=0;audio_codecs=" + codec + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := conftest.WriteWAV(filepath.Join(dir, "speech.wav"), 16000, voice(t, "alice", 16000)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	command := exec.CommandContext(ctx, "baresip", "-4", "-f", dir, "-t", "7", "-e", "/dial "+uri)
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	if err := command.Start(); err != nil {
		t.Fatal("baresip (Debian package baresip-core):", err)
	}
	return filepath.Join(dir, "heard.wav"), func() {
		t.Helper()
		defer cancel()
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
			phone := testPhone(t, "bob")
			if err := phone.Call(t.Context(), uri); err != nil {
				t.Fatal(err)
			}
			heardFile, wait := baresip(t, codec, uri)
			for range 3 { // bob speaks all the time, so that baresip hears him whenever it is in
				phone.Say(voice(t, "bob", 8000))
			}
			wait()
			heard, err := phone.Heard()
			if err != nil {
				t.Fatal(err)
			}
			expect(t, "the conference hears baresip", heard, voice(t, "alice", conftest.AnalysisRate))
			wav, err := conftest.ReadWAV(heardFile)
			if err != nil {
				t.Fatal(err)
			}
			samples, err := conftest.Resample(wav.Samples, wav.Rate)
			if err != nil {
				t.Fatal(err)
			}
			expect(t, "baresip hears the conference", samples, voice(t, "bob", conftest.AnalysisRate))
		})
	}
}

// expect finds a second of what was said in what was heard.
func expect(t *testing.T, what string, heard []float64, said []int16) {
	t.Helper()
	full, err := conftest.Resample(said, conftest.AnalysisRate)
	if err != nil {
		t.Fatal(err)
	}
	found := conftest.Find(heard, full[conftest.AnalysisRate/2:3*conftest.AnalysisRate/2])
	if found.Correlation < 0.7 || found.Gain < -4 || found.Gain > 4 {
		t.Errorf("%s: %+v in %.1f s", what, found, float64(len(heard))/conftest.AnalysisRate)
	}
}
