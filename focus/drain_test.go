package focus_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/siprec"
)

// drain shuts the focus down and gives how long it took.
func (b *bench) drain() time.Duration {
	b.t.Helper()
	took, err := b.shutdown(9 * time.Second)
	must(b.t, err)
	return took
}

// shutdown is drain with a patience, and its outcome.
func (b *bench) shutdown(patience time.Duration) (took time.Duration, err error) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	start := time.Now()
	err = b.focus.Shutdown(ctx)
	return time.Since(start), err
}

// A recorder that has refused is no reason to wait, whenever it was to be asked again.
func TestDrainAfterRefusal(t *testing.T) {
	srs := newRecordingServer(t)
	srs.setRefuse(503)
	b := recordingBench(t, srs, func(c *focus.Config) { c.Recorders[0].Retry = siprec.RetryPolicy{Initial: time.Minute} })
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice"})
	id := b.record("room", both)
	b.awaitRecording("room", id, conference.RecordingFailed)
	alice.leave("room")
	if took := b.drain(); took > 2*time.Second {
		t.Errorf("the drain took %v", took)
	}
}

// A recorder that gives no sign of life to the INVITE is given up at once, at the stop of the recording and in a drain.
func TestDrainWithoutAnswer(t *testing.T) {
	socket, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	must(t, err)
	defer socket.Close() //nolint:errcheck // nothing was written
	b := newBench(t, focus.Config{Dynamic: true, Recorders: []focus.Recorder{{Name: "silent", URI: "sip:srs@" + socket.LocalAddr().String()}}})
	b.dial("room", conftest.PhoneConfig{Name: "alice"})
	id := b.record("room", both)
	b.awaitRecording("room", id, conference.RecordingStarting)
	start := time.Now()
	info, err := b.focus.StopRecording(t.Context(), "room", id)
	must(t, err)
	if took := time.Since(start); info.State != "stopped" || took > time.Second {
		t.Errorf("stop: %s after %v", info.State, took)
	}
	b.record("room", both)
	if took := b.drain(); took > time.Second {
		t.Errorf("the drain took %v", took)
	}
	b.await("two lines about the recorder", func() bool { return len(b.logged.with("server=silent", "undelivered=INVITE")) == 2 })
}

// A recorder that has gone without a word costs the drain a short while, and is named.
func TestDrainOfVanishedRecorder(t *testing.T) { virtual(t, testDrainOfVanishedRecorder) }

func testDrainOfVanishedRecorder(t *testing.T) {
	t.Helper()
	b := newBench(t, focus.Config{Dynamic: true, Recorders: []focus.Recorder{{Name: "gone", URI: vanishing(t)}}})
	b.dial("room", conftest.PhoneConfig{Name: "alice"})
	id := b.record("room", conference.Mixed)
	b.awaitRecording("room", id, conference.RecordingActive)
	if took := b.drain(); took < 3*time.Second || took > 3*time.Second+accuracy { // two for the metadata, one more for the BYE
		t.Errorf("the drain took %v", took)
	}
	for _, what := range []string{"metadata", "BYE"} {
		if found := b.logged.with("level=WARN", "server=gone", "undelivered="+what); len(found) != 1 {
			t.Errorf("log about %s: %q", what, found)
		}
	}
}

// A participant who has gone without a word does not use up the drain either.
func TestDrainOfVanishedParticipant(t *testing.T) { virtual(t, testDrainOfVanishedParticipant) }

func testDrainOfVanishedParticipant(t *testing.T) {
	t.Helper()
	b := newBench(t, focus.Config{Dynamic: true})
	b.dial("room", conftest.PhoneConfig{Name: "alice"})
	id, err := b.focus.Dial(t.Context(), "room", vanishing(t))
	must(t, err)
	b.await("the call", func() bool {
		p, _ := b.state("room").Participant(id)
		return p.Status.Present()
	})
	if took := b.drain(); took < 4*time.Second || took > 4*time.Second+accuracy {
		t.Errorf("the drain took %v", took)
	}
}

// vanishing is a recording server that takes the first INVITE, and then nothing more.
func vanishing(t *testing.T) string {
	t.Helper()
	listen := new(net.ListenConfig).Listen
	if inside := networkOf(t); inside != nil {
		listen = inside.Listen
	}
	listener, err := listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	media, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() {
		_ = listener.Close()
		_ = media.Close()
	})
	_, port, err := net.SplitHostPort(media.LocalAddr().String())
	must(t, err)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close() //nolint:errcheck // nothing is lost
		if err := acceptCall(conn, listener.Addr().String(), port); err == nil {
			_, _ = io.Copy(io.Discard, conn)
		}
	}()
	return "sip:srs@" + listener.Addr().String() + ";transport=tcp"
}

// acceptCall answers an INVITE with one stream in it.
func acceptCall(conn net.Conn, at, port string) error {
	in := bufio.NewReader(conn)
	text := textproto.NewReader(in)
	if _, err := text.ReadLine(); err != nil {
		return err
	}
	header, err := text.ReadMIMEHeader()
	if err != nil {
		return err
	}
	size, err := strconv.Atoi(header.Get("Content-Length"))
	if err != nil {
		return err
	}
	if _, err = io.CopyN(io.Discard, in, int64(size)); err != nil {
		return err
	}
	body := "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio " + port + " RTP/AVP 8\r\na=recvonly\r\n"
	var out strings.Builder
	out.WriteString("SIP/2.0 200 OK\r\n")
	for _, name := range []string{"Via", "From", "Call-Id", "Cseq"} {
		fmt.Fprintf(&out, "%s: %s\r\n", name, header.Get(name))
	}
	fmt.Fprintf(&out, "To: %s;tag=srs\r\nContact: <sip:srs@%s;transport=tcp>;+sip.srs\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
		header.Get("To"), at, len(body), body)
	_, err = io.WriteString(conn, out.String())
	return err
}
