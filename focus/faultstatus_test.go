package focus_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// rawRecorder is a recorder that is no user agent: it takes sessions, and answers BYE however a test says.
type rawRecorder struct {
	listener net.Listener
	socket   *net.UDPConn
	work     sync.WaitGroup

	mu     sync.Mutex
	bye    map[string]string // what a BYE is answered with, by conference: a status line, anything else that is sent as it is, or nothing
	byes   map[string]int
	begins map[string]int
}

func newRawRecorder(t *testing.T) *rawRecorder {
	t.Helper()
	r := &rawRecorder{bye: map[string]string{}, byes: map[string]int{}, begins: map[string]int{}}
	var err error
	r.listener, err = new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	r.socket, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	must(t, err)
	r.work.Go(func() {
		for {
			conn, err := r.listener.Accept()
			if err != nil {
				return
			}
			r.work.Go(func() { r.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = r.listener.Close()
		_ = r.socket.Close()
		r.work.Wait()
	})
	return r
}

func (r *rawRecorder) uri() string { return "sip:srs@" + r.listener.Addr().String() + ";transport=tcp" }

func (r *rawRecorder) serve(conn net.Conn) {
	defer conn.Close() //nolint:errcheck // it is over
	in := bufio.NewReader(conn)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		header, err := textproto.NewReader(in).ReadMIMEHeader()
		if err != nil {
			continue // between messages
		}
		length, _ := strconv.Atoi(header.Get("Content-Length"))
		if _, err = io.CopyN(io.Discard, in, int64(length)); err != nil {
			return
		}
		method, _, _ := strings.Cut(line, " ")
		if answer := r.answer(method, header); answer != "" {
			_, _ = io.WriteString(conn, answer)
		}
	}
}

func (r *rawRecorder) answer(method string, header textproto.MIMEHeader) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	status, body := "200 OK", ""
	from, _ := sipua.ParseAddress(header.Get("From"))
	room := from.URI.User
	switch method {
	case "INVITE":
		r.begins[room]++
		body = fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio %s RTP/AVP 8\r\na=recvonly\r\n",
			r.socket.LocalAddr().String()[len("127.0.0.1:"):])
	case "BYE":
		r.byes[room]++
		if status = r.bye[room]; !strings.HasSuffix(status, " Test") {
			return status
		}
	case "UPDATE", "OPTIONS":
	default: // a response, an ACK
		return ""
	}
	to := header.Get("To")
	if !strings.Contains(to, "tag=") {
		to += ";tag=raw"
	}
	kind := ""
	if body != "" {
		kind = "Content-Type: application/sdp\r\n"
	}
	return fmt.Sprintf("SIP/2.0 %s\r\nVia: %s\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s\r\nContact: <sip:srs@%s;transport=tcp>;+sip.srs\r\n%sContent-Length: %d\r\n\r\n%s",
		status, header.Get("Via"), header.Get("From"), to, header.Get("Call-ID"), header.Get("Cseq"), r.listener.Addr(), kind, len(body), body)
}

// Shows SR-ERR-09, SR-ERR-15. Whatever a recorder answers to BYE, every status of a failure, nothing, or what is no SIP: the recording has stopped, at once, the conference goes on, and
// the next recording begins.
func TestEveryStatusToBye(t *testing.T) {
	recorder := newRawRecorder(t)
	b := newBench(t, focus.Config{Dynamic: true, Recorders: []focus.Recorder{{Name: "srs", URI: recorder.uri()}}})
	answers := make(chan string, 403)
	for status := 300; status < 700; status++ {
		answers <- fmt.Sprintf("%d Test", status)
	}
	for _, answer := range []string{"SIP/2.0 garbage\r\n\r\n", "", "\x00\xff\r\n\r\n"} {
		answers <- answer
	}
	close(answers)
	t.Run("", func(t *testing.T) {
		for i := range 8 {
			room := fmt.Sprintf("room%d", i)
			b.dial(room, conftest.PhoneConfig{Name: "alice", RecordAware: true})
			t.Run(room, func(t *testing.T) {
				t.Parallel()
				for answer := range answers {
					recorder.endsWith(t, b, room, answer)
				}
			})
		}
	})
	b.dial("room0", conftest.PhoneConfig{Name: "carol"}).hum(500, time.Minute)
	dora := b.dial("room0", conftest.PhoneConfig{Name: "dora"})
	b.await("the conference to go on", func() bool { return dora.hearsNow(500) > loud })
}

// endsWith records, and stops to, while a BYE is answered in some way.
func (r *rawRecorder) endsWith(t *testing.T, b *bench, room, answer string) {
	t.Helper()
	r.mu.Lock()
	r.bye[room] = answer
	begins, byes := r.begins[room], r.byes[room]
	r.mu.Unlock()
	id := b.record(room, conference.Mixed)
	b.awaitRecording(room, id, conference.RecordingActive)
	began := time.Now()
	info, err := b.focus.StopRecording(t.Context(), conference.ID(room), id)
	if err != nil || info.State != "stopped" || time.Since(began) > 3*time.Second {
		t.Errorf("%q to BYE: %v, %v after %v", answer, info.State, err, time.Since(began))
	}
	b.await(fmt.Sprintf("the BYE to be answered with %q", answer), func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.begins[room] > begins && r.byes[room] > byes
	})
}

// Shows SR-ERR-12, SR-ERR-15. What a recorder answers to OPTIONS, every status of a failure one after the other: it is taken for one that cannot record by those that say so, and by
// no others, and the recording that goes on does not notice.
func TestEveryStatusToOptions(t *testing.T) {
	srs := newRecordingServer(t)
	var mu sync.Mutex
	next, begun := 300, false
	states := map[int]string{} // what is known after the answer
	answered := make(chan struct{})
	srs.set(func(s *recordingServer) {
		s.outside = func(request *sipua.Request) *sipua.Response {
			mu.Lock()
			defer mu.Unlock()
			if request.Method != http.MethodOptions || !begun {
				return nil
			}
			if next++; next > 700 {
				return nil
			}
			if next == 700 {
				close(answered)
			}
			return sipua.NewResponse(next - 1)
		}
	})
	b := newBench(t, focus.Config{
		Dynamic: true,
		Recorders: []focus.Recorder{{
			Name: "srs", URI: srs.uri(), Probe: focus.Probe{Interval: time.Millisecond, Timeout: 10 * time.Second}, Health: siprec.HealthConfig{DownAfter: 1, UpAfter: 1},
		}},
	}, focus.Hooks{RecorderChanged: func(_, state string) {
		mu.Lock()
		defer mu.Unlock()
		states[next-1] = state
	}})
	b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	id := b.record("room", conference.Mixed)
	b.awaitRecording("room", id, conference.RecordingActive)
	mu.Lock()
	begun = true
	mu.Unlock()
	<-answered
	b.await("the state after the last", func() bool { return b.focus.RecordingServers()[0].State == "up" })
	b.awaitRecording("room", id, conference.RecordingActive)
	n := srs.stream("1").packets
	b.await("packets to go on", func() bool { return srs.stream("1").packets > n+5 })
	mu.Lock()
	defer mu.Unlock()
	up := "up"
	for status := 300; status < 700; status++ {
		want := "up"
		if status == 408 || status >= 500 && status != 501 {
			want = "down"
		}
		got, changed := states[status]
		if changed != (want != up) || changed && got != want {
			t.Errorf("%d: %q, want %q after %q", status, got, want, up)
		}
		up = want
	}
}
