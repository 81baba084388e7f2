package webhook

import (
	"context"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// keeping is a Sender that keeps what it cannot deliver.
func keeping(t *testing.T, folder string, r *receiver) *Sender {
	t.Helper()
	s, err := New(Config{Keep: folder, Hooks: []Hook{{Name: "crm/1", URL: "http://127.0.0.1/", Secret: "s", Transport: r, MaxAge: time.Hour}}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func refusing(context.Context, string) (int, http.Header, error) {
	return http.StatusBadGateway, nil, nil
}

// closedIn ends a Sender that cannot deliver.
func closedIn(t *testing.T, s *Sender, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Error(err)
	}
}

// TestUndeliveredIsKept: what a receiver does not take before the end is sent by the next process, in order and before what is new, however often that
// happens, and what is too old is given up.
func TestUndeliveredIsKept(t *testing.T) {
	folder := t.TempDir()
	path := keepPath(folder, "crm/1")
	synctest.Test(t, func(t *testing.T) {
		s := keeping(t, folder, &receiver{answer: refusing})
		for i := range 3 {
			s.Publish(event("a"+strconv.Itoa(i), "a"))
		}
		s.Publish(event("b0", "b"))
		closedIn(t, s, time.Second)
		if st := s.Stats()[0]; st.Dead != 0 || st.Delivered != 0 {
			t.Errorf("%+v", st)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("%v, %v", info, err)
		}
		s = keeping(t, folder, &receiver{answer: refusing}) // is away still
		s.Publish(event("a3", "a"))
		closedIn(t, s, time.Second)

		r := &receiver{}
		s = keeping(t, folder, r)
		s.Publish(event("a4", "a"))
		synctest.Wait()
		var ofA []string
		for _, id := range r.ids() {
			if strings.HasPrefix(id, "a") {
				ofA = append(ofA, id)
			}
		}
		if got := strings.Join(ofA, " "); got != "a0 a1 a2 a3 a4" || len(r.ids()) != 6 {
			t.Errorf("sent %v", r.ids())
		}
		if r.seen[0].body != `{"id":"`+r.seen[0].id+`"}` {
			t.Errorf("the body is %s", r.seen[0].body)
		}
		<-time.After(2 * journalSync)
		synctest.Wait()
		if _, err := os.Stat(path); err == nil {
			t.Error("what was delivered is kept")
		}
		s.Publish(event("late", "a"))
		synctest.Wait()
		closedIn(t, s, time.Second)
	})
}

// TestKeptGrowsOld: its age counts from when it happened.
func TestKeptGrowsOld(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := keeping(t, folder, &receiver{answer: refusing})
		s.Publish(event("old", "a"))
		closedIn(t, s, time.Second)
		<-time.After(2 * time.Hour)
		s = keeping(t, folder, &receiver{answer: refusing})
		synctest.Wait()
		if st := s.Stats()[0]; st.Dead != 1 {
			t.Errorf("%+v", st)
		}
		<-time.After(2 * journalSync)
		synctest.Wait()
		if _, err := os.Stat(keepPath(folder, "crm/1")); err == nil {
			t.Error("what was given up is kept")
		}
		closedIn(t, s, time.Second)
	})
}

// TestKeptIsDamaged: what can be read is sent, and the folder has to be there.
func TestKeptIsDamaged(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := keeping(t, folder, &receiver{answer: refusing})
		s.Publish(event("a", "a"))
		closedIn(t, s, time.Second)
		path := keepPath(folder, "crm/1")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err = os.WriteFile(path, append(append([]byte("no event\n"), text...), "{half"...), 0o600); err != nil {
			t.Fatal(err)
		}
		r := &receiver{}
		s = keeping(t, folder, r)
		synctest.Wait()
		if got := r.ids(); len(got) != 1 || got[0] != "a" {
			t.Errorf("sent %v", got)
		}
		closedIn(t, s, time.Second)
		s = keeping(t, folder+"/none", &receiver{answer: refusing})
		s.Publish(event("b", "a"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Close(ctx); err == nil || !strings.Contains(err.Error(), "1 to crm/1") {
			t.Errorf("without the folder: %v", err)
		}
	})
}
