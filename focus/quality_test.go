package focus_test

import (
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
)

// Extended reports go both ways where both sides want them, and what they say of either direction is shown.
func TestExtendedReportsOfCalls(t *testing.T) {
	t.Run("never", func(t *testing.T) { testExtendedReports(t, focus.UseNever, false) })
	t.Run("answered", func(t *testing.T) { testExtendedReports(t, focus.UseAnswered, true) })
}

func testExtendedReports(t *testing.T, use focus.Use, agreed bool) {
	t.Helper()
	b := newBench(t, focus.Config{Dynamic: true, ExtendedReports: use})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice"})
	alice.hum(500, 60*time.Second)
	carol := newSecurePhone(t, 1)
	local := &carol.local.Streams[0]
	local.Security, local.Keys, local.ExtendedReports = sdp.SecurityNone, nil, true
	offer := sdp.Offer(carol.local)
	dialog, response, err := b.client(t).Invite(t.Context(), sipua.OutgoingCall{
		To: sipua.Address{URI: b.parse("room")}, RequestURI: b.parse("room"), From: sipua.Address{URI: b.parse("carol")},
		ContentType: "application/sdp", Body: offer.Marshal(),
	}, ignore{})
	must(t, err)
	if got := strings.Contains(string(response.Body), "a=rtcp-xr:rcvr-rtt=all voip-metrics"); got != agreed {
		t.Errorf("use %v: answer\n%s", use, response.Body)
	}
	answer, err := sdp.Parse(response.Body)
	must(t, err)
	plan, err := sdp.Accept(offer, answer)
	must(t, err)
	stream, _ := plan.Audio()
	must(t, carol.session.Configure(media.Params{
		Remote: stream.Remote, RemoteRTCP: stream.RemoteRTCP, Send: true, Receiving: true, SendCodec: codecs.PCMU,
		Receive: []media.PayloadType{{Number: 0, Codec: codecs.PCMU}}, VoIPMetrics: stream.Extended.VoIP, RoundTripTimes: media.RoundTripAll,
	}))
	id := b.find("room", "carol").ID
	if !agreed {
		must(t, dialog.Bye(t.Context()))
		return
	}
	stats := func() *focus.ParticipantStats {
		p, err := b.focus.Participant(t.Context(), "room", id)
		must(t, err)
		return p.Stats
	}
	b.await("reports both ways", func() bool {
		carol.talk(10)
		s := stats()
		return s.RemoteVoice != nil && s.RemoteVoice.R != nil && carol.session.Stats().RemoteMetrics != nil
	})
	s := stats()
	if s.Voice == nil || s.Voice.ListeningMOS < 1 || s.RemoteVoice.GapMS == 0 || s.RemoteMOS != s.RemoteVoice.ListeningMOS {
		t.Errorf("%+v, received %+v, sent %+v", s, s.Voice, s.RemoteVoice)
	}
	must(t, dialog.Bye(t.Context()))
}
