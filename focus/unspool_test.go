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
	a.end(record, time.Now())
	if c.spooled != 15 || c.lost != 5 || record.verdict() != "partial" {
		t.Errorf("%d in the spool, %d lost, %s", c.spooled, c.lost, record.verdict())
	}
	a.unspool(c, 20) // with records that are no frames
	if c.spooled != 0 || c.lost != 20 {
		t.Errorf("%d in the spool, %d lost", c.spooled, c.lost)
	}
}
