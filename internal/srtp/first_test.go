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

// Who takes another key after his numbers have gone round may count on (RFC 3711, section 3.3.1) or begin anew (RFC 4568, section 7.1.4), and is heard either way,
// also when nothing came with the key between. What is not authentic is not, and who was never heard before is not believed to count on.
func TestRolloversGoOnWithAnotherKey(t *testing.T) {
	for _, suite := range suites {
		for _, kept := range []bool{true, false} {
			before, old := pair(t, testKey(suite))
			before.ssrc, before.index = 7, window{top: 3<<16 + 100, seen: 1, some: true}
			old.keep(0, receivedSource{ssrc: 7, index: before.index})
			_, between := pair(t, otherKey(suite, 3))
			between.Follow(old)
			sender, receiver := pair(t, otherKey(suite, 4))
			receiver.Follow(between)
			if kept {
				sender.ssrc, sender.index = before.ssrc, before.index
			}
			first, next := protect(t, sender, packet(7, 101)), protect(t, sender, packet(7, 102))
			forged := bytes.Clone(first)
			forged[30] ^= 1
			if _, err := receiver.Unprotect(forged); !errors.Is(err, ErrAuthentication) {
				t.Errorf("%v: a forged one: %v", suite, err)
			}
			for i, sent := range [][]byte{first, next} {
				got := bytes.Clone(sent)
				if n, err := receiver.Unprotect(got); err != nil || !bytes.Equal(got[:n], packet(7, uint16(101+i))) {
					t.Errorf("%v, counting on %t: packet %d: %v", suite, kept, i, err)
				}
			}
			if _, err := receiver.Unprotect(bytes.Clone(first)); !errors.Is(err, ErrReplay) {
				t.Errorf("%v: again: %v", suite, err)
			}
			stranger, deaf := pair(t, otherKey(suite, 5))
			deaf.Follow(old)
			stranger.ssrc, stranger.index = 8, before.index
			if _, err := deaf.Unprotect(protect(t, stranger, packet(8, 101))); !errors.Is(err, ErrAuthentication) {
				t.Errorf("%v: who was never heard: %v", suite, err)
			}
		}
	}
}

// Who changes his key again and again and says nothing is remembered no longer than a few keys.
func TestFollowingEnds(t *testing.T) {
	_, r := pair(t, testKey(suites[0]))
	r.keep(0, receivedSource{ssrc: 7})
	for i := range 100 {
		_, next := pair(t, testKey(suites[0]))
		next.Follow(r)
		if _, known := next.counted(7, 1); known != (i < mostBefore) {
			t.Fatalf("after %d keys: %t", i+1, known)
		}
		r = next
	}
}

// otherKey is another one for each n.
func otherKey(suite Suite, n byte) Key {
	key := testKey(suite)
	key.Secret[0] = n + 100
	return key
}
