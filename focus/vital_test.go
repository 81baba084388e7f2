package focus_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
)

// Request implements sipua.DialogHandler: whether it still has the call.
func (r *raw) Request(request *sipua.Request) *sipua.Response {
	if request.Method != http.MethodOptions {
		return nil
	}
	select {
	case r.asked <- struct{}{}:
	default:
	}
	return sipua.NewResponse(int(r.health.Load()))
}

// Shows ME-RCP-09, ME-AUD-05, ME-RCP-23. Who sends nothing is asked; who answers, whatever, stays; who is on hold is not even asked;
// who has forgotten the call is out.
func TestMediaTimeout(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, MediaTimeout: 120 * time.Millisecond})
	r := b.raw()
	r.health.Store(405)
	r.call("room")
	for range 3 {
		select {
		case <-r.asked:
		case <-time.After(20 * time.Second):
			t.Fatal("not asked")
		}
	}
	if !b.find("room", "raw").Status.Present() {
		t.Fatal("it has answered, and is out")
	}
	hold := func(direction sdp.Direction) {
		r.describe(codecs.PCMU)
		r.local.Media[0].Direction = direction
		_, err := r.dialog.ReInvite(t.Context(), sipua.Body{ContentType: "application/sdp", Data: r.local.Marshal()})
		must(t, err)
	}
	hold(sdp.Inactive)
	pass(150 * time.Millisecond) // a question that was under way
	select {
	case <-r.asked:
	default:
	}
	select {
	case <-r.asked:
		t.Error("asked while on hold")
	case <-time.After(400 * time.Millisecond):
	}
	r.health.Store(481)
	hold(sdp.SendRecv)
	b.await("the dead to be out", func() bool { return b.find("room", "raw").ID == "" })
}
