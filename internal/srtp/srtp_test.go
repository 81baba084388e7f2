package srtp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	pion "github.com/pion/srtp/v2"
)

var suites = []Suite{AEADAES256GCM, AEADAES128GCM, AESCM128HMACSHA180, AESCM128HMACSHA132}

func testKey(s Suite) Key {
	secret := make([]byte, s.KeySize())
	for i := range secret {
		secret[i] = byte(i*7 + 3)
	}
	return Key{Suite: s, Secret: secret}
}

// packet is an RTP packet with a contributing source and a header extension.
func packet(ssrc uint32, seq uint16) []byte {
	p := make([]byte, 12+4+8+160)
	p[0], p[1] = 0x91, 0
	binary.BigEndian.PutUint16(p[2:], seq)
	binary.BigEndian.PutUint32(p[8:], ssrc)
	p[16], p[17], p[19], p[20], p[21] = 0xBE, 0xDE, 1, 0x10, 5
	for i := range p[24:] {
		p[24+i] = byte(i) ^ byte(seq)
	}
	return p
}

func report(ssrc uint32) []byte {
	p := make([]byte, 28)
	p[0], p[1], p[3] = 0x80, 200, 6
	binary.BigEndian.PutUint32(p[4:], ssrc)
	return p
}

// protect protects a packet that must be protectable.
func protect(t *testing.T, s *Sender, plain []byte) []byte {
	t.Helper()
	buf := append(bytes.Clone(plain), make([]byte, MaxOverhead+maxMKI)...)
	size, err := s.Protect(buf, len(plain))
	if err != nil {
		t.Fatal(err)
	}
	return buf[:size]
}

func pair(t *testing.T, k Key) (*Sender, *Receiver) {
	t.Helper()
	s, err := NewSender(k)
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewReceiver(k)
	if err != nil {
		t.Fatal(err)
	}
	return s, r
}

func profile(s Suite) pion.ProtectionProfile {
	return map[Suite]pion.ProtectionProfile{
		AEADAES256GCM: pion.ProtectionProfileAeadAes256Gcm, AEADAES128GCM: pion.ProtectionProfileAeadAes128Gcm,
		AESCM128HMACSHA180: pion.ProtectionProfileAes128CmHmacSha1_80, AESCM128HMACSHA132: pion.ProtectionProfileAes128CmHmacSha1_32,
	}[s]
}

// Another implementation reads what we write and we read what it writes, over two wraps of the sequence number.
//
// Shows ME-SRT-01, ME-SRT-02, ME-SRT-06, ME-GCM-07.
func TestAgainstAnotherImplementation(t *testing.T) {
	for _, suite := range suites {
		t.Run(suite.String(), func(t *testing.T) {
			k := testKey(suite)
			salt := suite.parameters().key
			sender, receiver := pair(t, k)
			theirs, err := pion.CreateContext(k.Secret[:salt], k.Secret[salt:], profile(suite))
			if err != nil {
				t.Fatal(err)
			}
			for n := range 140_000 {
				if n%16 != 0 && uint16(n) > 4 && uint16(n) < 1<<16-4 { // around the wraps each, else some
					continue
				}
				plain := packet(7, uint16(n))
				wire := protect(t, sender, plain)
				other, err := theirs.EncryptRTP(nil, plain, nil)
				if err != nil || !bytes.Equal(wire, other) {
					t.Fatalf("packet %d differs: %v", n, err)
				}
				size, err := receiver.Unprotect(wire)
				if err != nil || !bytes.Equal(wire[:size], plain) {
					t.Fatalf("packet %d: %v", n, err)
				}
			}
		})
	}
}

func TestReportsAgainstAnotherImplementation(t *testing.T) {
	for _, suite := range suites {
		t.Run(suite.String(), func(t *testing.T) {
			k := testKey(suite)
			salt := suite.parameters().key
			s, err := NewReportSender(k)
			if err != nil {
				t.Fatal(err)
			}
			r, err := NewReportReceiver(k)
			if err != nil {
				t.Fatal(err)
			}
			theirs, err := pion.CreateContext(k.Secret[:salt], k.Secret[salt:], profile(suite))
			if err != nil {
				t.Fatal(err)
			}
			for n := range uint32(20) {
				plain := report(9)
				buf := append(bytes.Clone(plain), make([]byte, MaxOverhead)...)
				size, err := s.Protect(buf, len(plain))
				if err != nil {
					t.Fatal(err)
				}
				back, err := theirs.DecryptRTCP(nil, buf[:size], nil)
				if err != nil || !bytes.Equal(back, plain) {
					t.Fatalf("report %d is not understood: %v", n, err)
				}
				wire, err := theirs.EncryptRTCP(nil, plain, nil)
				if err != nil {
					t.Fatal(err)
				}
				again := bytes.Clone(wire)
				if size, err = r.Unprotect(wire); err != nil || !bytes.Equal(wire[:size], plain) {
					t.Fatalf("report %d: %v", n, err)
				}
				if _, err = r.Unprotect(again); !errors.Is(err, ErrReplay) {
					t.Fatalf("replayed report %d: %v", n, err)
				}
			}
		})
	}
}

