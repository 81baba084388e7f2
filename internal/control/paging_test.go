package control_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/control"
	"github.com/parley-sip/parley/siprec/srs"
)

// nextPage is the address that Link gives, as a client finds it (RFC 8288); "" for none.
func nextPage(t *testing.T, at string, got answer) string {
	t.Helper()
	link := got.header.Get("Link")
	if link == "" {
		return ""
	}
	found := regexp.MustCompile(`^<(\?[^>]+)>; rel="next"$`).FindStringSubmatch(link)
	if found == nil {
		t.Fatalf("Link: %s", link)
	}
	path, _, _ := strings.Cut(at, "?")
	return path + found[1]
}

// Whatever comes and goes while a list is read in parts, what is there all the time is in it, once.
func TestListsInParts(t *testing.T) {
	b := newBench(t, benchConfig{})
	rapid.Check(t, func(rt *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z0-9]{1,4}`), 0, 12, rapid.ID[string]).Draw(rt, "names")
		there := map[string]bool{} // and stays, unless it is deleted
		for _, name := range names {
			_, err := b.focus.Create(t.Context(), focus.ConferenceConfig{ID: conference.ID(name)})
			must(t, err)
			there[name] = true
		}
		stays, listed := map[string]bool{}, map[string]int{}
		for name := range there {
			stays[name] = true
		}
		limit := rapid.IntRange(1, 5).Draw(rt, "limit")
		for at := fmt.Sprintf("/api/v1/conferences?limit=%d", limit); at != ""; {
			got := b.do("GET", at, "", 200)
			found := objects(t, got)
			if len(found) > limit {
				rt.Errorf("%d of at most %d", len(found), limit)
			}
			for _, c := range found {
				listed[text(t, c, "id")]++
			}
			at = nextPage(t, at, got)
			for range rapid.IntRange(0, 3).Draw(rt, "changes") {
				name := rapid.StringMatching(`[a-z0-9]{1,4}`).Draw(rt, "name")
				if len(there) > 0 && rapid.Bool().Draw(rt, "goes") {
					all := make([]string, 0, len(there))
					for name := range there {
						all = append(all, name)
					}
					slices.Sort(all)
					name = rapid.SampledFrom(all).Draw(rt, "who")
				}
				if there[name] {
					must(t, b.focus.Delete(t.Context(), conference.ID(name)))
					delete(there, name)
					delete(stays, name)
					continue
				}
				_, err := b.focus.Create(t.Context(), focus.ConferenceConfig{ID: conference.ID(name)})
				must(t, err)
				there[name] = true
			}
		}
		for name := range stays {
			if listed[name] != 1 {
				rt.Errorf("%s was there all the time, and is listed %d times", name, listed[name])
			}
		}
		for name, n := range listed {
			if n > 1 {
				rt.Errorf("%s is listed %d times", name, n)
			}
		}
		for name := range there {
			must(t, b.focus.Delete(t.Context(), conference.ID(name)))
		}
	})
}

// Participants in parts are those that there are, each once; other parameters are kept, and whole lists stay as they are.
func TestParticipantsInParts(t *testing.T) {
	b := newBench(t, benchConfig{focus: focus.Config{Dynamic: true}})
	for i := range 5 {
		b.phone(fmt.Sprintf("phone%d", i), "1000")
	}
	const path = "/api/v1/conferences/1000/participants"
	whole := objects(t, b.do("GET", path, "", 200))
	parts, seen := 0, map[string]bool{}
	for at := path + "?limit=2"; at != ""; parts++ {
		got := b.do("GET", at, "", 200)
		for _, p := range objects(t, got) {
			seen[text(t, p, "id")] = true
		}
		at = nextPage(t, at, got)
	}
	if len(whole) != 5 || len(seen) != 5 || parts != 3 {
		t.Errorf("%d in the whole list, %d in %d parts", len(whole), len(seen), parts)
	}
	if got := b.do("GET", path+"?limit=5", "", 200).header.Get("Link"); got != "" {
		t.Errorf("after the last ones there is %s", got)
	}
}

// A cursor that was not given for this list, by this run of the server, is refused in words.
func TestForgedCursors(t *testing.T) {
	b := newBench(t, benchConfig{})
	for _, id := range []string{"1", "2", "3"} {
		b.do("POST", "/api/v1/conferences", `{"id":"`+id+`"}`, 201)
	}
	got := b.do("GET", "/api/v1/conferences?limit=1", "", 200)
	next := nextPage(t, "/api/v1/conferences", got)
	_, cursor, _ := strings.Cut(next, "after=")
	cursor, _, _ = strings.Cut(cursor, "&")
	flipped := "A" + cursor[1:]
	if cursor[0] == 'A' {
		flipped = "B" + cursor[1:]
	}
	for _, forged := range []string{"x", "MQ", "***", flipped, cursor[:len(cursor)-1], cursor + "AAAA"} {
		b.do("GET", "/api/v1/conferences?limit=1&after="+forged, "", 400)
	}
	b.do("GET", "/api/v1/conferences/1/participants?limit=1&after="+cursor, "", 400) // of another list
	b.do("GET", "/api/v1/conferences?limit=0", "", 422)
	b.do("GET", "/api/v1/conferences?limit=x", "", 422)
	after := newBench(t, benchConfig{}) // as after a restart
	after.do("GET", next, "", 400)
	if rest := objects(t, b.do("GET", "/api/v1/conferences?after="+cursor, "", 200)); len(rest) != 2 {
		t.Errorf("without a limit the rest is %v", rest)
	}
}

// Recordings in parts: the newest first, with the same selection, while new ones come and old ones are deleted.
func TestRecordedInParts(t *testing.T) {
	folder := t.TempDir()
	recorder, err := srs.New(srs.Config{Listen: []string{"udp://127.0.0.1:0"}, Directory: folder})
	must(t, err)
	must(t, recorder.Start(t.Context()))
	t.Cleanup(func() { must(t, recorder.Close(context.Background())) })
	server := control.New(control.Config{Listen: "127.0.0.1:0", Recorder: recorder}, nil, http.NotFoundHandler())
	must(t, server.Start(t.Context()))
	t.Cleanup(func() { must(t, server.Close(context.Background())) })
	b := &bench{t: t, server: server, base: "http://" + server.Addr()}
	record := func(n int) string {
		at := time.Date(2026, 1, 1, 0, 0, n, 0, time.UTC)
		id := fmt.Sprintf("r%03d", n)
		dir := filepath.Join(folder, at.Format("20060102T150405Z")+"-"+id)
		must(t, os.Mkdir(dir, 0o700))
		data, err := json.Marshal(srs.Recording{ID: id, State: srs.StateFinished, StartedAt: at})
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, "recording.json"), data, 0o600))
		return dir
	}
	dirs := make([]string, 10)
	for n := range dirs {
		dirs[n] = record(n)
	}
	var seen []string
	for at := "/api/v1/srs/recordings?limit=3&state=finished"; at != ""; {
		got := b.do("GET", at, "", 200)
		for _, r := range objects(t, got) {
			seen = append(seen, text(t, r, "id"))
		}
		if at = nextPage(t, at, got); at != "" && !strings.Contains(at, "state=finished") {
			t.Errorf("the next ones are selected otherwise: %s", at)
		}
		if len(seen) == 3 {
			must(t, os.RemoveAll(dirs[7])) // the last one that was listed
			must(t, os.RemoveAll(dirs[5]))
			record(11)
		}
	}
	if want := "r009 r008 r007 r006 r004 r003 r002 r001 r000"; strings.Join(seen, " ") != want {
		t.Errorf("listed are %v, want %s", seen, want)
	}
	b.do("GET", "/api/v1/srs/recordings?after=x", "", 400)
}
