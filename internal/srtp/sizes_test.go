package srtp

import (
	"bytes"
	"errors"
	"testing"
)

// What is protected grows by the tag and the identifier of the key, and by nothing else; where that does not fit nothing is written. Whatever is cut off
// on the way, the rest is no packet, and nothing beyond it is read.
func TestSizes(t *testing.T) {
	for _, suite := range suites {
		key := testKey(suite)
		key.MKI = []byte{1, 2, 3}
		s, r := pair(t, key)
		plain := packet(7, 1)
		protected := protect(t, s, plain)
		for n := range protected {
			if size, err := r.Unprotect(bytes.Clone(protected[:n])); err == nil {
				t.Errorf("%v: %d octets of %d are taken for %d", suite, n, len(protected), size)
			}
		}
		if size, err := r.Unprotect(bytes.Clone(protected)); err != nil || size != len(plain) {
			t.Errorf("%v: %d, %v", suite, size, err)
		}
		for room := len(plain) - 1; room <= len(protected); room++ {
			buf := make([]byte, room, len(protected)+10)
			copy(buf, packet(7, uint16(room)))
			size, err := s.Protect(buf, len(plain))
			if fits := room == len(protected); fits != (err == nil) || err != nil && !errors.Is(err, ErrPacket) || fits && size != room {
				t.Errorf("%v: %d octets of %d: %d, %v", suite, room, len(protected), size, err)
			}
			if rest := buf[len(buf):cap(buf)]; !bytes.Equal(rest, make([]byte, len(rest))) {
				t.Errorf("%v: written behind the buffer", suite)
			}
		}
	}
}

// The same of reports.
func TestSizesOfReports(t *testing.T) {
	for _, suite := range suites {
		key := testKey(suite)
		key.MKI = []byte{1, 2, 3}
		s, r := reportPair(t, key)
		plain := report(7)
		buf := append(bytes.Clone(plain), make([]byte, MaxOverhead+maxMKI)...)
		size, err := s.Protect(buf, len(plain))
		if err != nil {
			t.Fatal(err)
		}
		protected := buf[:size]
		for n := range protected {
			if size, err := r.Unprotect(bytes.Clone(protected[:n])); err == nil {
				t.Errorf("%v: %d octets of %d are taken for %d", suite, n, len(protected), size)
			}
		}
		if size, err := r.Unprotect(bytes.Clone(protected)); err != nil || size != len(plain) {
			t.Errorf("%v: %d, %v", suite, size, err)
		}
		for room := len(plain); room <= len(protected); room++ {
			buf := append(bytes.Clone(plain), make([]byte, room-len(plain))...)
			size, err := s.Protect(buf, len(plain))
			if fits := room == len(protected); fits != (err == nil) || err != nil && !errors.Is(err, ErrPacket) || fits && size != room {
				t.Errorf("%v: %d octets of %d: %d, %v", suite, room, len(protected), size, err)
			}
		}
		if _, err := s.Protect(make([]byte, 100), rtcpHeader-1); !errors.Is(err, ErrPacket) {
			t.Errorf("%v: no header: %v", suite, err)
		}
		if size, err := s.Protect(append(report(7)[:rtcpHeader], make([]byte, 100)...), rtcpHeader); err != nil || size <= rtcpHeader {
			t.Errorf("%v: a report of its header alone: %d, %v", suite, size, err)
		}
	}
}

