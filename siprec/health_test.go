package siprec_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parley-sip/parley/siprec"
)

// healthScript runs words against a Health: "+" and "-" are probes, "b" a session that began, "2f" two that failed, "f30"
// one with Retry-After, "5s" lets time go by, "t" asks to begin one, "r" takes it back.
func healthScript(t *testing.T, words string) (state siprec.HealthState, taken string) {
	t.Helper()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	h := siprec.NewHealth(siprec.HealthConfig{}, now)
	for w := range strings.FieldsSeq(words) {
		switch {
		case w == "+", w == "-":
			h.Probed(w == "+", now)
		case w == "b":
			h.Began(now)
		case w == "r":
			h.Released()
		case w == "t":
			taken += map[bool]string{true: "y", false: "n"}[h.Take(now)]
		case strings.HasSuffix(w, "f"):
			for range int(w[0] - '0') {
				h.Failed(0, now)
			}
		case w[0] == 'f':
			n, _ := strconv.Atoi(w[1:])
			h.Failed(time.Duration(n)*time.Second, now)
		default:
			d, err := time.ParseDuration(w)
			if err != nil {
				t.Fatal(err)
			}
			now = now.Add(d)
		}
	}
	return h.State(now), taken
}

// Shows SR-ERR-07.
func TestHealth(t *testing.T) {
	for _, test := range []struct {
		words, taken string
		state        siprec.HealthState
	}{
		{"t", "y", siprec.HealthUnknown},
		{"+ t", "y", siprec.HealthUp},
		{"+ t 1s t 1s t", "yyy", siprec.HealthUp},
		{"+ 2f t 1s t", "yy", siprec.HealthUp},
		{"+ - t", "y", siprec.HealthUp}, // one lost probe is nothing
		{"+ - - t", "n", siprec.HealthDown},
		{"- - + t", "n", siprec.HealthDown}, // nor is one answer
		{"- - + - + t", "n", siprec.HealthDown},
		{"- - + + t", "y", siprec.HealthUp},
		{"- - b t", "y", siprec.HealthUp},
		{"2f t", "y", siprec.HealthUnknown},
		{"+ 3f t 4s t 1s t 1ms t", "nnyn", siprec.HealthUp}, // rests 5 s, then one trial
		{"+ 3f 5s t 1f 9s t 1s t", "yny", siprec.HealthUp},  // the next rest is 10 s
		{"+ 3f 5s t b t", "yy", siprec.HealthUp},            // a trial that succeeds closes the circuit
		{"+ f30 29s t 1s t", "ny", siprec.HealthUp},         // Retry-After
		{"+ 3f t", "n", siprec.HealthOpen},                  //
		{"9f 3f 119s t 1s t", "ny", siprec.HealthUnknown},   // two minutes at most
		{"+ 3f 5s t r t t", "yyn", siprec.HealthUp},         // the trial is taken back
		{"+ 3f 5s t 119s t 1s t", "yny", siprec.HealthUp},   // and nobody says so
	} {
		if state, taken := healthScript(t, test.words); state != test.state || taken != test.taken {
			t.Errorf("%s: %v, taken %q, want %v, %q", test.words, state, taken, test.state, test.taken)
		}
	}
}

// The time since which a recorder is up or down is that of the change, not of the last probe.
func TestHealthSince(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	h := siprec.NewHealth(siprec.HealthConfig{}, now)
	want := now
	for i, answered := range []bool{true, true, true, false, false, false, true, true, true} {
		now = now.Add(time.Second)
		if i == 0 || i == 4 || i == 7 { // the first answer, the second one that is lost, the second one that is there again
			want = now
		}
		if h.Probed(answered, now); !h.Since().Equal(want) {
			t.Errorf("probe %d: since %v, want %v", i, h.Since(), want)
		}
	}
}

// Whatever happens, a recorder that answers again is tried again within the longest rest.
func TestHealthRecovers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(0, 0)
		h := siprec.NewHealth(siprec.HealthConfig{}, now)
		for range rapid.IntRange(0, 60).Draw(t, "n") {
			now = now.Add(time.Duration(rapid.IntRange(0, 20000).Draw(t, "ms")) * time.Millisecond)
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 5:
				h.Take(now) // and then it is taken back
			case 0:
				h.Probed(true, now)
			case 1:
				h.Probed(false, now)
			case 2:
				h.Failed(0, now)
			case 3:
				h.Began(now)
			default:
				if h.Take(now) {
					h.Failed(0, now)
				}
			}
		}
		h.Probed(true, now)
		h.Probed(true, now)
		if now = now.Add(2 * time.Minute); !h.Take(now) {
			t.Fatalf("not tried again: %v", h.State(now))
		}
	})
}
