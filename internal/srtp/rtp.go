package srtp

import (
	"crypto/subtle"
	"encoding/binary"
)

const (
	rtpHeader = 12
	// maxIndex is the last packet of a key (RFC 3711, section 9.2).
	maxIndex = 1<<48 - 1
	// longestFirst is the longest packet that is opened twice, which is more than an Ethernet carries.
	longestFirst = 1600
	// sourcesKept is of how many sources of the far end the counters are kept. They are kept of authenticated ones only, the
	// one that was silent longest making room.
	sourcesKept = 8
)

// headerLength returns where the payload of an RTP packet begins (RFC 3550, sections 5.1 and 5.3.1), -1 if it is none.
func headerLength(packet []byte) int {
	if len(packet) < rtpHeader || packet[0]>>6 != 2 {
		return -1
	}
	end := rtpHeader + 4*int(packet[0]&0x0F)
	if packet[0]&0x10 != 0 {
		if len(packet) < end+4 {
			return -1
		}
		end += 4 + 4*int(binary.BigEndian.Uint16(packet[end+2:]))
	}
	if len(packet) < end {
		return -1
	}
	return end
}

// Sender protects the RTP packets of one source.
type Sender struct {
	t     transform
	index window // its top is the last index
	ssrc  uint32
	left  uint64
}

// NewSender returns a context for what we send. Its error is [ErrKey].
func NewSender(k Key) (*Sender, error) {
	s := &Sender{left: lifetime(k, maxIndex)}
	if err := s.t.init(k, labelEncryption); err != nil {
		return nil, err
	}
	return s, nil
}

// lifetime is how many packets a key is good for.
func lifetime(k Key, most uint64) uint64 {
	if k.Lifetime == 0 {
		return most
	}
	return min(k.Lifetime, most)
}

// Protect protects the packet that is the first size octets of buf in place and returns its new size. The sequence numbers
// of a source must rise one by one, or jump ahead; another SSRC begins at rollover counter 0.
func (s *Sender) Protect(buf []byte, size int) (int, error) {
	if size > len(buf) {
		return 0, ErrPacket
	}
	header := headerLength(buf[:size])
	if header < 0 || size+s.t.tag+s.t.named > len(buf) {
		return 0, ErrPacket
	}
	ssrc := binary.BigEndian.Uint32(buf[8:])
	if ssrc != s.ssrc {
		s.ssrc, s.index = ssrc, window{}
	}
	index := s.index.estimate(binary.BigEndian.Uint16(buf[2:]))
	if s.left == 0 || index > maxIndex {
		return 0, ErrExhausted
	}
	if !s.index.fresh(index) { // the key stream would be used twice (RFC 3711, section 9.1)
		return 0, ErrReplay
	}
	s.index.mark(index)
	s.left--
	if s.t.aead != nil {
		s.t.aead.Seal(buf[header:header], s.t.nonce(ssrc, index), buf[header:size], buf[:header])
		size += s.t.tag
		return size + copy(buf[size:], s.t.mki[:s.t.named]), nil
	}
	s.t.counter(ssrc, index)
	s.t.stream(buf[header:size])
	tag := s.t.authenticate(buf[:size], rollover(index), true)
	size += copy(buf[size:], s.t.mki[:s.t.named])
	return size + copy(buf[size:], tag), nil
}

// rollover is the upper part of an index of 48 bits.
func rollover(index uint64) uint32 { return uint32(index >> 16 & (1<<32 - 1)) }

// Wipe forgets the keys; the context is of no more use.
func (s *Sender) Wipe() { s.t.wipe(); s.left = 0 }

// Receiver takes the protection off RTP packets.
type Receiver struct {
	t       transform
	sources [sourcesKept]receivedSource // the one heard last is first
	used    int
	left    uint64
	before  *Receiver // see Follow; nil once a source was heard
	depth   int       // how many there are before it
}

// receivedSource is what is kept of an authenticated source.
type receivedSource struct {
	ssrc  uint32
	index window
}

// NewReceiver returns a context for what the far end sends. Its error is [ErrKey].
func NewReceiver(k Key) (*Receiver, error) {
	r := &Receiver{left: lifetime(k, maxIndex)}
	if err := r.t.init(k, labelEncryption); err != nil {
		return nil, err
	}
	return r, nil
}

// mostBefore is how many contexts are remembered that were followed without that any source was heard.
const mostBefore = 8

