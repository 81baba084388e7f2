package srtp

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"testing"
)

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	octets, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return octets
}

// RFC 3711, appendix B.3.
func TestDerive(t *testing.T) {
	master, err := aes.NewCipher(unhex(t, "e1f97a0d3e018be0d64fa32c06de4139"))
	if err != nil {
		t.Fatal(err)
	}
	salt := unhex(t, "0ec675ad498afeebb6960b3aabe6")
	for _, test := range []struct {
		label byte
		want  string
	}{
		{labelEncryption, "c61e7a93744f39ee10734afe3ff7a087"},
		{labelSalt, "30cbbc08863d8c85d49db34a9ae1"},
		{labelAuthentication, "cebe321f6ff7716b6fd4ab49af256a156d38baa4"},
	} {
		want := unhex(t, test.want)
		got := make([]byte, len(want))
		derive(got, master, salt, test.label)
		if !bytes.Equal(got, want) {
			t.Errorf("label %d: %x instead of %x", test.label, got, want)
		}
	}
}

// gcm returns a transform with the session key and salt of RFC 7714, section 16.
func gcm(t *testing.T, key string) transform {
	t.Helper()
	block, err := aes.NewCipher(unhex(t, key))
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	v := transform{aead: aead, tag: gcmTagSize}
	copy(v.salt[:], unhex(t, "517569642070726f2071756f"))
	return v
}

// RFC 7714, sections 16.1.1 and 17.1: what is encrypted, before the tag.
//
// Shows ME-GCM-02, ME-GCM-03, ME-GCM-05, ME-GCM-06.
func TestVectorsOfGCM(t *testing.T) {
	const key = "000102030405060708090a0b0c0d0e0f"
	rtp := unhex(t, "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e697320646976697361"+"20696e207061727465732074726573")
	buf := append(bytes.Clone(rtp), make([]byte, MaxOverhead)...)
	sender := &Sender{t: gcm(t, key), left: 1}
	size, err := sender.Protect(buf, len(rtp))
	if err != nil || size != len(rtp)+gcmTagSize {
		t.Fatal(size, err)
	}
	if want := unhex(t, "f24de3a3fb34de6cacba861c9d7e4bca"); !bytes.Equal(buf[12:28], want) {
		t.Errorf("SRTP %x instead of %x", buf[12:28], want)
	}
	rtcp := unhex(t, "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef")
	buf = append(bytes.Clone(rtcp), make([]byte, MaxOverhead)...)
	reports := &ReportSender{t: gcm(t, key), next: 0x5d4, left: 1}
	if size, err = reports.Protect(buf, len(rtcp)); err != nil || size != len(rtcp)+MaxOverhead {
		t.Fatal(size, err)
	}
	want := unhex(t, "63e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275b")
	if !bytes.Equal(buf[8:8+len(want)], want) || !bytes.Equal(buf[size-4:size], unhex(t, "800005d4")) {
		t.Errorf("SRTCP %x instead of %x", buf[8:size], want)
	}
}
