package srs

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sipua"
)

// stored makes the folder of a recording that began then, with a file of that many octets.
func stored(t *testing.T, directory string, began time.Time, id string, state State, size int) string {
	t.Helper()
	dir := filepath.Join(directory, began.UTC().Format(folderLayout)+"-"+id)
	if err := os.Mkdir(dir, dirMode); err != nil {
		t.Fatal(err)
	}
	r := Recording{ID: id, Directory: dir, State: state, StartedAt: began, Streams: []Stream{{Label: "1", File: "1.wav"}}}
	if r.Over() {
		r.EndedAt = began.Add(time.Minute)
	}
	r.Participants = []Participant{{ID: "p", Name: "Alice " + id, AORs: []string{"sip:a" + id + "@example.com"}}}
	r.Sessions = []Session{{ID: "s" + id}}
	if err := errors.Join(writeReport(r), os.WriteFile(filepath.Join(dir, "1.wav"), bytes.Repeat([]byte{1}, size), fileMode)); err != nil {
		t.Fatal(err)
	}

	return dir
}

func idsOf(list []Recording) string {
	ids := make([]string, 0, len(list))
	for _, r := range list {
		ids = append(ids, r.ID)
	}

	return strings.Join(ids, " ")
}

// TestDirectoryThatTakesNothing: it is told when the recorder starts, not with the first call.
func TestDirectoryThatTakesNothing(t *testing.T) {
	directory := t.TempDir()
	k := keeper{library: Library{Directory: directory}}
	if err := k.prepare(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(directory); err != nil || len(left) != 0 {
		t.Errorf("it leaves %v, %v", left, err)
	}
	if k.library.Directory = "/sys"; os.Getuid() != 0 { // where not even root may
		k.library.Directory = directory
		if err := os.Chmod(directory, 0o500); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.prepare(); !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), "recordings cannot be written") {
		t.Errorf("got %v", err)
	}
}

