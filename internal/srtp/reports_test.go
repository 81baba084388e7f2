package srtp

import (
	"bytes"
	"errors"
	"testing"
)

// What holds for packets holds for reports, which count by themselves.
//
// Shows ME-SDE-12, ME-SRT-08, ME-GCM-08.
func TestLifetimeAndIdentifierOfReports(t *testing.T) {
	for _, suite := range suites {
		k := testKey(suite)
		k.MKI, k.Lifetime = []byte{0, 0, 0, 1}, 3
		sender, receiver := reportPair(t, k)
		for range 3 {
			wire, err := protectReport(sender)
			if err != nil {
				t.Fatalf("%v: %v", suite, err)
			}
			size, err := receiver.Unprotect(wire)
			if err != nil || !bytes.Equal(wire[:size], report(7)) {
				t.Fatalf("%v: %v", suite, err)
			}
		}
		if _, err := protectReport(sender); !errors.Is(err, ErrExhausted) {
			t.Errorf("%v: a fourth report with a key for three: %v", suite, err)
		}
		longer := k
		longer.Lifetime = 0
		careless, open := reportPair(t, longer)
		careless.next = 3
		if wire, err := protectReport(careless); err != nil {
			t.Errorf("%v: %v", suite, err)
		} else if _, err = receiver.Unprotect(wire); !errors.Is(err, ErrExhausted) {
			t.Errorf("%v: a fourth report is taken: %v", suite, err)
		}
		other := longer
		other.MKI = []byte{0, 0, 0, 2}
		foreign, _ := reportPair(t, other)
		if wire, err := protectReport(foreign); err != nil {
			t.Errorf("%v: %v", suite, err)
		} else if _, err = open.Unprotect(wire); !errors.Is(err, ErrAuthentication) {
			t.Errorf("%v: another key identifier: %v", suite, err)
		}
	}
}

// A report that is authenticated and not encrypted is refused: UNENCRYPTED_SRTCP is never agreed to.
//
// Shows ME-SRT-06, ME-SDE-14.
func TestReportsAreEncrypted(t *testing.T) {
	for _, suite := range suites {
		sender, receiver := reportPair(t, testKey(suite))
		open := append(report(7), 0, 0, 0, 0) // the index, without the flag
		if c := &sender.t; c.aead != nil {    // everything but the tag is associated data (RFC 7714, section 9.3)
			tag := c.aead.Seal(nil, c.nonce(7, 0), nil, open)
			open = append(append(report(7), tag...), 0, 0, 0, 0)
		} else {
			open = append(open, c.authenticate(open, 0, false)...)
		}
		if _, err := receiver.Unprotect(open); !errors.Is(err, ErrPacket) {
			t.Errorf("%v: a report in the clear: %v", suite, err)
		}
	}
}

func reportPair(t *testing.T, k Key) (*ReportSender, *ReportReceiver) {
	t.Helper()
	s, err := NewReportSender(k)
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewReportReceiver(k)
	if err != nil {
		t.Fatal(err)
	}
	return s, r
}

func protectReport(s *ReportSender) ([]byte, error) {
	buf := append(report(7), make([]byte, 64)...)
	size, err := s.Protect(buf, len(report(7)))
	return buf[:size], err
}
