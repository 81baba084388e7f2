package focus

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-sip/parley/internal/rtt"
)

// What is written while no recorder takes the stream waits for one, in its order and with its times; what is beyond the bound is lost, and counted.
func TestTextWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c textCapture
		c.hold()
		if !c.oldest().IsZero() {
			t.Errorf("nothing waits, since %v", c.oldest())
		}
		began := time.Now()
		for _, text := range []string{"one", "two"} {
			c.take(rtt.Source{ID: 7}, "ann", text)
			<-time.After(time.Second)
		}
		if !c.oldest().Equal(began) {
			t.Errorf("waits since %v, want %v", c.oldest(), began)
		}
		c.take(rtt.Source{ID: 7}, "ann", strings.Repeat("x", maxHeldText))
		list := c.rest()
		if len(list) != 2 || list[0].text != "one" || !list[0].at.Equal(began) || list[1].text != "two" || !list[1].at.Equal(began.Add(time.Second)) || list[1].cname != "ann" {
			t.Errorf("%+v", list)
		}
		if c.lost != maxHeldText || !c.oldest().IsZero() {
			t.Errorf("%d characters are lost, something waits since %v", c.lost, c.oldest())
		}
	})
}