// What says that it has more contributing sources, or a longer extension, than there are octets is no packet (RFC 3550, section 5.1).
func TestMalformed(t *testing.T) {
	whole := packet(7, 1)
	sources := append([]byte{0x8F}, whole[1:12+4*14]...)
	extension := bytes.Clone(whole[:28])
	extension[18], extension[19] = 0, 3
	for name, bad := range map[string][]byte{
		"nothing": nil, "half a header": whole[:11], "version 1": append([]byte{0x51}, whole[1:]...), "version 3": append([]byte{0xD1}, whole[1:]...),
		"a source is missing": sources, "half an extension header": whole[:18], "a short extension": extension,
	} {
		s, r := pair(t, testKey(AESCM128HMACSHA180))
		buf := append(bytes.Clone(bad), make([]byte, MaxOverhead)...)
		if _, err := s.Protect(buf, len(bad)); !errors.Is(err, ErrPacket) {
			t.Errorf("%s: protected, %v", name, err)
		}
		if _, err := r.Unprotect(bytes.Clone(bad)); !errors.Is(err, ErrPacket) {
			t.Errorf("%s: taken, %v", name, err)
		}
	}
	for name, size := range map[string]int{"with nothing behind its header": 24, "of its extension alone": 24} {
		s, r := pair(t, testKey(AESCM128HMACSHA180))
		if n, err := r.Unprotect(protect(t, s, whole[:size])); err != nil || n != size {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
}

// A far end may jump far ahead at its beginning, before any number has gone round: both ends take it for the same packet (RFC 3711, appendix A).
func TestJumpAtTheBeginning(t *testing.T) {
	for _, suite := range suites {
		s, r := pair(t, testKey(suite))
		for _, seq := range []uint16{10, 65530, 3, 65531, 20} {
			plain := packet(7, seq)
			got := protect(t, s, plain)
			if n, err := r.Unprotect(got); err != nil || !bytes.Equal(got[:n], plain) {
				t.Fatalf("%v, %d: %v", suite, seq, err)
			}
		}
	}
}

// Of the last eight sources nothing is taken twice; a ninth one takes the place of the one that was silent longest.
func TestSourcesAreKept(t *testing.T) {
	key := testKey(AEADAES128GCM)
	r, err := NewReceiver(key)
	if err != nil {
		t.Fatal(err)
	}
	sent := map[uint32][]byte{}
	take := func(ssrc uint32) error {
		_, err := r.Unprotect(bytes.Clone(sent[ssrc]))
		return err
	}
	for ssrc := uint32(1); ssrc <= sourcesKept+1; ssrc++ {
		s, err := NewSender(key)
		if err != nil {
			t.Fatal(err)
		}
		sent[ssrc] = protect(t, s, packet(ssrc, 100))
		if ssrc > sourcesKept {
			continue
		}
		if err := take(ssrc); err != nil {
			t.Fatal(err)
		}
		if ssrc == 1 { // and a second packet of the first one, later on
			sent[0] = protect(t, s, packet(1, 101))
		}
	}
	if err := take(0); err != nil { // now the second one has been silent longest
		t.Fatal(err)
	}
	if err := take(sourcesKept + 1); err != nil {
		t.Fatal(err)
	}
	for ssrc := range sent {
		if ssrc == 2 {
			continue
		}
		if err := take(ssrc); !errors.Is(err, ErrReplay) {
			t.Errorf("source %d: %v", ssrc, err)
		}
	}
}

// A key is another one if anything of it is.
func TestEqualKeys(t *testing.T) {
	key := func(change func(*Key)) Key {
		k := testKey(AESCM128HMACSHA180)
		k.MKI, k.Lifetime = []byte{1}, 1000
		change(&k)
		return k
	}
	one := key(func(*Key) {})
	if !one.Equal(key(func(*Key) {})) {
		t.Error("the same is another one")
	}
	for name, change := range map[string]func(*Key){
		"suite": func(k *Key) { k.Suite = AESCM128HMACSHA132 }, "lifetime": func(k *Key) { k.Lifetime++ }, "identifier": func(k *Key) { k.MKI = []byte{2} },
		"secret": func(k *Key) { k.Secret[29]++ }, "no identifier": func(k *Key) { k.MKI = nil }, "length": func(k *Key) { k.Secret = k.Secret[:29] },
	} {
		if other := key(change); one.Equal(other) || other.Equal(one) {
			t.Errorf("%s: the same", name)
		}
	}
}
