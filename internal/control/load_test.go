package control

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"golang.org/x/sys/unix"
)

// pipes is a listener whose connections have the clock of their bubble.
type pipes struct {
	conns chan net.Conn
	once  sync.Once
	over  chan struct{}
}

// Accept implements net.Listener.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.over:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p *pipes) Close() error {
	p.once.Do(func() { close(p.over) })
	return nil
}

// Addr implements net.Listener.
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

// behindGuard serves a handler as the server serves its own, and gives what opens a connection to it.
func behindGuard(t *testing.T, next http.Handler) (dial func() net.Conn) {
	t.Helper()
	s := New(Config{}, nil, nil)
	s.http.Handler = s.guard(next)
	listener := &pipes{conns: make(chan net.Conn), over: make(chan struct{})}
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(listener) }()
	t.Cleanup(func() {
		_ = s.http.Close() // connections may be open, as they are meant to be
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return func() net.Conn {
		ours, theirs := net.Pipe()
		listener.conns <- theirs
		t.Cleanup(func() { _ = ours.Close() })
		return ours
	}
}

// said is the status of the next answer on a connection, of which nothing else is read.
func said(t *testing.T, lines *bufio.Reader) int {
	t.Helper()
	response, err := http.ReadResponse(lines, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(io.Discard, response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		t.Error(err)
	}
	return response.StatusCode
}

// What is announced and does not come holds no connection, whether a route wants it, nobody does, or the request is refused before anybody looks.
func TestBodiesThatDoNotCome(t *testing.T) {
	for _, at := range []string{"GET /api/v1/access", "GET /nothing", "POST /api/v1/access", "POST /here"} {
		t.Run(at, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				mux := http.NewServeMux()
				mux.HandleFunc("GET /api/v1/access", func(w http.ResponseWriter, _ *http.Request) { plain(w, "yes") })
				mux.HandleFunc("POST /here", func(w http.ResponseWriter, r *http.Request) {
					if _, err := io.ReadAll(r.Body); !errors.Is(err, os.ErrDeadlineExceeded) {
						t.Errorf("the body ends with %v", err)
					}
					w.WriteHeader(http.StatusRequestTimeout)
				})
				conn := behindGuard(t, mux)()
				from := time.Now()
				go func() {
					_, _ = io.WriteString(conn, at+" HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nhalf of it")
				}()
				lines := bufio.NewReader(conn)
				if status := said(t, lines); status == 0 {
					t.Error("no answer")
				}
				if _, err := lines.ReadByte(); !errors.Is(err, io.EOF) {
					t.Errorf("the connection ends with %v", err)
				}
				if took := time.Since(from); took > bodyPatience+time.Second {
					t.Errorf("it was held for %v", took)
				}
			})
		})
	}
}

// What was sent with a request has come: the time that it had to come in does not end the request.
func TestWorkTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mux := http.NewServeMux()
		api := humago.New(mux, huma.DefaultConfig("test", "1"))
		type sent struct {
			Body struct {
				Name string `json:"name"`
			}
		}
		work := func(ctx context.Context) error {
			select {
			case <-time.After(40 * time.Second): // as of who is asked by REFER
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		huma.Register(api, huma.Operation{Method: http.MethodPost, Path: apiPrefix + "/work"}, func(ctx context.Context, _ *sent) (*struct{}, error) { return nil, work(ctx) })
		mux.HandleFunc("POST "+apiPrefix+"/plain", func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.ReadAll(r.Body); err != nil {
				t.Error(err)
			}
			if err := work(r.Context()); err != nil {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			w.WriteHeader(http.StatusNoContent)
		})
		conn := behindGuard(t, mux)()
		lines := bufio.NewReader(conn)
		for _, at := range []string{"/work", "/plain", "/work"} { // by the same connection
			go func() {
				_, _ = io.WriteString(conn, "POST "+apiPrefix+at+" HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n"+`{"name":"a"}`)
			}()
			if status := said(t, lines); status != http.StatusNoContent {
				t.Errorf("%s is answered by %d", at, status)
			}
		}
	})
}

