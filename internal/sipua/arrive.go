package sipua

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// rawAnswerRate is how many malformed messages are answered per second.
const rawAnswerRate = 200

// writeTimeout is how long a write to a TCP connection may take.
const writeTimeout = 5 * time.Second

// inviteMark is what is known about an INVITE transaction of a peer: enough to
// let a CANCEL take effect that is handled before the INVITE, though it came
// after it, or came before it (RFC 3261, section 9.2).
type inviteMark struct {
	mu       sync.Mutex
	seen     chan struct{} // closed when the INVITE has come
	canceled bool
	cancel   func() // cancels the call; nil until there is one
}

func newInviteMark() *inviteMark { return &inviteMark{seen: make(chan struct{})} }

// arrived marks that the INVITE has come.
func (m *inviteMark) arrived() {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.seen:
	default:
		close(m.seen)
	}
}

// answer is the status for a CANCEL: whether its INVITE has come.
func (m *inviteMark) answer() int {
	select {
	case <-m.seen:
		return 200
	default:
		return 481
	}
}

// attach sets what a CANCEL does, and returns true when it was there before.
func (m *inviteMark) attach(cancel func()) (canceled bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cancel = cancel
	return m.canceled
}

// markCanceled notes a CANCEL and lets it take effect.
func (m *inviteMark) markCanceled() {
	m.mu.Lock()
	m.canceled = true
	cancel := m.cancel
	m.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}

// arrive sees every message in the order in which it came, before the
// transaction layer handles it in a goroutine of its own. It does what has to be
// done before anybody else looks at a request:
//
//   - the header fields that the stack parses when they are first asked for are
//     parsed now, by one goroutine;
//   - a request without a To tag gets the one that all responses to it will
//     carry, the 200 to its CANCEL too (RFC 3261, sections 8.2.6.2 and 9.2);
//   - the top Via gets its received parameter (RFC 3261, section 18.2.1);
//   - a request within a dialog is announced to it, so that those behind it wait;
//   - an INVITE is noted, so that its CANCEL finds it.
func (a *Agent) arrive(message sip.Message) {
	request, ok := message.(*sip.Request)
	if !ok {
		return
	}
	a.counts.request(string(request.Method))
	via, from, to := request.Via(), request.From(), request.To()
	callID, cseq := request.CallID(), request.CSeq()
	request.MaxForwards()
	request.ContentLength()
	if via == nil || from == nil || to == nil || callID == nil || cseq == nil {
		return
	}
	if source := a.realSource(request.Source()); source.IsValid() && source.Addr().String() != strings.Trim(via.Host, "[]") {
		via.Params.Add("received", source.Addr().String())
	}
	if _, ok := via.Params.Get("alias"); ok && request.Transport() == stackTransport {
		if key, err := netip.ParseAddrPort(request.Source()); err == nil {
			a.streams.offer(unmap(key), via.Port)
		}
	}
	tag := to.Params.GetOr("tag", "")
	switch {
	case tag == "":
		to.Params.Add("tag", a.tagFor(request))
	case request.Method != sip.ACK && request.Method != sip.CANCEL:
		id := DialogID{CallID: callID.Value(), LocalTag: tag, RemoteTag: from.Params.GetOr("tag", "")}
		if found, _ := a.find(id); found != nil {
			found.announce(cseq.SeqNo)
		}
	}
	if request.Method == sip.INVITE {
		mark, _ := a.invites.add(inviteKey(request), newInviteMark())
		mark.arrived()
	}
}

// tagFor makes the local tag of a request: a function of the transaction, so
// that INVITE and CANCEL get the same, which nobody else can compute.
func (a *Agent) tagFor(request *sip.Request) string {
	mac := hmac.New(sha256.New, a.secret[:])
	for _, part := range []string{request.CallID().Value(), request.From().Params.GetOr("tag", ""), inviteKey(request)} {
		mac.Write([]byte(part))
		mac.Write([]byte{0})
	}
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(mac.Sum(nil)[:10]))
}

// inviteKey names the INVITE transaction of an INVITE or a CANCEL (RFC 3261,
// section 17.2.3).
func inviteKey(request *sip.Request) string {
	via := request.Via()
	branch := via.Params.GetOr("branch", "")
	if !strings.HasPrefix(branch, sip.RFC3261BranchMagicCookie) {
		// RFC 2543: the branch says nothing.
		branch = request.CallID().Value() + " " + request.From().Params.GetOr("tag", "") + " " +
			strings.TrimSpace(strings.TrimSuffix(request.CSeq().Value(), string(request.CSeq().MethodName)))
	}
	return branch + " " + via.SentBy()
}

// newTag makes a random tag.
func newTag() string { return strings.ToLower(randomText(10)) }

// refuseRaw renders the answer to a message that cannot be parsed, if it is to
// be answered.
func (a *Agent) refuseRaw(status int, data []byte) []byte {
	if !a.rejects.allow(time.Now()) {
		return nil
	}
	answer := rawResponse(data, status, newTag())
	if answer != nil {
		a.counts.response(otherMethod, status)
	}
	return answer
}
