package focus_test

import (
	"encoding/binary"
	"math"
	"net"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/rtt"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/srtp"
)

const comfortNoise = 13 // the payload type (RFC 3389, section 4)

// takeNoise adds it to an answer, if the server takes it.
func (s *recordingServer) takeNoise(answer *sdp.Description) {
	for i := range answer.Media {
		if m := &answer.Media[i]; s.noise && m.Port != 0 && m.IsAudio() {
			m.PayloadTypes = append(m.PayloadTypes, sdp.PayloadType{Number: comfortNoise, Name: "CN", ClockRate: 8000, Channels: 1})
		}
	}
}

func (s *recordingServer) listen(socket *net.UDPConn, stream *heardStream) {
	decoders := map[byte]codecs.Decoder{}
	for payloadType, codec := range map[byte]codecs.Codec{0: codecs.PCMU, 8: codecs.PCMA} {
		var err error
		if decoders[payloadType], err = codecs.NewDecoder(codec); err != nil {
			panic(err)
		}
	}
	linear := func(payloadType byte) codecs.Decoder {
		s.mu.Lock()
		codec := stream.linear[payloadType]
		s.mu.Unlock()
		if codec.Linear() && decoders[payloadType] == nil {
			decoders[payloadType], _ = codecs.NewDecoder(codec) // does not fail for one of L16
		}
		return decoders[payloadType]
	}
	packet, start := make([]byte, 2000), time.Now()
	var pcm [codecs.MaxFrameSamples]int16
	for {
		n, from, err := s.receive(socket, packet)
		if err != nil {
			return
		}
		if n < 12 || packet[1]&0x7f == comfortNoise { // there is nothing
			continue
		}
		if n = s.decrypt(stream, packet[:n]); n == 0 {
			continue
		}
		var csrcs []uint32
		for at := 12; at < 12+4*int(packet[0]&15) && at+4 <= n; at += 4 {
			csrcs = append(csrcs, binary.BigEndian.Uint32(packet[at:]))
		}
		header := 12 + 4*int(packet[0]&15)
		k := 0
		if decoder := linear(packet[1] & 0x7f); decoder != nil { // of others the packets count
			if k, err = decoder.Decode(pcm[:], packet[header:n]); err != nil {
				continue
			}
		}
		s.mu.Lock()
		if stream.packets == 0 {
			stream.first = time.Now()
		}
		stream.packets++
		stream.largest = max(stream.largest, n-header)
		if packet[1]&0x7f > 8 && n-header == codecs.EventSize { // of nothing else
			if e, err := codecs.ParseEvent(packet[header:n]); err == nil {
				stream.events = append(stream.events, e)
			}
		}
		if stream.text != nil {
			if p, err := rtt.ParsePacket(packet[:n]); err == nil {
				for _, x := range stream.text.Put(time.Since(start), p) {
					stream.written[x.Source] += x.Text
				}
			}
		}
		stream.numbers = append(stream.numbers, binary.BigEndian.Uint16(packet[2:]))
		stream.stamps = append(stream.stamps, binary.BigEndian.Uint32(packet[4:]))
		stream.last, stream.from = time.Now(), from
		stream.came, stream.senders = append(stream.came, stream.last), append(stream.senders, from)
		stream.marks, stream.csrcs = append(stream.marks, packet[1]&0x80 != 0), append(stream.csrcs, csrcs)
		source := binary.BigEndian.Uint32(packet[8:])
		stream.sources, stream.ssrcs[source] = append(stream.sources, source), true
		stream.sizes = append(stream.sizes, k)
		for _, v := range pcm[:k] {
			stream.pcm = append(stream.pcm, float64(v)/32768)
		}
		s.mu.Unlock()
	}
}

// decrypt opens a packet where that is agreed. Its size is 0 if it cannot be: it is in the clear, say.
func (s *recordingServer) decrypt(stream *heardStream, packet []byte) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys == nil {
		return len(packet)
	}
	if stream.opens != nil {
		if n, err := stream.opens.Unprotect(packet); err == nil {
			return n
		}
	}
	stream.sealed++
	return 0
}

// unlock takes the key of the far end that has been agreed on.
func (h *heardStream) unlock(agreed *sdp.Protection) (err error) {
	if agreed != nil && (h.opens == nil || !h.key.Equal(agreed.Remote)) {
		h.key = agreed.Remote
		h.opens, err = srtp.NewReceiver(h.key)
	}
	return err
}

// level is that of a tone in the last part of a stream, in dB.
func (h *heardStream) level(hz float64, last time.Duration) float64 {
	n := min(len(h.pcm), int(last.Seconds()*8000))
	pcm := h.pcm[len(h.pcm)-n:]
	var re, im float64
	for i, v := range pcm {
		sin, cos := math.Sincos(2 * math.Pi * hz * float64(i) / 8000)
		re += v * cos
		im += v * sin
	}
	return 20 * math.Log10(2*math.Hypot(re, im)/float64(max(1, n))+1e-9)
}