// Only so many requests are worked on at once; one whose reader is slow is not among them, and who does not get his turn is told so.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{}, nil, nil)
		limit := cap(s.turns.reading)
		var mu sync.Mutex
		working, most := 0, 0
		count := func(n int) {
			mu.Lock()
			defer mu.Unlock()
			working += n
			most = max(most, working)
		}
		hang := make(chan struct{})
		handler := s.guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			count(1)
			<-time.After(time.Second)
			if r.URL.Path == apiPrefix+"/hangs" {
				<-hang
			}
			count(-1)
			_, _ = w.Write([]byte("done"))
			if r.URL.Path == apiPrefix+"/slow" {
				<-time.After(time.Hour)
			}
		}))
		var wait sync.WaitGroup
		get := func(at string, want int) {
			wait.Go(func() {
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, at, nil))
				if w.Code != want || want == http.StatusServiceUnavailable && (w.Header().Get("Retry-After") == "" || w.Header().Get("Content-Type") != "application/problem+json") {
					t.Errorf("%s: %d %v, want %d", at, w.Code, w.Header(), want)
				}
			})
		}
		from := time.Now()
		for range limit {
			get(apiPrefix+"/slow", 200)
		}
		for range 3 * limit {
			get(apiPrefix+"/conferences", 200)
		}
		<-time.After(4*time.Second + time.Millisecond)
		synctest.Wait()
		mu.Lock()
		if working != 0 || most != limit {
			t.Errorf("%d are worked on after %v, %d at once, the limit is %d", working, time.Since(from), most, limit)
		}
		mu.Unlock()
		for range limit {
			get(apiPrefix+"/hangs", 200)
		}
		synctest.Wait()
		get(apiPrefix+"/conferences", 503)
		get("/healthz", 200) // is no work
		get(apiPrefix+"/events", 200)
		get(apiPrefix+recorderPath, 200) // waits for a disk, if for anything
		<-time.After(turnPatience + time.Second)
		close(hang)
		wait.Wait()
	})
}

// What a request takes most of is what it waits for: what the server knows, what is on a disk, room for sounds; nothing where it goes on as long as somebody reads.
func TestKindsOfTurns(t *testing.T) {
	turns := newTurns()
	if cap(turns.bringing) != uploadsAtOnce || cap(turns.reading) != runtime.GOMAXPROCS(0) || cap(turns.library) != runtime.GOMAXPROCS(0) {
		t.Errorf("%d, %d and %d at once", cap(turns.bringing), cap(turns.reading), cap(turns.library))
	}
	for request, want := range map[string]chan struct{}{
		"GET /conferences": turns.reading, "HEAD /conferences": turns.reading, "GET /conferences/1/participants": turns.reading,
		"POST /conferences": nil, "DELETE /conferences/1": nil, "PATCH /conferences/1": nil,
		"POST /conferences/1/announcements": turns.bringing, "GET /conferences/1/announcements": turns.reading,
		"GET /events": nil, "GET /conferences/1/events": nil, "GET /events/socket": nil, "GET /conferences/1/levels": nil,
		"GET " + recorderPath: turns.library, "GET " + recorderPath + "/r/streams/1.wav": nil, "DELETE " + recorderPath + "/r": nil,
	} {
		method, at, _ := strings.Cut(request, " ")
		r := httptest.NewRequestWithContext(t.Context(), method, apiPrefix+at, nil)
		if got := turns.kind(r); got != want {
			t.Errorf("%s waits for another turn", request)
		}
	}
	for _, at := range []string{"/healthz", "/metrics", "/"} {
		if turns.kind(httptest.NewRequestWithContext(t.Context(), http.MethodGet, at, nil)) != nil {
			t.Errorf("%s waits for a turn", at)
		}
	}
}

