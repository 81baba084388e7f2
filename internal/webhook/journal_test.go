package webhook

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

const (
	// victimFolder is the variable that makes a process of TestJournalSurvivesSuddenDeath out of this one.
	victimFolder = "PARLEY_TEST_VICTIM"
	victimEvents = 50
)

// TestVictim is the process that is killed: it cannot deliver anything, and says when the file has all.
func TestVictim(t *testing.T) {
	folder := os.Getenv(victimFolder)
	if folder == "" {
		return // what it does is part of another test
	}
	s := keeping(t, folder, &receiver{answer: refusing})
	for i := range victimEvents {
		s.Publish(event(fmt.Sprintf("%c%d", 'a'+i%2, i), string(rune('a'+i%2))))
	}
	for {
		if letters, err := readKept(keepPath(folder, "crm/1")); err == nil && len(letters) == victimEvents {
			break
		}
		<-time.After(time.Millisecond)
	}
	fmt.Println("all is kept") //nolint:forbidigo // to the process that kills
	select {}
}

// TestJournalSurvivesSuddenDeath: a process that is killed without a chance to do anything loses nothing of what it had not delivered; the next one
// sends it in the order of each conference, ahead of what is new.
func TestJournalSurvivesSuddenDeath(t *testing.T) {
	folder := t.TempDir()
	victim := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestVictim$")
	victim.Env = append(os.Environ(), victimFolder+"="+folder)
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err = victim.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "all is kept\n" {
		t.Fatalf("%q, %v", line, err)
	}
	if err = victim.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait() // it was killed
	r := &receiver{}
	s := keeping(t, folder, r)
	s.Publish(event("a-new", "a"))
	closed(t, s)
	var next [2]int
	for _, id := range r.ids() {
		lane := int(id[0] - 'a')
		want := fmt.Sprintf("%c%d", id[0], 2*next[lane]+lane)
		if id == "a-new" {
			want = map[bool]string{true: "a-new"}[next[0] == victimEvents/2]
		}
		if id != want {
			t.Fatalf("%s came, wanted %s", id, want)
		}
		next[lane]++
	}
	if next != [2]int{victimEvents/2 + 1, victimEvents / 2} {
		t.Errorf("sent %d", next)
	}
	if _, err := os.Stat(keepPath(folder, "crm/1")); err == nil {
		t.Error("what was delivered is kept")
	}
}

// TestJournalIsBounded: what is done with does not make the file grow, whatever waits beside it.
func TestJournalIsBounded(t *testing.T) {
	folder := t.TempDir()
	path := keepPath(folder, "crm/1")
	synctest.Test(t, func(t *testing.T) {
		s := keeping(t, folder, &receiver{answer: func(_ context.Context, body string) (int, http.Header, error) {
			if strings.Contains(body, `"stuck"`) {
				return http.StatusBadGateway, nil, nil
			}
			return http.StatusNoContent, nil, nil
		}})
		s.Publish(event("stuck", "z"))
		long := strings.Repeat("x", 10_000)
		var largest int64
		for i := range 400 {
			m := event("id"+strconv.Itoa(i), "a")
			m.Object = long
			s.Publish(m)
			if i%5 == 0 { // not all is brief
				<-time.After(time.Millisecond)
				synctest.Wait()
			}
			if info, err := os.Stat(path); err == nil {
				largest = max(largest, info.Size())
			}
		}
		if largest > journalSlack+200_000 {
			t.Errorf("it has grown to %d octets", largest)
		}
		synctest.Wait()
		if letters, err := readKept(path); err != nil || len(letters) != 1 || letters[0].ID != "stuck" {
			t.Errorf("it keeps %d letters, %v", len(letters), err)
		}
		closedIn(t, s, time.Second)
	})
}

