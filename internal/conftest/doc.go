// Package conftest is a telephone for tests and for the demonstration, with ears: it calls a conference over real SIP, speaks recorded
// speech in real RTP, keeps everything it hears on a time line, and tells from that who was heard, how loud and how late.
//
//	phone, err := conftest.NewPhone(ctx, conftest.PhoneConfig{Name: "alice", Codec: codecs.G722, Origin: time.Now()})
//	defer phone.Close()
//	err = phone.Call(ctx, "sip:1000@127.0.0.1:5060")
//	<-phone.Say(speech)            // until the last sample has left
//	heard := phone.Heard()         // at AnalysisRate, sample 0 at Origin
//	hearing := conftest.Match(heard, references, from, to)
//
// A Phone sends a packet every 20 ms on an absolute schedule, silence when it has nothing to say, and has no jitter buffer: what it
// hears stands where the packets' timestamps put it. Its methods may be called from any goroutine.
//
// The audio functions (ReadWAV, Match, Level) are pure.
package conftest
