package focus

import (
	"sync"
	"time"

	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// overtaken is how long a request of a server waits for us to look at the server's own answer, which came before.
const overtaken = time.Second

// agreement is an INVITE of ours in a recording session until its outcome is looked at. A server may ask for something as soon as it has
// our ACK (RFC 3261, section 13.2.2.4), which is sent before that: such a request waits, as 491 would be wrong. Its methods may be called at the same time.
type agreement struct {
	mu   sync.Mutex
	open chan struct{} // nil: there is none
}

// begin notes that an INVITE goes out.
func (a *agreement) begin() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.open == nil {
		a.open = make(chan struct{})
	}
}

// concluded notes an event that is about to be looked at, and may be the outcome: what waits for it comes right after it.
func (a *agreement) concluded(event siprec.Event) {
	switch event.(type) {
	case siprec.Answered, siprec.TimedOut, siprec.TransportFailed:
	default:
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.open != nil {
		close(a.open)
		a.open = nil
	}
}

// await waits for the outcome, if the request of the server could meet it: the dialog lets such requests in only when our INVITE is over.
func (a *agreement) await(request *sipua.Request) {
	a.mu.Lock()
	open := a.open
	a.mu.Unlock()
	if open == nil || request.Method != "INVITE" && len(request.Body) == 0 {
		return
	}
	timer := time.NewTimer(overtaken)
	defer timer.Stop()
	select {
	case <-open:
	case <-timer.C:
	}
}