// TestJournalWithoutDisk: events go out whether they can be kept or not; and when the disk is there again they are kept, those of before too.
func TestJournalWithoutDisk(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "away")
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		r := &receiver{answer: refusing}
		s, err := New(Config{
			Keep: folder, Logger: slog.New(slog.NewTextHandler(&log, nil)),
			Hooks: []Hook{{Name: "h", URL: "http://127.0.0.1/", Secret: "s", Transport: r, FirstRetry: time.Hour, LastRetry: time.Hour}},
		})
		if err != nil {
			t.Fatal(err)
		}
		s.Publish(event("a", "a"))
		<-time.After(time.Minute)
		synctest.Wait()
		if len(r.ids()) != 1 || !strings.Contains(log.String(), "undelivered events cannot be kept") {
			t.Errorf("sent %v, the log is %s", r.ids(), log.String())
		}
		if err = os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		s.Publish(event("b", "a"))
		<-time.After(journalLastRetry)
		synctest.Wait()
		if letters, err := readKept(keepPath(folder, "h")); err != nil || len(letters) != 2 || letters[0].ID != "a" {
			t.Errorf("%d are kept, %v", len(letters), err)
		}
		if !strings.Contains(log.String(), "undelivered events are kept again") {
			t.Errorf("the log is %s", log.String())
		}
		closedIn(t, s, time.Second)
	})
}

