package focus

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/focus/conference"
)

// What a disk had been given and has lost is missing in the copy, and not waited for.
func TestUnspooled(t *testing.T) {
	var a assurance
	record := a.open("room", &conference.Recording{ID: "r"}, time.Now())
	c := a.newCopy(record)
	a.add(c, "srs", 10, 20, 0)
	a.unspool(c, 5)
	a.end(record, time.Now(), false)
	if c.spooled != 15 || c.lost != 5 || record.verdict() != "partial" {
		t.Errorf("%d in the spool, %d lost, %s", c.spooled, c.lost, record.verdict())
	}
	a.unspool(c, 20) // with records that are no frames
	if c.spooled != 0 || c.lost != 20 {
		t.Errorf("%d in the spool, %d lost", c.spooled, c.lost)
	}
}

// Another copy has what one has lost, if it has something, and lacks nothing.
func TestElsewhere(t *testing.T) {
	var a assurance
	record := a.open("room", &conference.Recording{ID: "r"}, time.Now())
	one, two := a.newCopy(record), a.newCopy(record)
	a.add(one, "one", 10, 0, 5)
	if a.elsewhere(record, one) || a.elsewhere(nil, one) {
		t.Error("a copy that has nothing has what the other lacks")
	}
	a.add(two, "two", 15, 0, 0)
	if !a.elsewhere(record, one) || a.elsewhere(record, two) {
		t.Error("the second copy has all, the first has not")
	}
	a.add(two, "two", 0, 5, 0) // waits in the spool
	if !a.elsewhere(record, one) {
		t.Error("what is in the spool is there")
	}
	a.add(two, "two", 0, 0, 1)
	if a.elsewhere(record, one) {
		t.Error("a copy that lacks something is not whole")
	}
}
