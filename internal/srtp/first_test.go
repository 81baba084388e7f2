package srtp

import (
	"bytes"
	"errors"
	"testing"
)

// The numbers of a source that begins high may go round before the first packet that arrives: it is heard nevertheless, and those that are late are, too. One whose
// numbers have gone round twice is not, nor is anything that is not authentic.
//
// RFC 3711, section 3.3.1; RFC 4568, section 6.4.
func TestFirstPacketAfterTheWrap(t *testing.T) {
	for _, suite := range suites {
		sender, receiver := pair(t, testKey(suite))
		sent := make([][]byte, 0, 20)
		for i := range 20 {
			sent = append(sent, protect(t, sender, packet(7, uint16(65530+i))))
		}
		forged := bytes.Clone(sent[10])
		forged[30] ^= 1
		if _, err := receiver.Unprotect(forged); !errors.Is(err, ErrAuthentication) {
			t.Errorf("%v: a forged one: %v", suite, err)
		}
		for _, i := range []int{10, 4, 11, 19} { // 4 is from before the wrap
			got := bytes.Clone(sent[i])
			n, err := receiver.Unprotect(got)
			if err != nil || !bytes.Equal(got[:n], packet(7, uint16(65530+i))) {
				t.Errorf("%v: packet %d: %v", suite, i, err)
			}
		}
		if _, err := receiver.Unprotect(bytes.Clone(sent[10])); !errors.Is(err, ErrReplay) {
			t.Errorf("%v: again: %v", suite, err)
		}
		sender.ssrc, sender.index = 8, window{top: 2<<16 + 5, seen: 1, some: true}
		if _, err := receiver.Unprotect(protect(t, sender, packet(8, 6))); !errors.Is(err, ErrAuthentication) {
			t.Errorf("%v: after two rounds: %v", suite, err)
		}
	}
}
