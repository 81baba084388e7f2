package srs

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/internal/srtp"
	"github.com/parley-sip/parley/siprec"
)

// newRecording makes the folder of a recording. Nothing runs yet.
func (s *Server) newRecording(request *sipua.Request) (*recording, error) {
	address, err := s.mediaAddress(request)
	if err != nil {
		return nil, err
	}
	var random [12]byte
	_, _ = rand.Read(random[:]) // never fails
	id := hex.EncodeToString(random[:4])
	began := time.Now()
	r := &recording{
		id: id, server: s, cfg: &s.cfg, logger: s.cfg.Logger.With(slog.String("recording", id)), began: began,
		dir:  filepath.Join(s.cfg.Directory, began.UTC().Format(folderLayout)+"-"+id),
		bind: address, cname: "srs-" + id,
		commands: make(chan func()), done: make(chan struct{}),
		labels: make(map[string]siprec.ID), clocks: make(clocks), keys: make(map[uint16][]srtp.Key),
		flushed: began, synced: began, reported: began, heard: began,
		local: sdp.Local{
			Address: address, Session: binary.BigEndian.Uint64(random[4:]) >> 1, Version: 1, ByPosition: true,
		},
	}
	r.origin = &origin{later: r.later}
	r.security = s.cfg.Security
	r.private = s.cfg.KeysInClear || request.Transport == "tls" || request.Transport == "wss"
	if !r.private && s.cfg.NoDTLS {
		r.security = SecurityNone
	}
	if external, err := netip.ParseAddr(s.cfg.ExternalAddress); err == nil {
		r.local.Address = external
	}
	r.report = Recording{
		ID: id, Directory: r.dir, State: StateRecording, StartedAt: began.UTC(),
		CallID: request.CallID, From: request.From.URI.String(), To: request.To.URI.String(),
		Sessions: []Session{}, Participants: []Participant{}, Streams: []Stream{}, Metadata: []Metadata{},
	}
	if err := os.Mkdir(r.dir, dirMode); err != nil {
		return nil, err
	}

	return r, nil
}

// remove takes the folder of a recording away that never ran.
func (r *recording) remove() {
	if err := os.Remove(r.dir); err != nil {
		r.logger.Warn("empty recording not removed", slog.Any("error", err))
	}
}

func (s *Server) external() bool { return s.cfg.ExternalAddress != "" }

var errNoAddress = errors.New("no local address toward the recording client")

// mediaAddress is where the client of a request can send media.
func (s *Server) mediaAddress(request *sipua.Request) (netip.Addr, error) {
	if s.cfg.MediaAddress.IsValid() && !s.cfg.MediaAddress.IsUnspecified() {
		return s.cfg.MediaAddress, nil
	}
	if local := request.Local.Addr().Unmap(); local.IsValid() && !local.IsUnspecified() {
		return local, nil
	}
	// A socket that is connected knows our address on the way there; nothing is sent.
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(request.Source))
	if err != nil {
		return netip.Addr{}, fmt.Errorf("%w: %w", errNoAddress, err)
	}
	var address netip.Addr
	if local, ok := conn.LocalAddr().(*net.UDPAddr); ok {
		address = local.AddrPort().Addr().Unmap()
	}

	return address, conn.Close()
}
