package srtp

import (
	"crypto/subtle"
	"encoding/binary"
)

const (
	rtcpHeader = 8
	indexSize  = 4 // flag and index behind the report
	encrypted  = 1 << 31
	// maxReportIndex is the last report of a key (RFC 3711, section 9.2).
	maxReportIndex = 1<<31 - 1
)

// ReportSender protects the RTCP packets that we send, with one index for all sources (RFC 3711, section 3.4).
type ReportSender struct {
	t    transform
	next uint64
	left uint64
}

// NewReportSender returns a context for our reports. Its error is [ErrKey].
func NewReportSender(k Key) (*ReportSender, error) {
	s := &ReportSender{left: lifetime(k, maxReportIndex+1)}
	if err := s.t.init(k, labelReports); err != nil {
		return nil, err
	}
	return s, nil
}

// Protect protects the compound packet that is the first size octets of buf in place and returns its new size.
func (s *ReportSender) Protect(buf []byte, size int) (int, error) {
	t := &s.t
	if size < rtcpHeader || size+t.tag+indexSize+t.named > len(buf) {
		return 0, ErrPacket
	}
	if s.left == 0 || s.next > maxReportIndex {
		return 0, ErrExhausted
	}
	index := s.next
	s.next++
	s.left--
	ssrc, word := binary.BigEndian.Uint32(buf[4:]), uint32(index)|encrypted
	if t.aead != nil {
		t.aead.Seal(buf[rtcpHeader:rtcpHeader], t.nonce(ssrc, index), buf[rtcpHeader:size], t.associated(buf, word))
		size += t.tag
		binary.BigEndian.PutUint32(buf[size:], word)
		size += indexSize
		return size + copy(buf[size:], t.mki[:t.named]), nil
	}
	t.counter(ssrc, index)
	t.stream(buf[rtcpHeader:size])
	binary.BigEndian.PutUint32(buf[size:], word)
	size += indexSize
	tag := t.authenticate(buf[:size], 0, false)
	size += copy(buf[size:], t.mki[:t.named])
	return size + copy(buf[size:], tag), nil
}

// associated is the associated data of a report: header and index (RFC 7714, section 9.2).
func (t *transform) associated(packet []byte, word uint32) []byte {
	copy(t.aad[:rtcpHeader], packet)
	binary.BigEndian.PutUint32(t.aad[rtcpHeader:], word)
	return t.aad[:]
}

// Wipe forgets the keys; the context is of no more use.
func (s *ReportSender) Wipe() { s.t.wipe(); s.left = 0 }

// ReportReceiver takes the protection off RTCP packets. The far end has one index for all its sources.
type ReportReceiver struct {
	t    transform
	seen window
	left uint64
}

// NewReportReceiver returns a context for the far end's reports. Its error is [ErrKey].
func NewReportReceiver(k Key) (*ReportReceiver, error) {
	r := &ReportReceiver{left: lifetime(k, maxReportIndex+1)}
	if err := r.t.init(k, labelReports); err != nil {
		return nil, err
	}
	return r, nil
}

// Unprotect checks a packet and decrypts it in place. It returns the size of what is left. Reports that are not encrypted
// are refused: that is never agreed to.
func (r *ReportReceiver) Unprotect(packet []byte) (int, error) {
	t := &r.t
	if len(packet) < rtcpHeader+indexSize+t.tag+t.named {
		return 0, ErrPacket
	}
	tail := len(packet) - t.named // behind the index
	if t.aead == nil {
		tail -= t.tag
	}
	word := binary.BigEndian.Uint32(packet[tail-indexSize:])
	if word&encrypted == 0 {
		return 0, ErrPacket
	}
	index := uint64(word &^ encrypted)
	switch {
	case !r.seen.fresh(index):
		return 0, ErrReplay
	case r.left == 0:
		return 0, ErrExhausted
	}
	size, ok := r.open(packet, tail, word)
	if !ok {
		return 0, ErrAuthentication
	}
	r.seen.mark(index)
	r.left--
	return size, nil
}

// open authenticates, then decrypts. The index ends at tail.
func (r *ReportReceiver) open(packet []byte, tail int, word uint32) (int, bool) {
	t := &r.t
	if string(packet[tail:tail+t.named]) != string(t.mki[:t.named]) {
		return 0, false
	}
	ssrc, index, end := binary.BigEndian.Uint32(packet[4:]), uint64(word&^encrypted), tail-indexSize
	if t.aead != nil {
		plain, err := t.aead.Open(packet[rtcpHeader:rtcpHeader], t.nonce(ssrc, index), packet[rtcpHeader:end], t.associated(packet, word))
		return rtcpHeader + len(plain), err == nil
	}
	if subtle.ConstantTimeCompare(t.authenticate(packet[:tail], 0, false), packet[tail+t.named:]) != 1 {
		return 0, false
	}
	t.counter(ssrc, index)
	t.stream(packet[rtcpHeader:end])
	return end, true
}

// Wipe forgets the keys; the context is of no more use.
func (r *ReportReceiver) Wipe() { r.t.wipe(); r.left = 0 }