// Follow says which context there was for the same far end with another key. A far end that changes its key may count its rollovers on (RFC 3711, section
// 3.3.1) or begin with zero (RFC 4568, section 7.1.4): what of both it does shows when its first packet is authentic. To be called before the first
// packet; the other one may be in use then, by who is going to use this one.
func (r *Receiver) Follow(before *Receiver) {
	if before == nil || before.depth >= mostBefore {
		return
	}
	r.before, r.depth = before, before.depth+1
}

// counted is the index that a packet of a source has if it goes on in the numbers that it had with the key before.
func (r *Receiver) counted(ssrc uint32, seq uint16) (uint64, bool) {
	for b := r.before; b != nil; b = b.before {
		if at := b.find(ssrc); at < b.used {
			return b.sources[at].index.estimate(seq), true
		}
	}
	return 0, false
}

// Unprotect checks a packet and decrypts it in place. It returns the size of what is left: a plain RTP packet. On an error
// nothing has changed but the packet, of which nothing may be used.
func (r *Receiver) Unprotect(packet []byte) (int, error) {
	header := headerLength(packet)
	if header < 0 || len(packet) < header+r.t.tag+r.t.named {
		return 0, ErrPacket
	}
	ssrc := binary.BigEndian.Uint32(packet[8:])
	at := r.find(ssrc)
	source := receivedSource{ssrc: ssrc}
	if at < r.used {
		source = r.sources[at]
	}
	index := source.index.estimate(binary.BigEndian.Uint16(packet[2:]))
	if !source.index.fresh(index) {
		return 0, ErrReplay
	}
	if r.left == 0 || index > maxIndex {
		return 0, ErrExhausted
	}
	var size int
	var err error
	if at == r.used {
		size, index, err = r.openFirst(packet, header, ssrc, index)
	} else {
		size, err = r.open(packet, header, ssrc, index)
	}
	if err != nil {
		return 0, err
	}
	source.index.mark(index)
	r.left--
	r.keep(at, source)
	return size, nil
}

// openFirst opens the first packet that is heard of a source, and tells its index. Those before it may have been lost, or have come before there were keys, and
// its numbers may have gone round among them: not every phone begins below 2^15 (RFC 4568, section 6.4). Or they have gone round with the key before, and go on.
// Without another try it would never be heard.
func (r *Receiver) openFirst(packet []byte, header int, ssrc uint32, index uint64) (int, uint64, error) {
	var saved [longestFirst]byte // a failure spoils the packet
	n := copy(saved[:], packet)
	size, err := r.open(packet, header, ssrc, index)
	first := index
	if err != nil && n == len(packet) && first < 1<<15 {
		copy(packet, saved[:n])
		index = first + 1<<16
		size, err = r.open(packet, header, ssrc, index)
	}
	if err != nil && n == len(packet) {
		if on, known := r.counted(ssrc, binary.BigEndian.Uint16(saved[2:])); known && on != first && on != index {
			copy(packet, saved[:n])
			index = on
			size, err = r.open(packet, header, ssrc, index)
		}
	}
	if err == nil {
		r.before = nil
	}
	return size, index, err
}

// find returns where a source is, used if it is new.
func (r *Receiver) find(ssrc uint32) int {
	for i := range r.used {
		if r.sources[i].ssrc == ssrc {
			return i
		}
	}
	return r.used
}

// keep puts an authenticated source first.
func (r *Receiver) keep(at int, source receivedSource) {
	if at == r.used {
		r.used = min(r.used+1, sourcesKept)
		at = r.used - 1
	}
	copy(r.sources[1:at+1], r.sources[:at])
	r.sources[0] = source
}

// open authenticates, then decrypts.
func (r *Receiver) open(packet []byte, header int, ssrc uint32, index uint64) (int, error) {
	t := &r.t
	if t.aead != nil {
		end := len(packet) - t.named
		if string(packet[end:]) != string(t.mki[:t.named]) {
			return 0, ErrAuthentication
		}
		plain, err := t.aead.Open(packet[header:header], t.nonce(ssrc, index), packet[header:end], packet[:header])
		if err != nil {
			return 0, ErrAuthentication
		}
		return header + len(plain), nil
	}
	end := len(packet) - t.tag - t.named
	tag := t.authenticate(packet[:end], rollover(index), true)
	if subtle.ConstantTimeCompare(tag, packet[end+t.named:]) != 1 || string(packet[end:end+t.named]) != string(t.mki[:t.named]) {
		return 0, ErrAuthentication
	}
	t.counter(ssrc, index)
	t.stream(packet[header:end])
	return end, nil
}

// Wipe forgets the keys; the context is of no more use.
func (r *Receiver) Wipe() { r.t.wipe(); r.left = 0 }
