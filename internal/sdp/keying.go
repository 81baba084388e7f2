package sdp

import "strings"

// transport tells whether the transport of offered line i is one that our stream takes.
func (s *LocalStream) transport(offer *Description, i int) error {
	offered := &offer.Media[i]
	_, _, keys := s.choose(offered)
	handshake := s.handshake(offer, i) != nil
	switch {
	case offered.isPlainRTP() && s.Security == SecurityRequired && (!s.Opportunistic || !keys && !handshake):
		return ErrInsecure
	case offered.isPlainRTP():
		return nil
	case !offered.isSecureRTP() || s.Security == SecurityNone:
		return ErrTransport
	case offered.isDTLS() && s.DTLS.Fingerprint == (Fingerprint{}):
		return ErrTransport
	case offered.isDTLS() && !handshake, offered.isProtectedRTP() && !keys:
		return ErrCrypto
	}
	return nil
}

// agreeKeys writes our keys, or our end of a handshake, into line i of the answer. Both may be offered in RTP/AVP (RFC 8643, section 3):
// then keys that nobody has seen go first.
func (s *LocalStream) agreeKeys(offer *Description, i int, stream *Stream, media *Media) {
	offered := &offer.Media[i]
	if s.Security == SecurityNone || offered.isPlainRTP() && !s.Opportunistic {
		return
	}
	if handshake := s.handshake(offer, i); handshake != nil && !offered.isProtectedRTP() {
		stream.DTLS = handshake
		media.addHandshake(s.DTLS.Fingerprint, handshake.Setup)
		return
	}
	if line, keys, ok := s.choose(offered); ok && !offered.isDTLS() {
		stream.Protection = &keys
		media.Attributes = append(media.Attributes, line.attribute())
	}
}

// acceptKeys takes what line i of an answer has of the keys that were offered.
func acceptKeys(ours *Media, answer *Description, i int) (*Protection, *DTLS, error) {
	theirs := &answer.Media[i]
	switch {
	case ours.isDTLS():
		if handshake := handshakeAnswered(answer, i); handshake != nil {
			return nil, handshake, nil
		}
		return nil, nil, ErrCrypto
	case ours.isProtectedRTP():
		if keys, ok := agreed(ours, theirs); ok {
			return keys, nil, nil
		}
		return nil, nil, ErrCrypto
	case ours.offersHandshake() && len(answer.Fingerprints(i)) > 0:
		if handshake := handshakeAnswered(answer, i); handshake != nil {
			return nil, handshake, nil
		}
		return nil, nil, ErrCrypto
	}
	if len(values(theirs.Attributes, cryptoAttribute)) > 0 && len(ours.cryptos()) > 0 {
		keys, ok := agreed(ours, theirs)
		if !ok {
			return nil, nil, ErrCrypto
		}
		return keys, nil, nil
	}
	return nil, nil, nil
}

// protectOffer makes the line of an offer one of SRTP if it must be, or was before: what is protected stays so, and in the way that it
// is.
func (s *LocalStream) protectOffer(media, previous *Media) {
	handshake := s.DTLS.Fingerprint != (Fingerprint{})
	before := previous != nil && previous.isSecureRTP()
	opportunistic := previous != nil && previous.isPlainRTP() && (previous.offersHandshake() || len(previous.cryptos()) > 0)
	switch {
	case s.Security == SecurityNone:
		return
	case opportunistic, s.Security == SecurityOptional && !before && s.Opportunistic: // in RTP/AVP
		s.addKeys(media)
		if handshake {
			media.addHandshake(s.DTLS.Fingerprint, SetupActPass)
		}
		return
	case s.Security == SecurityOptional && !before:
		return
	}
	feedback := s.Feedback || before && strings.HasSuffix(strings.ToUpper(previous.Proto), protoSAVPF)
	if handshake && (before && previous.isDTLS() || len(s.Keys) == 0) {
		media.Proto = protoDTLS
		if feedback {
			media.Proto = protoDTLSFeedback
		}
		media.addHandshake(s.DTLS.Fingerprint, SetupActPass)
		return
	}
	media.Proto = protoSAVP
	if feedback {
		media.Proto = protoSAVPF
	}
	s.addKeys(media)
}

// addKeys writes a line for each of our keys.
func (s *LocalStream) addKeys(media *Media) {
	for i, key := range s.Keys {
		media.Attributes = append(media.Attributes, Crypto{Tag: i + 1, Key: key}.attribute())
	}
}
