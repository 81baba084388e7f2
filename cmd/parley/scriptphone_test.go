package main

import (
	"context"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sipua"
)

func scriptPhone(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: phone NAME dial|refused|say|hears|hangup|over ...")
	}
	ctx, cancel := context.WithTimeout(context.Background(), scriptPatience)
	defer cancel()
	phones := stageOf(ts).phones
	if args[1] == "dial" {
		phone := newScriptPhone(ctx, ts, args[0])
		ts.Check(phone.Call(ctx, "sip:"+args[2]+"@"+ts.Getenv("SIP")))
		phones[args[0]] = phone
		return
	}
	if args[1] == "refused" {
		err := newScriptPhone(ctx, ts, args[0]).Call(ctx, "sip:"+args[3]+"@"+ts.Getenv("SIP"))
		if got := strconv.Itoa(sipua.Status(err)); got != args[2] {
			ts.Fatalf("the call ended with %v, want %s", err, args[2])
		}
		return
	}
	phone := phones[args[0]]
	if phone == nil {
		ts.Fatalf("phone %s has not dialed", args[0])
	}
	switch args[1] {
	case "say":
		sayFromScript(ctx, ts, phone, args[2])
	case "hears":
		hearInScript(ctx, ts, phone)
	case "hangup":
		ts.Check(phone.Hangup(ctx))
	case "over":
		select {
		case <-phone.Over():
		case <-ctx.Done():
			ts.Fatalf("the call of %s goes on", args[0])
		}
	default:
		ts.Fatalf("a phone cannot %s", args[1])
	}
}

func newScriptPhone(ctx context.Context, ts *testscript.TestScript, name string) *conftest.Phone {
	phone, err := conftest.NewPhone(ctx, conftest.PhoneConfig{Name: name, Codec: codecs.PCMA, Origin: time.Now()})
	ts.Check(err)
	ts.Defer(func() { //nolint:contextcheck // at the end of the script
		closing, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = phone.Close(closing) // its server may be gone
	})
	return phone
}

func sayFromScript(ctx context.Context, ts *testscript.TestScript, phone *conftest.Phone, file string) {
	wav, err := conftest.ReadWAV(file)
	ts.Check(err)
	speech, err := conftest.Resample(wav.Samples, wav.Rate)
	ts.Check(err)
	samples := make([]int16, len(speech)/(conftest.AnalysisRate/codecs.PCMA.SampleRate()))
	for i := range samples {
		samples[i] = int16(math.MaxInt16 * max(-1, min(1, speech[i*len(speech)/len(samples)])))
	}
	select {
	case <-phone.Say(samples[:min(len(samples), codecs.PCMA.SampleRate())]): // a second is enough
	case <-ctx.Done():
		ts.Fatalf("%s is not said", file)
	}
}

// hearInScript listens until something is loud.
func hearInScript(ctx context.Context, ts *testscript.TestScript, phone *conftest.Phone) {
	for {
		heard, err := phone.Heard()
		ts.Check(err)
		if slices.ContainsFunc(heard, func(x float64) bool { return math.Abs(x) > 0.05 }) {
			return
		}
		select {
		case <-phone.Say(make([]int16, codecs.PCMA.SampleRate()/10)): // a tenth of a second
		case <-ctx.Done():
			ts.Fatalf("nothing is heard")
		}
	}
}