// Shows ME-SRT-04, ME-SRT-07, ME-GCM-04.
func TestEveryBitIsAuthenticated(t *testing.T) {
	for _, suite := range suites {
		sender, receiver := pair(t, testKey(suite))
		wire := protect(t, sender, packet(7, 1))
		for bit := range len(wire) * 8 {
			forged := bytes.Clone(wire)
			forged[bit/8] ^= 1 << (bit % 8)
			if _, err := receiver.Unprotect(forged); err == nil {
				t.Fatalf("%v: bit %d changed and accepted", suite, bit)
			}
		}
		if _, err := receiver.Unprotect(packet(7, 2)); err == nil {
			t.Errorf("%v: plain packet accepted", suite)
		}
		if receiver.used != 0 {
			t.Errorf("%v: forgeries have left %d sources", suite, receiver.used)
		}
		if _, err := receiver.Unprotect(wire); err != nil {
			t.Errorf("%v: the true packet: %v", suite, err)
		}
	}
}

// Shows ME-SRT-03, ME-SRT-05.
func TestReplayAndReordering(t *testing.T) {
	for _, suite := range suites {
		sender, receiver := pair(t, testKey(suite))
		wires := make([][]byte, 0, 2*windowSize)
		for n := range 2 * windowSize {
			wires = append(wires, protect(t, sender, packet(7, uint16(n+1<<16-windowSize)))) // a wrap in the middle
		}
		take := func(n int, want error) {
			t.Helper()
			if _, err := receiver.Unprotect(bytes.Clone(wires[n])); !errors.Is(err, want) {
				t.Errorf("%v: packet %d: %v instead of %v", suite, n, err, want)
			}
		}
		take(0, nil)
		take(windowSize-1+windowSize/2, nil)
		for n := windowSize + windowSize/2 - 2; n >= windowSize/2; n-- {
			take(n, nil)
			take(n, ErrReplay)
		}
		take(windowSize/2-1, ErrReplay) // too old to tell
	}
}

// Shows ME-SDE-12, ME-SRT-08, ME-GCM-08.
func TestLifetimeAndIdentifier(t *testing.T) {
	for _, suite := range suites {
		k := testKey(suite)
		k.MKI, k.Lifetime = []byte{0, 0, 0, 1}, 3
		sender, receiver := pair(t, k)
		for n := range uint16(3) {
			plain := packet(7, n)
			wire := protect(t, sender, plain)
			size, err := receiver.Unprotect(wire)
			if err != nil || !bytes.Equal(wire[:size], plain) {
				t.Fatalf("%v: %v", suite, err)
			}
		}
		buf := append(packet(7, 3), make([]byte, 64)...)
		if _, err := sender.Protect(buf, len(packet(7, 3))); !errors.Is(err, ErrExhausted) {
			t.Errorf("%v: %v", suite, err)
		}
		longer := k
		longer.Lifetime = 0
		careless, _ := pair(t, longer)
		if _, err := receiver.Unprotect(protect(t, careless, packet(7, 3))); !errors.Is(err, ErrExhausted) {
			t.Errorf("%v: a fourth packet with a key for three: %v", suite, err)
		}
		other := longer
		other.MKI = []byte{0, 0, 0, 2}
		_, open := pair(t, longer)
		foreign, _ := pair(t, other)
		if _, err := open.Unprotect(protect(t, foreign, packet(7, 4))); !errors.Is(err, ErrAuthentication) {
			t.Errorf("%v: another key identifier: %v", suite, err)
		}
		if _, err := open.Unprotect(protect(t, careless, packet(7, 4))); err != nil {
			t.Errorf("%v: the key identifier that was agreed: %v", suite, err)
		}
	}
}

// Shows ME-SRT-09, ME-GCM-08.
func TestNoIndexTwice(t *testing.T) {
	sender, _ := pair(t, testKey(AEADAES128GCM))
	protect(t, sender, packet(7, 10))
	buf := append(packet(7, 10), make([]byte, 64)...)
	if _, err := sender.Protect(buf, 100); !errors.Is(err, ErrReplay) {
		t.Error(err)
	}
}

