package focus

import (
	"log/slog"
	"testing"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sdp"
)

// FO-MOD-15 (RFC 3264, section 5): only the ACK of the INVITE whose 2xx carried our offer answers it. The ACK before may be handled after
// that INVITE, since the two come right behind each other.
func TestAnswerIsTakenFromItsOwnACK(t *testing.T) {
	p := &participant{bridged: true, pending: &sdp.Description{}, pendingSequence: 3}
	c := &controller{participants: map[conference.ParticipantID]*participant{"p": p}, log: slog.New(slog.DiscardHandler)}
	acknowledged{leg: leg{controller: c, id: "p"}, sequence: 2}.handle(c)
	if p.pending == nil {
		t.Error("the ACK of another INVITE was taken for the answer")
	}
}
