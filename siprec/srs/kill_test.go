package srs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sipua"
)

// childDirectory makes the test program a recorder that writes there and says its address.
const (
	childMoves     = "SRS_TEST_MOVES"
	childDirectory = "SRS_TEST_DIRECTORY"
	childFormat    = "SRS_TEST_FORMAT"
)

func TestMain(m *testing.M) {
	if directory := os.Getenv(childDirectory); directory != "" {
		beRecorder(directory)

		return
	}
	if name := os.Getenv(childMoves); name != "" {
		beMover(name)

		return
	}
	os.Exit(m.Run())
}

func beRecorder(directory string) {
	format, err := strconv.Atoi(os.Getenv(childFormat))
	if err != nil {
		panic(err)
	}
	server, err := New(Config{Directory: directory, Sync: 200 * time.Millisecond, Format: Format(format)})
	if err == nil {
		err = server.Start(context.Background())
	}
	fmt.Println(server.Addr("udp"), err)
	select {} // until it is killed
}

// startChild starts a recorder as a process of its own.
func startChild(t *testing.T, directory string, format Format) (*exec.Cmd, netip.AddrPort) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), childDirectory+"="+directory, childFormat+"="+strconv.Itoa(int(format)))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err = cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var text, fault string
	if _, err := fmt.Sscan(line, &text, &fault); err != nil || fault != "<nil>" {
		t.Fatalf("%s %v", line, err)
	}

	return cmd, netip.MustParseAddrPort(text)
}

// A recorder that is killed leaves files that can be read up to the last second, and the next one says what happened.
func TestKill(t *testing.T) {
	t.Parallel()
	t.Run("wav", func(t *testing.T) { t.Parallel(); testKill(t, FormatWAV, 8000) })
	t.Run("opus", func(t *testing.T) { t.Parallel(); testKill(t, FormatOpus, opusRate) })
}

// testKill kills a recorder of one stream of G.711, whose file has a rate, and one of Opus.
func testKill(t *testing.T, format Format, rate int) {
	t.Helper()
	directory := t.TempDir()
	cmd, address := startChild(t, directory, format)
	c := newClientOf(t, func(string) netip.AddrPort { return address }, sipua.Timers{T1: 20 * time.Millisecond})
	a, b := newVoice(t, "1", codecs.PCMU, 400), newVoice(t, "2", codecs.Opus, 700)
	response, err := c.invite(c.call("udp", "application/sdp", c.describe(a, b)))
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range []*voice{a, b} {
		v.use(c.accept(response.Body).Streams[i])
	}
	const frames = 130 // 2.6 s
	c.stream(0, frames, true, a, b)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	c.gone.Store(true)
	folders, _ := filepath.Glob(filepath.Join(directory, "*"))
	if len(folders) != 1 {
		t.Fatalf("%v", folders)
	}
	check := func(when string) Recording {
		r, err := ReadRecording(folders[0])
		if err != nil || len(r.Streams) != 2 {
			t.Fatalf("%s: %+v %v", when, r, err)
		}
		for i, rate := range []int{rate, opusRate} {
			pcm := readAudio(t, filepath.Join(folders[0], r.Streams[i].File))
			if int64(len(pcm)) != r.Streams[i].Samples && when == "restarted" {
				t.Errorf("%s: stream %d has %d samples: %+v", when, i, len(pcm), r.Streams[i])
			}
			if got := float64(len(pcm)) / float64(rate); got < float64(frames)*0.02-1.3 {
				t.Errorf("%s: stream %d has %.2f s", when, i, got)
			}
			if e := energy(pcm, rate, 0, 1.3); e < 1000 {
				t.Errorf("%s: stream %d has energy %f", when, i, e)
			}
		}

		return r
	}
	check("killed")
	startServer(t, Config{Directory: directory})
	if r := check("restarted"); r.State != StateInterrupted || r.EndReason == "" || r.EndedAt.IsZero() {
		t.Errorf("%+v", r)
	}
}

// beMover moves all audio of a new file to and fro for ever, and says when it has begun.
func beMover(name string) {
	format := FormatWAV
	if filepath.Ext(name) == opusExtension {
		format = FormatOpus
	}
	file, err := format.create(name, codecs.PCMU)
	if err != nil {
		panic(err)
	}
	pcm := make([]int16, moverSamples)
	for i := range pcm {
		pcm[i] = int16(i%1000 + 1)
	}
	if err := errors.Join(file.write(0, pcm), file.flush()); err != nil {
		panic(err)
	}
	for n := 0; ; n++ {
		if err := errors.Join(file.shift(800, false), file.move(800, 800+moverSamples, -800)); err != nil {
			panic(err)
		}
		if n == 5 {
			fmt.Println("moving")
		}
	}
}

const moverSamples = 32000

// Whenever a recorder is killed while it moves audio in a file, all of it is there, before or after.
func TestKillInMove(t *testing.T) {
	for n := range 6 {
		name := filepath.Join(t.TempDir(), []string{"x.wav", "x.opus"}[n%2])
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), self)
		cmd.Env = append(os.Environ(), childMoves+"="+name)
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		_, err = bufio.NewReader(out).ReadString('\n')
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if err != nil {
			t.Fatal(err)
		}
		if n%2 == 1 {
			if pages := oggPages(t, name); len(pages) < 3 {
				t.Errorf("%d pages", len(pages))
			}
		}
		audio, err := OpenAudio(name)
		if err != nil {
			t.Fatal(err)
		}
		pcm := make([]int16, 400_000)
		k, _ := audio.Read(pcm)
		_ = audio.Close()
		pcm = pcm[:k]
		if n%2 == 1 {
			if seconds := float64(k) / opusRate; seconds < 3.9 {
				t.Errorf("%.2f s of Opus are left", seconds)
			}

			continue
		}
		first := slices.IndexFunc(pcm, func(s int16) bool { return s != 0 })
		if first != 0 && first != 800 || len(pcm) < first+moverSamples {
			t.Fatalf("%d samples from %d on", len(pcm), first)
		}
		for i := range moverSamples {
			if pcm[first+i] != int16(i%1000+1) {
				t.Fatalf("sample %d is %d", i, pcm[first+i])
			}
		}
		if err := clean(filepath.Dir(name)); err != nil {
			t.Fatal(err)
		}
		if left, _ := os.ReadDir(filepath.Dir(name)); len(left) != 1 {
			t.Errorf("%v are left", left)
		}
	}
}
