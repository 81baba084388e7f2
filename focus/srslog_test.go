package focus_test

import (
	"encoding/binary"
	"math/rand/v2"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// recordRequest is an INVITE, UPDATE or BYE of the client, with what is in it.
type recordRequest struct {
	*sipua.Request

	offer    *sdp.Description  // nil: none
	document *siprec.Recording // nil: none
	at       time.Time
}

// note keeps a request.
func (s *recordingServer) note(request *sipua.Request) {
	r := recordRequest{Request: request, at: time.Now()}
	content, _ := siprec.ParseContent(request.Headers.Get("Content-Type"), request.Headers.Get("Content-Disposition"), request.Body)
	if offer, err := sdp.Parse(content.SDP); err == nil && content.SDP != nil {
		r.offer = &offer
	}
	if document, err := siprec.Unmarshal(content.Metadata); err == nil && content.Metadata != nil {
		r.document = &document
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r)
}

// requests are all that have come so far.
func (s *recordingServer) requests() []recordRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// kept is a copy of what a server has got so far.
type kept struct {
	requires  []string
	contact   sipua.Address
	documents []siprec.Recording
	bodies    [][]byte
	offers    []sdp.Description
	merged    siprec.Recording
	issues    []siprec.Issue
	streams   []heardStream
}

func (s *recordingServer) kept() kept {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := kept{offers: s.offers, requires: s.requires, contact: s.contact, documents: s.documents, bodies: s.bodies, merged: s.merged, issues: s.issues}
	for _, h := range s.streams {
		k.streams = append(k.streams, h.copied())
	}
	return k
}

// lastOf is what somebody was told last; unspecified if nothing.
func lastOf(told []sdp.Record) sdp.Record {
	if len(told) == 0 {
		return sdp.RecordUnspecified
	}
	return told[len(told)-1]
}

// lastPort is that of the last pair of sockets, below those that the system gives out.
var lastPort = func() *atomic.Uint32 {
	var port atomic.Uint32
	port.Store(2 * rand.Uint32N(2000))
	return &port
}()

// socketPair opens an even port for RTP and the next one for RTCP: never those of a server that is gone, as what is still sent to it would come to another.
func socketPair() (media, control *net.UDPConn, err error) {
	for range 2000 {
		port := int(16000 + lastPort.Add(2)%4000)
		if media, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}); err != nil {
			continue
		}
		if control, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port + 1}); err == nil {
			return media, control, nil
		}
		_ = media.Close()
	}
	return nil, nil, err
}

// report is one RTCP packet (RFC 3550, section 6.4).
type report struct {
	kind  byte // 200: sender report, 201: receiver report, 202: description, 203: goodbye
	count int
	body  []byte // behind the first word
}

// reportsIn splits a compound packet.
func reportsIn(packet []byte) (list []report) {
	for len(packet) >= 4 {
		size := 4 + 4*int(binary.BigEndian.Uint16(packet[2:]))
		if size > len(packet) {
			return nil
		}
		list = append(list, report{kind: packet[1], count: int(packet[0] & 31), body: slices.Clone(packet[4:size])})
		packet = packet[size:]
	}
	return list
}

// names are the CNAMEs of a description, by source.
func (r *report) names() map[uint32]string {
	out, body := map[uint32]string{}, r.body
	for range r.count {
		if len(body) < 4 {
			return out
		}
		source, at := binary.BigEndian.Uint32(body), 4
		for at+1 < len(body) && body[at] != 0 {
			end := min(at+2+int(body[at+1]), len(body))
			if body[at] == 1 {
				out[source] = string(body[at+2 : end])
			}
			at = end
		}
		body = body[min(len(body), at/4*4+4):]
	}
	return out
}

// listenReports reads RTCP.
func (s *recordingServer) listenReports(socket *net.UDPConn, stream *heardStream) {
	packet := make([]byte, 2000)
	for {
		n, from, err := s.receive(socket, packet)
		if err != nil {
			return
		}
		s.mu.Lock()
		stream.reports, stream.rtcp = append(stream.reports, reportsIn(packet[:n])...), from
		s.mu.Unlock()
	}
}

// lastBye gives the last BYE of the client, nil if there was none.
func (s *recordingServer) lastBye() *sipua.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bye
}
