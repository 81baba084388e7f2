package control

import (
	"testing"
	"time"
)

// A ticket is good until it expires, for its recording, and for a token that is still one; another process does not know it.
func TestTicket(t *testing.T) {
	key, other := newTicketKey(), newTicketKey()
	tokens := []Token{{Name: "a", Secret: "1"}, {Name: "b", Secret: "2", ReadOnly: true, Listen: true}}
	now := time.Unix(1_800_000_000, 0)
	ticket := key.issue("r", &tokens[1], now.Add(time.Minute))
	if got := key.holder(ticket, "r", tokens, now); got == nil || got.Name != "b" {
		t.Errorf("its holder is %v", got)
	}
	for what, got := range map[string]*Token{
		"expired": key.holder(ticket, "r", tokens, now.Add(time.Minute)), "another recording": key.holder(ticket, "s", tokens, now), "a token that is gone": key.holder(ticket, "r", tokens[:1], now),
		"another process": other.holder(ticket, "r", tokens, now), "empty": key.holder("", "r", tokens, now), "cut": key.holder(ticket[:20], "r", tokens, now),
		"prolonged": key.holder("AAAAAH"+ticket[6:], "r", tokens, now), "no base64": key.holder("%"+ticket, "r", tokens, now),
	} {
		if got != nil {
			t.Errorf("%s: it is good, for %s", what, got.Name)
		}
	}
}