// Sounds that are brought, and what is on a disk, take turns of their own; one that has nothing to say gives its turn back as well.
func TestTurnsOfTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{}, nil, nil)
		var working atomic.Int32
		handler := s.guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			working.Add(1)
			<-time.After(time.Second)
			working.Add(-1)
		}))
		var wait sync.WaitGroup
		for request, limit := range map[string]int{"POST /conferences/1/announcements": uploadsAtOnce, "GET " + recorderPath: cap(s.turns.library), "GET /conferences": cap(s.turns.reading)} {
			method, at, _ := strings.Cut(request, " ")
			for range 3 * limit {
				wait.Go(func() {
					w := httptest.NewRecorder()
					if handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, apiPrefix+at, nil)); w.Code != http.StatusOK {
						t.Errorf("%s: %d", request, w.Code)
					}
				})
			}
			for range 3 {
				synctest.Wait()
				if n := int(working.Load()); n != limit {
					t.Errorf("%s: %d at once, the limit is %d", request, n, limit)
				}
				<-time.After(time.Second)
			}
			wait.Wait()
		}
	})
}

// A client more than there may be is told so, the others go on; who leaves makes room. One address cannot take all of it.
func TestConnectionsAreBounded(t *testing.T) {
	var log bytes.Buffer
	s := New(Config{Listen: "127.0.0.1:0", Most: 8, Logger: slog.New(slog.NewTextHandler(&log, nil))}, nil, nil)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ask := func(from string) (conn net.Conn, status int) {
		t.Helper()
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		conn, err := dialer.DialContext(t.Context(), "tcp", s.Addr())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if err = conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") // may be refused already
		line, _ := bufio.NewReader(conn).ReadString('\n')
		_, _ = fmt.Sscanf(line, "HTTP/1.1 %d", &status) // 0: reset, as it had asked before it was refused
		return conn, status
	}
	want := func(from string, ok bool) net.Conn {
		t.Helper()
		conn, status := ask(from)
		if (status == http.StatusOK) != ok || !ok && status != 0 && status != http.StatusServiceUnavailable {
			t.Errorf("from %s: %d", from, status)
		}
		return conn
	}
	first := want("127.0.0.1", true)
	for range 3 {
		want("127.0.0.1", true)
	}
	want("127.0.0.1", false)
	for range 3 {
		want("127.0.0.2", true)
	}
	want("127.0.0.3", true)
	want("127.0.0.4", false)
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	for deadline := time.After(20 * time.Second); ; {
		if open, refused := s.held.counts(); open == 7 && refused == 2 {
			break
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-deadline:
			open, refused := s.held.counts()
			t.Fatalf("%d open, %d refused", open, refused)
		}
	}
	want("127.0.0.4", true)
	if err := s.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if got := strings.Count(log.String(), "HTTP connections are refused"); got != 1 {
		t.Errorf("the log says %d times that connections are refused:\n%s", got, &log)
	}
	if open, _ := s.held.counts(); open != 0 || len(s.held.bySource) != 0 {
		t.Errorf("%d are open after the end, of %v", open, s.held.bySource)
	}
}

// The system keeps little of what a reader of a stream does not take, so that he is found out soon, and hundreds of them take no memory.
func TestStreamsAreNotKept(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	held := bounded(listener, 0, slog.New(slog.DiscardHandler))
	defer held.Close() //nolint:errcheck // the test is over
	far, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()                                                //nolint:errcheck // as above
	if err = far.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil { //nolint:forcetypeassert // by tcp
		t.Fatal(err)
	}
	conn, err := held.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // as above
	streaming(withConn(t.Context(), conn))
	raw, err := conn.(*heldConn).SyscallConn() //nolint:forcetypeassert // of a bounded listener
	if err != nil {
		t.Fatal(err)
	}
	if failed := raw.Control(func(fd uintptr) {
		if ms, unknown := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT); unknown != nil || time.Duration(ms)*time.Millisecond != writeLimit {
			t.Errorf("who has vanished is noticed after %d ms: %v", ms, unknown)
		}
	}); failed != nil {
		t.Fatal(failed)
	}
	kept := 0
	for piece := make([]byte, 16<<10); err == nil; {
		var n int
		if err = conn.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err == nil {
			n, err = conn.Write(piece)
		}
		kept += n
	}
	if kept > 3*streamBuffer {
		t.Errorf("%d octets are kept for who reads nothing", kept)
	}
}
