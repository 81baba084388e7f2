// Package mixer mixes audio: it keeps buses, a hearing matrix, levels, active speakers, shared encodings and limiters, and
// drives them by a tick of 20 ms. It knows nothing of SIP, rosters, policy or files (RFC 4353, section 4.3): a member is an
// [Input], an [Output] or both.
//
// # What it does each 20 ms
//
//  1. Ingest: every Input writes the frame that is due, in its own rate; its level is measured.
//  2. Mix: one bus of 32-bit sums for each distinct set of inputs that somebody hears and each sample rate. A talker is
//     resampled once for each other rate in use, a listener never. Nothing wraps or clips in a sum.
//  3. Encode: all who hear the same set in the same format with the same gain share one encoding. Only who is heard at the
//     moment has a private one, of the bus minus exactly its own contribution (RFC 3550, section 7.1, calls this the mixer).
//  4. Emit: every Output gets its packets, with the contributing sources (RFC 3550, section 7.4) and levels (RFC 6464, RFC 6465).
//
// A sum that fits into 16 bits leaves the mixer sample by sample as it is; a limiter of each output turns louder ones down.
// There is no shared gain.
//
// # Ownership and concurrency
//
// [Mix.Apply] prepares a whole [Layout] in the caller's goroutine: buffers, encoders, resamplers. The media path adopts it
// between two ticks, all of it at once, so that no frame reaches somebody who may not hear it. Members that have not changed
// keep the state of their signal processing. The channel that Apply returns is closed when the layout has taken effect; from
// then on no method of a removed Input or Output is called or still running.
//
// Within a tick there is no lock, no channel, no allocation and no log. An [Engine] has a few worker goroutines, each on
// a thread of its own, but for moments between ticks, that sleeps until an absolute deadline. An engine without members has no deadline and costs nothing.
// All exported methods of [Engine] and [Mix] may be called from any goroutine.
//
// # Example
//
//	engine, err := mixer.New(mixer.Config{})
//	if err != nil {
//		return err
//	}
//	if err := engine.Start(); err != nil {
//		return err
//	}
//	defer engine.Close()
//	mix := engine.NewMix(mixer.MixConfig{})
//	everyone := mixer.Hearing{Mode: mixer.Everyone}
//	applied, err := mix.Apply(mixer.Layout{Members: []mixer.Member{
//		{ID: 1, In: alice, Out: alice, Format: codecs.Format{Codec: codecs.PCMU}, Speaks: true, Hears: everyone},
//		{ID: 2, In: bob, Out: bob, Format: codecs.Format{Codec: codecs.Opus}, Speaks: true, Hears: everyone},
//		{ID: 3, Out: recorder, Format: codecs.Format{Codec: codecs.PCMA}, Hears: everyone},
//	}})
//	if err != nil {
//		return err
//	}
//	<-applied // they hear each other
package mixer
