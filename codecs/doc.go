// Package codecs turns RTP payloads into audio frames and back, and holds the other pure signal processing that a
// conference needs: concealment, resampling, levels, comfort noise, telephone events and tones.
//
// # What is in it
//
//   - [Codec], [Format], [NewEncoder], [NewDecoder]: PCMU and PCMA (ITU-T G.711), G722 (ITU-T G.722 at 64 kbit/s) and
//     Opus (RFC 6716, RFC 7587, through libopus). Every [Decoder] conceals losses: Opus by itself, the others by
//     repeating the pitch in the manner of G.711 Appendix I.
//   - [Frame] and [Packet]: what is handed between the network and the mixer, so that neither knows the other.
//   - [Resampler]: between 8, 16 and 48 kHz by a linear-phase polyphase filter.
//   - [Level]: audio level in -dBov (RFC 6464).
//   - [Event], [EventDetector], [EventSender]: telephone events (RFC 4733).
//   - [DTMFDetector]: key presses in audio (ITU-T Q.24).
//   - [CN], [NoiseGenerator]: comfort noise (RFC 3389).
//   - [Tone], [ToneGenerator]: call progress, DTMF and recording notification tones.
//
// # Units
//
// Audio is linear 16-bit PCM, one channel. A count of samples is always at the codec's [Codec.SampleRate]; a count of RTP
// units is at its [Codec.ClockRate]. They differ for G722, whose audio is at 16 kHz and whose RTP clock runs at 8 kHz
// (RFC 3551, section 4.5.2).
//
// # Ownership and concurrency
//
// The package is pure: no clocks, randomness, files, sockets, goroutines or locks. A value is used by one goroutine at a
// time; different values never share state. Nothing on the media path allocates: Encode, Decode, Conceal, Process, Read,
// Parse and Append work in buffers of the caller, and keep no reference to them.
//
// # Example
//
//	enc, err := codecs.NewEncoder(codecs.Format{Codec: codecs.Opus})
//	if err != nil {
//		return err
//	}
//	payload := make([]byte, codecs.MaxPayload)
//	n, err := enc.Encode(payload, pcm) // pcm: 960 samples, 20 ms at 48 kHz
//	if err != nil {
//		return err
//	}
//	send(payload[:n])
package codecs