func TestLibrary(t *testing.T) {
	directory := t.TempDir()
	began := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for i, id := range []string{"a1", "b2", "c3"} {
		state := StateFinished
		if id == "c3" {
			state = StateRecording
		}
		stored(t, directory, began.Add(time.Duration(i)*time.Hour), id, state, 100)
	}
	if err := errors.Join(os.Mkdir(filepath.Join(directory, "other"), dirMode), os.Mkdir(filepath.Join(directory, deletedPrefix+"x"), dirMode)); err != nil {
		t.Fatal(err)
	}
	l := Library{Directory: directory}
	for want, q := range map[string]Query{
		"c3 b2 a1": {}, "c3": {Limit: 1}, "b2 a1": {State: StateFinished}, "b2": {Text: "alice B2"}, "a1": {Text: "sip:AA1@"}, "c3 b2": {From: began.Add(time.Hour)},
		"": {Text: "nobody"}, "b2  a1": {To: began.Add(2 * time.Hour)}, " b2": {Text: "sb2"},
	} {
		if list, err := l.List(q); err != nil || idsOf(list) != strings.Join(strings.Fields(want), " ") {
			t.Errorf("%+v: %q %v, want %q", q, idsOf(list), err, want)
		}
	}
	r, err := l.Find("b2")
	if err != nil || r.ID != "b2" {
		t.Fatalf("%+v %v", r, err)
	}
	if name, err := r.File("1"); err != nil || name != filepath.Join(r.Directory, "1.wav") {
		t.Errorf("%s %v", name, err)
	}
	if _, err := r.File("../1"); !errors.Is(err, ErrNoStream) {
		t.Error(err)
	}
	r.Streams[0].File = "../b2/1.wav" // whoever wrote that
	if _, err := r.File("1"); !errors.Is(err, ErrNoStream) {
		t.Error(err)
	}
	for _, bad := range []string{"", "d4", "..", "2", "../x"} {
		if _, err := l.Find(bad); !errors.Is(err, ErrNoRecording) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if err := errors.Join(l.Hold("b2", true), l.Hold("b2", true)); err != nil {
		t.Error(err)
	}
	if err := l.Delete("b2"); !errors.Is(err, ErrHeld) {
		t.Errorf("held: %v", err)
	}
	if err := errors.Join(l.Hold("b2", false), l.Hold("b2", false), l.Delete("b2"), l.sweep()); err != nil {
		t.Error(err)
	}
	if err := l.Delete("c3"); !errors.Is(err, ErrActive) {
		t.Errorf("active: %v", err)
	}
	if err := l.Delete("b2"); !errors.Is(err, ErrNoRecording) {
		t.Errorf("deleted: %v", err)
	}
	if list, err := l.List(Query{}); err != nil || idsOf(list) != "c3 a1" {
		t.Errorf("%q %v", idsOf(list), err)
	}
	if left, _ := filepath.Glob(filepath.Join(directory, deletedPrefix+"*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// The oldest go, by age and by size; what goes on or is held stays.
func TestRetention(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	const mega = 1 << 20
	for want, retention := range map[string]Retention{
		"e d c b a":  {},
		"e d c b  a": {Age: 100 * time.Hour, Size: 100 * mega},
		"e d b a":    {Age: 37 * time.Hour}, // b is held, a goes on
		"e b a":      {Size: 4 * mega},
		"b a":        {Size: 1},
	} {
		directory := t.TempDir()
		for i, id := range []string{"a", "b", "c", "d", "e"} {
			state := StateFinished
			if id == "a" {
				state = StateRecording
			}
			stored(t, directory, now.Add(time.Duration(i-4)*24*time.Hour+12*time.Hour), id, state, mega)
		}
		cfg := Config{Directory: directory, Retention: retention, Logger: slog.New(slog.DiscardHandler)}
		k := newKeeper(&cfg)
		if err := k.library.Hold("b", true); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			k.expire(now.Add(24 * time.Hour))
		}
		if list, _ := k.library.List(Query{}); idsOf(list) != strings.Join(strings.Fields(want), " ") {
			t.Errorf("%+v: %q, want %q", retention, idsOf(list), want)
		}
	}
}

// With too little free space sessions are refused, so that the client goes to another recorder; what goes on, goes on.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var alarms []Alarm
	hooks := newLog()
	h := hooks.hooks()
	h.Alarm = func(a Alarm) { mu.Lock(); alarms = append(alarms, a); mu.Unlock() }
	server := startServer(t, Config{Hooks: h, MinFree: 1})
	c, other := newClient(t, server), newClient(t, server)
	v := newVoice(t, "1", codecs.PCMU, 400)
	response, err := c.invite(c.call("udp", "application/sdp", c.describe(v)))
	if err != nil {
		t.Fatal(err)
	}
	v.use(c.accept(response.Body).Streams[0])
	server.keeper.minFree.Store(1 << 62) // the disk fills up
	_, err = other.invite(other.call("udp", "application/sdp", other.describe(v)))
	var refusal *sipua.StatusError
	if !errors.As(err, &refusal) || refusal.Response.Status != 503 || !refusal.Response.Headers.Has("Retry-After") {
		t.Errorf("with a full disk: %v", err)
	}
	c.stream(0, 10, true, v)
	if err := c.dialog.Bye(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := hooks.wait(t); r.State != StateFinished || r.Streams[0].Packets != 10 {
		t.Errorf("%+v", r)
	}
	server.eventually(t, func() bool { return len(server.active()) == 0 })
	stats := server.Stats()
	if !stats.DiskLow || stats.Free <= 0 || stats.Accepted != 1 || stats.Refused != 1 || stats.Packets != 10 || stats.Octets < 10*172 || stats.Streams != 0 {
		t.Errorf("%+v", stats)
	}
	server.keeper.minFree.Store(0)
	server.keeper.look()
	mu.Lock()
	defer mu.Unlock()
	if len(alarms) != 2 || !alarms[0].Active || alarms[1].Active || alarms[0].Name != AlarmDisk {
		t.Errorf("%+v", alarms)
	}
}

// A file that cannot be written is an alarm and a failed recording, and what can be written after that is.
func TestWriteFails(t *testing.T) {
	t.Parallel()
	var alarms []string
	server, err := New(Config{Directory: t.TempDir(), Hooks: Hooks{Alarm: func(a Alarm) { alarms = append(alarms, a.Name) }}})
	if err != nil {
		t.Fatal(err)
	}
	r := &recording{server: server, logger: server.cfg.Logger, dir: "x"}
	r.fault(errFull)
	r.fault(os.ErrClosed)
	if r.report.Error != errFull.Error() || !slices.Equal(alarms, []string{AlarmWrite}) || server.Stats().Failed != 1 {
		t.Errorf("%q %v %+v", r.report.Error, alarms, server.Stats())
	}
}

// Who is recorded to a file that cannot be written any more has to know it: the recorder ends the session, and takes none for a while, so that the client
// goes to another one.
func TestWriteFailsInSession(t *testing.T) {
	t.Parallel()
	hooks := newLog()
	server := startServer(t, Config{Hooks: hooks.hooks(), Flush: 10 * time.Millisecond})
	c, other := newClient(t, server), newClient(t, server)
	v := newVoice(t, "1", codecs.PCMU, 400)
	response, err := c.invite(c.call("udp", "application/sdp", c.describe(v)))
	if err != nil {
		t.Fatal(err)
	}
	v.use(c.accept(response.Body).Streams[0])
	r := server.active()[0]
	r.do(func() { _ = r.streams[0].receiver.file.handle().Close() })
	c.stream(0, 10, true, v)
	select {
	case <-c.dialog.Done():
	case <-time.After(20 * time.Second):
		t.Fatal("the session goes on")
	}
	_, err = other.invite(other.call("udp", "application/sdp", other.describe(v)))
	var refusal *sipua.StatusError
	if !errors.As(err, &refusal) || refusal.Response.Status != 503 || !refusal.Response.Headers.Has("Retry-After") {
		t.Errorf("the next one: %v", err)
	}
	if r := hooks.wait(t); r.State != StateFailed || r.Error == "" {
		t.Errorf("%+v", r)
	}
	server.keeper.rest(time.Now().Add(-retryAfter))
	if _, err = other.invite(other.call("udp", "application/sdp", other.describe(v))); err != nil {
		t.Errorf("after a while: %v", err)
	}
}

// A recorder cannot start where it cannot write.
func TestNoDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, fileMode); err != nil {
		t.Fatal(err)
	}
	server, err := New(Config{Directory: filepath.Join(file, "x")})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(t.Context()); err == nil {
		t.Error("started")
		_ = server.Close(context.Background())
	}
}
