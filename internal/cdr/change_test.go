package cdr

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// change makes the keeper go over to another file at once.
func change(t *testing.T, k *Keeper, cfg LogConfig) {
	t.Helper()
	c, err := k.Prepare(cfg, 0)
	if err != nil {
		t.Fatal(err)
	}
	c.Apply()
	synctest.Wait()
}

// TestKeeperChangesItsFile: no record is lost on the way from no file to one, to another while the first takes nothing, to other limits of it, and to
// none.
func TestKeeperChangesItsFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := New(Config{})
		k.CallEnded(refused("a")) // nobody wants it
		folder := t.TempDir()
		first, second := LogConfig{Path: filepath.Join(folder, "first.jsonl")}, LogConfig{Path: filepath.Join(folder, "second.jsonl")}
		change(t, k, first)
		k.CallEnded(refused("b"))
		synctest.Wait()
		k.cfg.Log.file = full(k.cfg.Log.file, 0) // the keeper waits for something new
		k.CallEnded(refused("c"))
		synctest.Wait()
		if s := k.Stats(); !s.Failing || s.Waiting != 1 {
			t.Errorf("stats %+v", s)
		}
		change(t, k, second)
		k.CallEnded(refused("d"))
		synctest.Wait()
		if s := k.Stats(); s.Failing || s.Waiting != 0 || s.Lost != 0 {
			t.Errorf("stats %+v", s)
		}
		second.MaxSize = 1
		change(t, k, second)
		k.CallEnded(refused("e"))
		synctest.Wait()
		aside, err := filepath.Glob(filepath.Join(folder, "second-*.jsonl"))
		if err != nil || len(aside) != 2 {
			t.Fatalf("put aside: %v, %v", aside, err)
		}
		change(t, k, LogConfig{})
		k.CallEnded(refused("f"))
		if err := k.Close(t.Context()); err != nil {
			t.Error(err)
		}
		for path, want := range map[string]string{first.Path: "b", aside[0]: "cd", aside[1]: "e", second.Path: ""} {
			if got := strings.Join(callIDs(t, path), ""); got != want {
				t.Errorf("%s has %s, want %s", path, got, want)
			}
		}
	})
}

// TestKeeperWithoutAnotherFile says what is lost, and a change that cannot be is none.
func TestKeeperWithoutAnotherFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := openLog(t, LogConfig{})
		l.file = full(l.file, 0)
		k := New(Config{Log: l})
		k.CallEnded(refused("a"))
		synctest.Wait()
		if c, err := k.Prepare(LogConfig{Path: filepath.Join(t.TempDir(), "none", "x.jsonl")}, time.Second); err == nil {
			t.Errorf("prepared %+v", c)
		}
		dropped, err := k.Prepare(LogConfig{Path: filepath.Join(t.TempDir(), "x.jsonl")}, time.Second)
		if err != nil || dropped.Drop() != nil {
			t.Fatal(err)
		}
		if s := k.Stats(); s.Waiting != 1 {
			t.Errorf("stats %+v", s)
		}
		change(t, k, LogConfig{})
		if s := k.Stats(); s.Waiting != 0 || s.Lost != 1 || s.Failing {
			t.Errorf("stats %+v", s)
		}
		if err := k.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
