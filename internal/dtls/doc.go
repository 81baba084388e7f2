// Package dtls makes the keys of SRTP by a handshake between both ends of the media (RFC 5763, RFC 5764): DTLS 1.2 in which both
// prove to have the certificate whose fingerprint stands in their description, over whatever carries datagrams between them.
//
//	certificate, err := dtls.NewCertificate()
//	// certificate.Fingerprint() goes into the description, the peer's comes out of its
//	association := dtls.Start(dtls.Config{
//		Certificate: certificate, Peer: fingerprints, Client: true, Send: send, Done: func(k dtls.Keys, err error) { … },
//	})
//	association.Deliver(datagram) // whatever comes of the peer
//	defer association.Close()
//
// An association has goroutines of its own and is none of the media path's business: datagrams come in over a queue, and keys go out by
// Done.
package dtls