// Contexts end before an index would come again, whatever is left of the key's lifetime, and stay ended.
//
// Shows ME-GCM-08, ME-SRT-08.
func TestIndicesDoNotCycle(t *testing.T) {
	for _, suite := range suites {
		sender, receiver := pair(t, testKey(suite))
		sender.index = window{top: maxIndex - 1, seen: 1, some: true}
		receiver.keep(receiver.used, receivedSource{ssrc: 7, index: window{top: maxIndex - 1, seen: 1, some: true}})
		sender.ssrc = 7
		if _, err := receiver.Unprotect(protect(t, sender, packet(7, 1<<16-1))); err != nil {
			t.Errorf("%v: the last packet: %v", suite, err)
		}
		for seq := range uint16(3) {
			buf := append(packet(7, seq), make([]byte, 64)...)
			if _, err := sender.Protect(buf, len(buf)-64); !errors.Is(err, ErrExhausted) {
				t.Errorf("%v: %v", suite, err)
			}
		}
		reports, err := NewReportSender(testKey(suite))
		if err != nil {
			t.Fatal(err)
		}
		reports.next = maxReportIndex
		for i, want := range []error{nil, ErrExhausted, ErrExhausted} {
			buf := append(report(7), make([]byte, 64)...)
			if _, err := reports.Protect(buf, len(report(7))); !errors.Is(err, want) {
				t.Errorf("%v: report %d: %v", suite, i, err)
			}
		}
	}
}

// Shows ME-SRT-11, ME-GCM-11.
func TestSecretStaysSecret(t *testing.T) {
	k := testKey(AESCM128HMACSHA180)
	for _, text := range []string{fmt.Sprint(k), fmt.Sprintf("%+v", k), fmt.Sprintf("%#v", k), k.LogValue().String()} {
		if strings.Contains(text, "3 10 17") || strings.Contains(text, "030a11") || strings.Contains(text, "0x3, 0xa") {
			t.Error(text)
		}
	}
	sender, receiver := pair(t, k)
	k.Wipe()
	if !bytes.Equal(k.Secret, make([]byte, len(k.Secret))) {
		t.Error("key is still there")
	}
	sender.Wipe()
	receiver.Wipe()
	if sender.t != (transform{}) || receiver.t != (transform{}) {
		t.Error("session keys are still there")
	}
}

func TestBadKeys(t *testing.T) {
	for _, k := range []Key{{}, {Suite: AEADAES128GCM, Secret: make([]byte, 30)}, {Suite: Suite(9), Secret: nil}} {
		if _, err := NewSender(k); !errors.Is(err, ErrKey) {
			t.Errorf("%v: %v", k, err)
		}
	}
}

func TestNothingAllocates(t *testing.T) {
	for _, suite := range suites {
		sender, receiver := pair(t, testKey(suite))
		plain := packet(7, 0)
		buf := make([]byte, len(plain)+MaxOverhead)
		seq := uint16(0)
		if n := testing.AllocsPerRun(1000, func() {
			seq++
			copy(buf, plain)
			binary.BigEndian.PutUint16(buf[2:], seq)
			size, err := sender.Protect(buf, len(plain))
			if err != nil {
				t.Fatal(err)
			}
			if _, err = receiver.Unprotect(buf[:size]); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%v: %v allocations", suite, n)
		}
	}
}

func BenchmarkProtect(b *testing.B) {
	for _, suite := range suites {
		b.Run(suite.String(), func(b *testing.B) {
			sender, err := NewSender(testKey(suite))
			if err != nil {
				b.Fatal(err)
			}
			buf := make([]byte, 172+MaxOverhead)
			copy(buf, packet(7, 0))
			seq := uint16(0)
			b.ReportAllocs()
			for b.Loop() {
				seq++
				binary.BigEndian.PutUint16(buf[2:], seq)
				if _, err := sender.Protect(buf, 172); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// What does not carry the key is refused, whatever it is, and leaves nothing behind.
func FuzzUnprotect(f *testing.F) {
	f.Add(packet(7, 1), uint8(1))
	f.Add(report(7), uint8(3))
	f.Fuzz(func(t *testing.T, octets []byte, suite uint8) {
		k := testKey(Suite(suite%4 + 1))
		_, receiver := pair(t, k)
		reports, err := NewReportReceiver(k)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := receiver.Unprotect(bytes.Clone(octets)); err == nil || receiver.used != 0 {
			t.Error("RTP accepted")
		}
		if _, err := reports.Unprotect(bytes.Clone(octets)); err == nil || reports.seen.some {
			t.Error("RTCP accepted")
		}
	})
}
