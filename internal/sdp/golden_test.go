package sdp

import (
	"bytes"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	pion "github.com/pion/sdp/v3"

	"github.com/parley-sip/parley/codecs"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var allCodecs = []codecs.Codec{codecs.Opus, codecs.G722, codecs.PCMA, codecs.PCMU}

// participant is what a focus brings to a dial-in.
func participant(address string) Local {
	return Local{
		Address: netip.MustParseAddr(address),
		Session: 4711,
		Version: 1,
		Streams: []LocalStream{{
			Port: 10000, Mux: true, Codecs: allCodecs, Events: true, ComfortNoise: true,
			Opus: OpusParameters{FEC: true}, LevelExtension: 1, MixerLevelExtension: 2,
		}},
	}
}

func offers(tb testing.TB) map[string][]byte {
	tb.Helper()
	names, err := filepath.Glob("testdata/offers/*.sdp")
	if err != nil || len(names) == 0 {
		tb.Fatal("no offers", err)
	}
	all := map[string][]byte{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(name), ".sdp")] = text
	}
	return all
}

// What a focus answers to the offers of well-known products, and what it understands of them. Some are repaired before
// they are read: see testdata/offers/careless.sdp.
func TestAnswersToKnownProducts(t *testing.T) {
	for name, text := range offers(t) {
		t.Run(name, func(t *testing.T) {
			offer, err := Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			address := "192.0.2.1"
			if family := offer.Family(); family.Is6() {
				address = "2001:db8::1"
			}
			var got bytes.Buffer
			plan, err := Answer(offer, participant(address))
			if err != nil {
				fmt.Fprintf(&got, "refused: %v\nwarning: %d %s\n", err, WarningFor(err).Code, WarningFor(err).Text)
			} else {
				checkAnswer(t, offer, plan)
				got.Write(bytes.ReplaceAll(plan.Answer.Marshal(), []byte("\r\n"), []byte("\n")))
				describe(&got, plan)
			}
			golden := filepath.Join("testdata", "answers", name+".txt")
			if *update {
				if err = os.WriteFile(golden, got.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("got\n%s\nwant\n%s", got.Bytes(), want)
			}
		})
	}
}

func describe(b *bytes.Buffer, plan Plan) {
	for _, s := range plan.Streams {
		fmt.Fprintf(b, "\nstream %d: send %v pt %d to %v rtcp %v mux %v\n", s.Index, s.Send, s.SendPT, s.Remote, s.RemoteRTCP, s.Mux)
		fmt.Fprintf(b, "  receive %v hold %v peer %v record %q preference %q label %q\n",
			s.Receive, s.RemoteHold, s.RemoteDirection, s.Record, s.RecordPreference, s.Label)
		fmt.Fprintf(b, "  format %+v max bitrate %d\n", s.Format, s.MaxBitrate)
		fmt.Fprintf(b, "  levels %d voice %v mixer levels %d\n", s.LevelExtension, s.LevelVoice, s.MixerLevelExtension)
		if s.Event.ClockRate != 0 {
			fmt.Fprintf(b, "  events pt %d/%d %#x\n", s.Event.Number, s.Event.ClockRate, s.Event.Events[0])
		}
		for _, p := range s.Accepts {
			fmt.Fprintf(b, "  accepts %+v\n", p)
		}
	}
	for _, r := range plan.Rejected {
		fmt.Fprintf(b, "rejected: %v\n", r)
	}
}

// checkAnswer holds what every answer must be (RFC 3264, section 6).
func checkAnswer(t interface {
	Helper()
	Errorf(string, ...any)
}, offer Description, plan Plan,
) {
	t.Helper()
	answer := plan.Answer
	if len(answer.Media) != len(offer.Media) {
		t.Errorf("%d m= lines for %d", len(answer.Media), len(offer.Media))
		return
	}
	if len(offer.Times) > 0 && !reflect.DeepEqual(answer.Times, offer.Times) {
		t.Errorf("times %v for %v", answer.Times, offer.Times)
	}
	for i := range answer.Media {
		theirs, ours := &offer.Media[i], &answer.Media[i]
		if ours.Kind != theirs.Kind || ours.Proto != theirs.Proto {
			t.Errorf("line %d: %s %s for %s %s", i, ours.Kind, ours.Proto, theirs.Kind, theirs.Proto)
		}
		if theirs.Port == 0 && ours.Port != 0 {
			t.Errorf("line %d: accepted a disabled stream", i)
		}
		if ours.Mux && !theirs.Mux {
			t.Errorf("line %d: rtcp-mux was not offered", i) // ME-MUX-02 (RFC 5761, section 5.1.1)
		}
		for _, p := range ours.PayloadTypes {
			if theirs.payloadType(p.Number) == nil {
				t.Errorf("line %d: payload type %d was not offered", i, p.Number)
			}
		}
		if ours.Port == 0 {
			continue
		}
		o, a := offer.DirectionOf(i), answer.DirectionOf(i)
		if a.Sends() && !o.Receives() || a.Receives() && !o.Sends() {
			t.Errorf("line %d: %v answered by %v", i, o, a)
		}
	}
	again, err := Parse(answer.Marshal())
	if err != nil || !reflect.DeepEqual(again, answer) {
		t.Errorf("answer reads back as %+v, %v; want %+v", again, err, answer)
	}
	var foreign pion.SessionDescription
	if err := foreign.Unmarshal(answer.Marshal()); err != nil && onlyKnownWords(answer) {
		t.Errorf("a strict parser refuses the answer: %v", err)
	}
}

// onlyKnownWords tells whether the media types and transports are those that pion knows.
func onlyKnownWords(d Description) bool {
	for i := range d.Media {
		if !d.Media[i].isAudioKind() || !d.Media[i].isPlainRTP() {
			return false
		}
	}
	return true
}