// TestSlowDiskKeepsNobodyWaiting: a disk that hangs holds up neither who publishes nor the deliveries, and what piles up for it is bounded.
func TestSlowDiskKeepsNobodyWaiting(t *testing.T) {
	folder := t.TempDir()
	pipe := keepPath(folder, "h") + ".new"
	if err := syscall.Mkfifo(pipe, 0o600); err != nil { // who opens it waits for who reads
		t.Fatal(err)
	}
	if err := os.WriteFile(keepPath(folder, "h"), []byte(`{"id":"old","type":"x","conference":"z","body":{}}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const events = journalNews * 6 / 10 // each has two lines
	var delivered atomic.Int64
	underWay, all := make(chan struct{}), make(chan struct{})
	r := &receiver{answer: func(ctx context.Context, body string) (int, http.Header, error) {
		if body == "{}" {
			close(underWay)
			<-ctx.Done() // so that there is something to keep
			return 0, nil, ctx.Err()
		}
		if delivered.Add(1) == events {
			close(all)
		}
		return http.StatusNoContent, nil, nil
	}}
	s, err := New(Config{Keep: folder, Hooks: []Hook{{
		Name: "h", URL: "http://127.0.0.1/", Secret: "s", Transport: r, Timeout: time.Hour, Queue: events,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	<-underWay // before, it is the oldest that waits, which gives way when the queue is full
	for i := range events {
		s.Publish(event(strconv.Itoa(i), "a"))
	}
	select {
	case <-all:
	case <-time.After(time.Minute):
		t.Fatalf("%d are delivered", delivered.Load())
	}
	j := (*s.hooks.Load())[0].journal
	j.mu.Lock()
	if len(j.news) > journalNews {
		t.Errorf("%d lines wait", len(j.news))
	}
	j.mu.Unlock()
	disk, err := os.Open(pipe)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = io.Copy(io.Discard, disk); err != nil {
		t.Fatal(err)
	}
	if err = disk.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Close(ctx); err != nil {
		t.Error(err)
	}
	if letters, err := readKept(keepPath(folder, "h")); err != nil || len(letters) != 1 || letters[0].ID != "old" {
		t.Errorf("%d are kept, %v", len(letters), err)
	}
}

// settings are those of a hook to r.
func settings(name, path string, r *receiver) Hook {
	return Hook{Name: name, URL: "http://127.0.0.1/" + path, Secret: "s", Transport: r, FirstRetry: time.Hour, LastRetry: time.Hour}
}

// TestSetTakesOverWhatWaits: the new receiver gets it at once, in order, whatever pause there was.
func TestSetTakesOverWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		was, is := &receiver{answer: refusing}, &receiver{}
		s, err := New(Config{Hooks: []Hook{settings("h", "old", was)}})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			s.Publish(event("a"+strconv.Itoa(i), "a"))
		}
		synctest.Wait()
		bad := settings("h", "new", is)
		bad.Secret = ""
		if err := s.Set([]Hook{bad}); !errors.Is(err, ErrConfig) {
			t.Errorf("without a secret: %v", err)
		}
		begun := time.Now()
		if err := s.Set([]Hook{settings("h", "new", is), settings("other", "new", is)}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := strings.Join(is.ids(), " "); got != "a0 a1 a2" || time.Since(begun) != 0 || len(was.ids()) != 1 {
			t.Errorf("sent %s after %v; before, %v", got, time.Since(begun), was.ids())
		}
		s.Publish(event("a3", "a"))
		synctest.Wait()
		if got := s.Stats(); len(got) != 2 || got[0].Delivered != 4 || got[1].Delivered != 1 || got[0].Failures != 1 {
			t.Errorf("%+v", got)
		}
		closed(t, s)
	})
}

// TestRemovedHookDeliversWhatWaits and nothing that is new; then it has ended, with its file. Who comes back before goes on where he was.
func TestRemovedHookDeliversWhatWaits(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var back atomic.Bool
		r := &receiver{answer: func(context.Context, string) (int, http.Header, error) {
			if back.Load() {
				return http.StatusNoContent, nil, nil
			}
			return http.StatusBadGateway, nil, nil
		}}
		s, err := New(Config{Keep: folder, Hooks: []Hook{settings("h", "", r), settings("idle", "", &receiver{})}})
		if err != nil {
			t.Fatal(err)
		}
		s.Publish(event("a0", "a"))
		synctest.Wait()
		for _, hooks := range [][]Hook{nil, {settings("h", "", r)}, nil} {
			if err := s.Set(hooks); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			s.Publish(event("b"+strconv.Itoa(len(hooks)), "b"))
		}
		if got := s.Stats(); len(got) != 1 || got[0].Waiting != 2 {
			t.Errorf("%+v", got)
		}
		back.Store(true)
		<-time.After(2 * time.Hour)
		synctest.Wait()
		sent := map[string]bool{}
		for _, id := range r.ids() {
			sent[id] = true
		}
		if len(sent) != 2 || !sent["a0"] || !sent["b1"] || len(s.Stats()) != 0 {
			t.Errorf("sent %v, %+v", r.ids(), s.Stats())
		}
		if names, err := os.ReadDir(folder); err != nil || len(names) != 0 {
			t.Errorf("%v is left, %v", names, err)
		}
		closed(t, s)
	})
}

// TestLessRoom has the oldest given up that wait.
func TestLessRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, graves := start(t, Hook{Transport: &receiver{answer: refusing}, FirstRetry: time.Hour, LastRetry: time.Hour})
		for i := range 5 {
			s.Publish(event("a"+strconv.Itoa(i), "a"))
		}
		synctest.Wait() // a0 is under way
		if err := s.Set([]Hook{{Name: "h", Secret: "s", URL: "http://127.0.0.1/", Transport: &receiver{answer: refusing}, FirstRetry: time.Hour, LastRetry: time.Hour, Queue: 2}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		s.Publish(event("a5", "a"))
		if got := graves.all(); got != "a1: "+noRoom+"; a2: "+noRoom+"; a3: "+noRoom {
			t.Error(got)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Close(ctx); !errors.Is(err, ErrUndelivered) {
			t.Error(err)
		}
	})
}

// TestHookIsRemovedWhileEventsCome: whatever comes in the moment of the change is delivered, or a dead letter that says so, and nobody waits for it.
func TestHookIsRemovedWhileEventsCome(t *testing.T) {
	graves := &dead{}
	r := &receiver{}
	s, err := New(Config{Dead: graves.add})
	if err != nil {
		t.Fatal(err)
	}
	const events = 2000
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range events {
			s.Publish(event(strconv.Itoa(i), strconv.Itoa(i%3)))
		}
	}()
	for change := true; change; {
		for _, hooks := range [][]Hook{{settings("h", "", r)}, nil} {
			if err := s.Set(hooks); err != nil {
				t.Fatal(err)
			}
			_ = s.Stats()
		}
		select {
		case <-done:
			change = false
		default:
		}
	}
	closed(t, s)
	if got := graves.all(); strings.Contains(got, noRoom) || strings.Contains(got, "the end has come") {
		t.Error(got)
	}
}
