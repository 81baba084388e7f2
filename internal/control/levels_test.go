package control_test

import (
	"bufio"
	"context"
	"encoding/json"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
)

// levels reads the stream of levels of a conference.
type levels struct {
	t     *testing.T
	read  chan focus.LevelsInfo
	ended chan struct{}
}

func (b *bench) levels(id string) *levels {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	b.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.base+"/api/v1/conferences/"+id+"/levels", nil)
	must(b.t, err)
	response, err := http.DefaultClient.Do(r) //nolint:bodyclose // the goroutine below does
	must(b.t, err)
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream" {
		b.t.Fatalf("levels: %d %v", response.StatusCode, response.Header)
	}
	l := &levels{b.t, make(chan focus.LevelsInfo, 1000), make(chan struct{})}
	go func() {
		defer close(l.ended)
		defer response.Body.Close() //nolint:errcheck // read only
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				var got focus.LevelsInfo
				if err := json.Unmarshal([]byte(data), &got); err != nil && ctx.Err() == nil {
					b.t.Error(err)
				}
				l.read <- got
			}
		}
	}()
	return l
}

// until waits for levels that are so.
func (l *levels) until(what string, ok func(map[string]int) bool) {
	l.t.Helper()
	for timeout := time.After(patience); ; {
		select {
		case got := <-l.read:
			plain := map[string]int{}
			for id, level := range got.Levels {
				plain[string(id)] = level
			}
			if ok(plain) {
				return
			}
		case <-timeout:
			l.t.Fatalf("never: %s", what)
		}
	}
}

// hum is a tone of a level in dBov, for a time.
func hum(level float64, d time.Duration) []int16 {
	pcm := make([]int16, int(d.Seconds()*8000))
	peak := 32768 * math.Sqrt2 * math.Pow(10, level/20)
	for i := range pcm {
		pcm[i] = int16(peak * math.Sin(2*math.Pi*440*float64(i)/8000))
	}
	return pcm
}

// TestLevels: who speaks has the level of what he says, at most four times a second, muted or not; who is silent is left out, and it is said once when nobody is heard any more. The stream ends with the
// conference.
func TestLevels(t *testing.T) {
	b := newBench(t, benchConfig{focus: focus.Config{Dynamic: true}})
	b.do("GET", "/api/v1/conferences/1000/levels", "", 404)
	alice, bob := b.phone("alice", "1000"), b.phone("bob", "1000")
	ids := map[string]string{}
	for _, p := range objects(t, b.do("GET", "/api/v1/conferences/1000/participants", "", 200)) {
		ids[text(t, p, "display_name")] = text(t, p, "id")
	}
	l := b.levels("1000")
	began := time.Now()
	said := alice.Say(hum(-20, 2*time.Second))
	l.until("alice at -20 dBov, and nobody else", func(got map[string]int) bool { return len(got) == 1 && math.Abs(float64(got[ids["alice"]]+20)) <= 1 })
	b.do("PATCH", "/api/v1/conferences/1000/participants/"+ids["alice"], `{"muted":true}`, 200)
	l.until("alice, muted", func(got map[string]int) bool { return len(got) == 1 && got[ids["alice"]] < 0 })
	eventually(t, "her level in the roster", func() bool {
		one := object(t, b.do("GET", "/api/v1/conferences/1000/participants/"+ids["alice"], "", 200))
		level, _ := inside(t, one, "stats")["rx_level_dbov"].(float64)
		return math.Abs(level+20) <= 1
	})
	<-said
	l.until("silence", func(got map[string]int) bool { return len(got) == 0 })
	if told, most := len(l.read), int(time.Since(began).Seconds()*4)+2; told > most {
		t.Errorf("%d were told after the silence", told)
	}
	said = bob.Say(hum(-40, time.Second))
	l.until("bob, more softly", func(got map[string]int) bool { return len(got) == 1 && math.Abs(float64(got[ids["bob"]]+40)) <= 1 })
	<-said
	b.do("DELETE", "/api/v1/conferences/1000", "", 204)
	select {
	case <-l.ended:
	case <-time.After(patience):
		t.Error("the stream goes on after the conference")
	}
}

// TestLevelsAreThrottled: however much is said, no more than four events a second come.
func TestLevelsAreThrottled(t *testing.T) {
	b := newBench(t, benchConfig{focus: focus.Config{Dynamic: true}})
	alice := b.phone("alice", "1000")
	l := b.levels("1000")
	began := time.Now()
	<-alice.Say(hum(-20, 2*time.Second))
	l.until("silence", func(got map[string]int) bool { return len(got) == 0 })
	took, told := time.Since(began), 0
	l2 := b.levels("1000")
	<-alice.Say(hum(-20, 2*time.Second))
	for done := false; !done; {
		got := <-l2.read
		told++
		done = len(got.Levels) == 0
	}
	if most := int((took+time.Second)/(250*time.Millisecond)) + 1; told < 4 || told > most {
		t.Errorf("%d events in %v, want at most %d", told, took, most)
	}
}
