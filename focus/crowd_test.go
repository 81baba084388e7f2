package focus_test

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/conftest"
)

// Many subscribers of a large conference where people come and go end with the roster that there is, each by its own documents. `make bench` does
// the same with a thousand.
//
// Shows CE-DOC-15, CE-DOC-03, CE-RAT-12, CE-DOC-20.
func TestCrowd(t *testing.T) {
	b := newBench(t, focus.Config{
		Conferences: []focus.ConferenceConfig{{ID: "hall"}}, NotifyInterval: 200 * time.Millisecond, Limits: focus.Limits{Subscriptions: 61},
	})
	r, err := conftest.Crowd{
		Target: b.uri("hall"), Subscribers: 60, Participants: 20, PerSecond: 10, Lasts: time.Second, Settle: 30 * time.Second,
	}.Run(t.Context())
	must(t, err)
	if r.Participants != 25 || r.First < 60 || len(r.Wrong) > 0 || r.Gaps > 0 {
		t.Errorf("%+v", r)
	}
	if r.Notifies < 60 || r.Octets < 60*100 || r.Octets > r.FirstOctets*10 {
		t.Errorf("%d NOTIFYs with %d octets, after %d with %d", r.Notifies, r.Octets, r.First, r.FirstOctets)
	}
}
