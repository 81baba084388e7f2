// Package media carries audio between the network and the mixer: UDP sockets, RTP and RTCP sessions (RFC 3550, RFC 3551),
// telephone events (RFC 4733), audio levels (RFC 6464), RTP and RTCP on one port (RFC 5761), and a jitter buffer.
//
// # What is in it
//
//   - [Transport]: a range of UDP ports and the one goroutine that does everything which is not the media path: reports,
//     digits, farewells. There is no goroutine per session.
//   - [Session]: one RTP session with one far end, on an even port, with RTCP on the port above it or on the same one. It
//     has the methods Ingest and Emit that the mixer calls, and [Session.Configure] for what offer and answer have agreed.
//   - [Stats] and [TransportStats]: what was counted.
//
// # Ownership and concurrency
//
//	control plane             tick (one worker at a time)          service goroutine of the Transport
//	-------------             ---------------------------          ----------------------------------
//	Open, Configure --atomic pointer--> Ingest: drain socket,      RTCP sockets, timers, reports
//	Close --------------------------->  jitter buffer, decode      <--ring of octets-- muxed RTCP
//	Stats <--------atomics------------  Emit: header, send         <--ring of digits-- telephone events
//	Digits <---------------------------------------------------------- channel
//
// Ingest and Emit of one session are never called at the same time; in them there are no locks, channels, logs or
// allocations. A frame whose packet has arrived when the tick comes is played in that tick: on a clean network the jitter
// buffer adds nothing but the wait for the tick.
//
// # Who may send to a session
//
// A packet is looked at only if it comes from the far end's address. That is the address in the description (Params.Remote),
// whose first packet is believed at once, so that nothing is lost of the first words; each later source there has to send two
// in sequence (RFC 3550, appendix A.1).
// With Config.Symmetric, and as long as the described address stays silent, it is the first other address from which two
// valid packets of one source come in sequence: media then go there (RFC 4961; the far end is behind a NAT). The described
// address takes it back if it is heard within three seconds; from then on the socket is connected and the kernel drops
// everything of others. Only Configure with another Remote, or silence, opens it again: after 0.3 s for the same SSRC from elsewhere
// whose numbers go on (a NAT has bound it anew; who has not seen the packets of before cannot guess both), after five seconds for the
// described address and for the same SSRC with other numbers, after thirty seconds for anybody. Nothing is ever sent to an address that
// was neither described nor latched.
//
// # Handshakes and checks
//
// Keys may be made by a handshake between the ends of the media (DTLS-SRTP, RFC 5763), and the far end may look for a way to us (ICE,
// RFC 8445). Their datagrams come to the ports of the media and are told from these by the first octet (RFC 7983): the tick puts them
// aside into a ring, the service goroutine answers checks and hands the rest to the handshake, which has goroutines of its own. Keys, and
// where the far end wants its media, come to the tick as a new agreement, as all else does. Without keys nothing is sent or heard; with
// ICE nothing is sent before the far end has chosen, and addresses are learned from its checks alone.
//
// # Example
//
//	transport, err := media.NewTransport(media.Config{ListenAddress: netip.MustParseAddr("192.0.2.1")})
//	session, err := transport.Open(media.Options{})
//	// session.LocalAddr() goes into the description; what was agreed comes back:
//	err = session.Configure(media.Params{
//		Remote: netip.MustParseAddrPort("198.51.100.7:40000"), Send: true, Receiving: true,
//		SendCodec: codecs.PCMU, Receive: []media.PayloadType{{Number: 0, Codec: codecs.PCMU}},
//	})
//	// session is now the In and the Out of a member of a mix.
package media
