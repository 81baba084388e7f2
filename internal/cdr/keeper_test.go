package cdr

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-sip/parley/focus"
)

func refused(id string) focus.CallRecord {
	return focus.CallRecord{Conference: "desk", Direction: "inbound", Result: "refused", CallID: id, StartedAt: origin, EndedAt: origin}
}

// callIDs reads the file back.
func callIDs(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for line := range strings.Lines(string(text)) {
		var p ParticipantRecord
		if err := json.Unmarshal([]byte(line), &p); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		ids = append(ids, p.CallID)
	}
	return ids
}

func TestKeeperWritesAllAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := openLog(t, LogConfig{})
		var published atomic.Int64
		k := New(Config{Log: l, Publish: func(Record) { published.Add(1) }})
		for range 500 {
			k.CallEnded(refused("a"))
		}
		if err := k.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := len(callIDs(t, l.cfg.Path)); got != 500 || published.Load() != 500 {
			t.Errorf("%d lines, %d published", got, published.Load())
		}
		k.CallEnded(refused("late"))
		if s := k.Stats(); s.Lost != 1 || s.Written[KindParticipant] != 500 || s.Waiting != 0 {
			t.Errorf("stats %+v", s)
		}
	})
}

// TestKeeperWaitsForTheDisk: what cannot be written is written later, in order, and nothing twice.
func TestKeeperWaitsForTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := openLog(t, LogConfig{})
		disk := full(l.file, 0)
		l.file = disk
		k := New(Config{Log: l, Queue: 3})
		for _, id := range []string{"a", "b"} {
			k.CallEnded(refused(id))
			synctest.Wait()
		}
		if s := k.Stats(); !s.Failing || s.Failures == 0 || s.Waiting != 2 || s.Lost != 0 {
			t.Errorf("stats %+v", s)
		}
		before := k.Stats().Failures
		<-time.After(10 * time.Minute)
		synctest.Wait()
		if tries := k.Stats().Failures - before; tries < 15 || tries > 40 {
			t.Errorf("%d attempts in ten minutes", tries)
		}
		for _, id := range []string{"c", "d"} { // d finds no room
			k.CallEnded(refused(id))
			synctest.Wait()
		}
		disk.room.Store(1 << 20)
		<-time.After(lastRetry + time.Second)
		synctest.Wait()
		if s := k.Stats(); s.Failing || s.Waiting != 0 || s.Lost != 1 || s.Written[KindParticipant] != 3 {
			t.Errorf("stats %+v", s)
		}
		if got := strings.Join(callIDs(t, l.cfg.Path), ""); got != "abc" {
			t.Errorf("got %s", got)
		}
		if err := k.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestKeeperTriesUntilTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := openLog(t, LogConfig{})
		disk := full(l.file, 0)
		l.file = disk
		k := New(Config{Log: l})
		k.CallEnded(refused("a"))
		go func() {
			<-time.After(3 * time.Second)
			disk.room.Store(1 << 20)
		}()
		if err := k.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if got := callIDs(t, l.cfg.Path); len(got) != 1 {
			t.Errorf("got %v", got)
		}
		other := openLog(t, LogConfig{})
		other.file = full(other.file, 0)
		k = New(Config{Log: other})
		k.CallEnded(refused("a"))
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := k.Close(ctx); !errors.Is(err, ErrLost) {
			t.Errorf("got %v", err)
		}
	})
}

// syncing counts.
type syncing struct {
	file

	times atomic.Int64
}

func (s *syncing) Sync() error {
	s.times.Add(1)
	return s.file.Sync()
}

func TestKeeperForcesToTheDisk(t *testing.T) {
	for name, test := range map[string]struct {
		every time.Duration
		want  int64 // after three records, one each second, and one minute of silence
	}{"with every write": {0, 3}, "every ten seconds": {10 * time.Second, 1}, "never": {-1, 0}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := openLog(t, LogConfig{})
				disk := &syncing{file: l.file}
				l.file = disk
				k := New(Config{Log: l, Sync: test.every})
				for range 3 {
					k.CallEnded(refused("a"))
					<-time.After(time.Second)
				}
				<-time.After(time.Minute)
				synctest.Wait()
				if disk.times.Load() != test.want {
					t.Errorf("%d times, want %d", disk.times.Load(), test.want)
				}
				if err := k.Close(t.Context()); err != nil || disk.times.Load() != test.want+1 {
					t.Errorf("in the end %v, %d times", err, disk.times.Load())
				}
			})
		})
	}
}

func TestKeeperReopensAndRotatesByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := openLog(t, LogConfig{MaxAge: time.Hour})
		k := New(Config{Log: l})
		k.CallEnded(refused("a"))
		synctest.Wait()
		if err := os.Rename(l.cfg.Path, filepath.Join(filepath.Dir(l.cfg.Path), "moved")); err != nil {
			t.Fatal(err)
		}
		k.Reopen()
		k.CallEnded(refused("b"))
		synctest.Wait()
		if got := strings.Join(callIDs(t, l.cfg.Path), ""); got != "b" {
			t.Errorf("got %s", got)
		}
		<-time.After(time.Hour)
		synctest.Wait()
		if got := files(t, l); got["cdr.jsonl"] != "" || len(got) != 3 {
			t.Errorf("without a call the file is not put aside: %v", got)
		}
		if err := k.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestEventOf(t *testing.T) {
	for kind, record := range EventTypes() {
		record.Common().Type = Kind(strings.TrimPrefix(string(kind), EventPrefix))
		record.Common().ID = "x"
		if e := EventOf(record, origin); e.Type != kind || e.ID != "x" || e.Object != record {
			t.Errorf("%s: %+v", kind, e)
		}
	}
}
