package main

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec/srs"
)

// page is what a page in a browser would be: another implementation of WebRTC, whose description goes by SIP.
type page struct {
	connection *webrtc.PeerConnection
	track      *webrtc.TrackLocalStaticSample
	connected  chan struct{}

	mu    sync.Mutex
	heard []int16
}

func newPage(t *testing.T) *page {
	t.Helper()
	engine := webrtc.SettingEngine{}
	engine.SetIncludeLoopbackCandidate(true)
	engine.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	engine.SetIPFilter(net.IP.IsLoopback)
	engine.SetHandleUndeclaredSSRCWithoutAnswer(true) // we answer an offer that has one stream, and send at once
	codec := webrtc.RTPCodecParameters{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMU, ClockRate: 8000}, PayloadType: 0}
	formats := &webrtc.MediaEngine{}
	if err := formats.RegisterCodec(codec, webrtc.RTPCodecTypeAudio); err != nil {
		t.Fatal(err)
	}
	p := &page{connected: make(chan struct{})}
	var err error
	if p.connection, err = webrtc.NewAPI(webrtc.WithSettingEngine(engine), webrtc.WithMediaEngine(formats)).NewPeerConnection(webrtc.Configuration{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.connection.Close() })
	if p.track, err = webrtc.NewTrackLocalStaticSample(codec.RTPCodecCapability, "voice", "page"); err != nil {
		t.Fatal(err)
	}
	if _, err = p.connection.AddTrack(p.track); err != nil {
		t.Fatal(err)
	}
	once := sync.OnceFunc(func() { close(p.connected) })
	p.connection.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			once()
		}
	})
	p.connection.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { p.listen(track) })
	return p
}

// listen keeps what comes.
func (p *page) listen(track *webrtc.TrackRemote) {
	decoder, err := codecs.NewDecoder(codecs.PCMU)
	if err != nil {
		return
	}
	var frame [codecs.MaxPacketSamples]int16
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		n, err := decoder.Decode(frame[:], packet.Payload)
		if err != nil {
			continue
		}
		p.mu.Lock()
		p.heard = append(p.heard, frame[:n]...)
		p.mu.Unlock()
	}
}

// call calls by SIP and waits for the connection of the media.
func (p *page) call(t *testing.T, uri string) *sipua.Dialog {
	t.Helper()
	offer, err := p.connection.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(p.connection)
	if err = p.connection.SetLocalDescription(offer); err != nil {
		t.Fatal(err)
	}
	<-gathered
	agent, err := sipua.New(sipua.Config{Listen: []string{"udp://127.0.0.1:0"}}, idle{})
	if err != nil {
		t.Fatal(err)
	}
	if err = agent.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), drainTime)
		defer cancel()
		_ = agent.Shutdown(ctx)
	})
	target, err := sipua.ParseURI(uri)
	if err != nil {
		t.Fatal(err)
	}
	dialog, response, err := agent.Invite(t.Context(), sipua.OutgoingCall{
		To: sipua.Address{URI: target}, RequestURI: target, From: sipua.Address{URI: target, Name: "page"},
		ContentType: "application/sdp", Body: []byte(p.connection.LocalDescription().SDP),
	}, idle{})
	if err != nil {
		t.Fatal(err)
	}
	if err = p.connection.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: string(response.Body)}); err != nil {
		t.Fatal(err, string(response.Body))
	}
	select {
	case <-p.connected:
	case <-time.After(30 * time.Second):
		t.Fatal("media are not connected: ", p.connection.ConnectionState())
	}
	return dialog
}

// samples counts what has come.
func (p *page) samples() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.heard)
}

// lately is the end of what has come.
func (p *page) lately() []int16 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.heard[max(0, len(p.heard)-int(lately.Seconds())*8000):])
}

// say sends samples at their pace until the context ends.
func (p *page) say(ctx context.Context, samples []int16) error {
	encoder, err := codecs.NewEncoder(codecs.Format{Codec: codecs.PCMU, PacketTime: codecs.FrameDuration})
	if err != nil {
		return err
	}
	due := time.Now()
	for frame := range slices.Chunk(samples[:len(samples)/160*160], 160) {
		due = due.Add(codecs.FrameDuration) // a machine that is busy catches up
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Until(due)):
		}
		payload := make([]byte, 160)
		if _, err := encoder.Encode(payload, frame); err != nil {
			return err
		}
		if err := p.track.WriteSample(media.Sample{Data: payload, Duration: codecs.FrameDuration}); err != nil {
			return err
		}
	}
	return nil
}

// idle is a handler of what does not come.
type idle struct{}

func (idle) Invite(c *sipua.IncomingCall)            { _ = c.Reject(sipua.NewResponse(480)) }
func (idle) Subscribe(s *sipua.IncomingSubscription) { _ = s.Reject(sipua.NewResponse(489)) }
func (idle) Request(*sipua.Request) *sipua.Response  { return nil }
func (idle) Ack(*sipua.Request)                      {}
func (idle) Offer(*sipua.Request) *sipua.Response    { return nil }
func (idle) Ended(sipua.EndReason)                   {}

// TestWebRTCPeer: the media of a browser, over ICE and DTLS-SRTP on one port, with another implementation at the other end: it is heard, it
// hears, and its voice is recorded.
//
// Shows ME-DTL-01, ME-DTL-02, ME-DTL-07, ME-NAT-03.
func TestWebRTCPeer(t *testing.T) {
	finished := make(chan srs.Recording, 1)
	recorder, err := srs.New(srs.Config{
		Listen: []string{"udp://127.0.0.1:0"}, Directory: t.TempDir(), Hooks: srs.Hooks{Finished: func(r srs.Recording) { finished <- r }},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err = recorder.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), drainTime)
		defer cancel()
		_ = recorder.Close(ctx)
	})
	s := testService(t, func(cfg *config.Config) {
		cfg.Media.SRTP, cfg.SRS.Enabled = "optional", false
		cfg.Recording.Servers = []config.RecordingServer{{
			Name: "near", URI: fmt.Sprintf("sip:srs@%v", recorder.Addr("udp")), Codecs: []string{"pcmu"}, SRTP: "disabled",
		}}
	})
	uri := fmt.Sprintf("sip:1000@%v", s.agent.Addr("udp"))
	watcher := s.focus.Watch("1000", "")
	defer watcher.Close()
	bob, page := testPhone(t, "bob"), newPage(t)
	if err = bob.Call(t.Context(), uri); err != nil {
		t.Fatal(err)
	}
	dialog := page.call(t, uri)
	recording, err := s.focus.StartRecording(t.Context(), "1000", focus.RecordingRequest{Modes: conference.Separate})
	if err != nil {
		t.Fatal(err)
	}
	await(t, watcher, focus.RecordingStarted)
	bob.Say(slices.Repeat(voice(t, "bob", 8000), talks))
	ctx, hush := context.WithCancel(t.Context())
	defer hush()
	ended := make(chan error, 1)
	go func() { ended <- page.say(ctx, slices.Repeat(voice(t, "alice", 8000), talks)) }()
	before := page.samples()
	waitFor(t, "seven seconds of both", func() bool { return page.samples()-before >= 7*8000 })
	expectSoon(t, "bob hears the page", func() ([]float64, error) { return bob.HeardLast(lately) }, voice(t, "alice", conftest.AnalysisRate))
	expectSoon(t, "the page hears bob", func() ([]float64, error) { return conftest.Resample(page.lately(), 8000) }, voice(t, "bob", conftest.AnalysisRate))
	explain(t, s, "1000", bob)
	if _, err = s.focus.StopRecording(t.Context(), "1000", recording.ID); err != nil {
		t.Fatal(err)
	}
	hush()
	if err = <-ended; err != nil {
		t.Error(err)
	}
	if err = dialog.Bye(t.Context()); err != nil {
		t.Error(err)
	}
	expectRecorded(t, finished)
}

// expectRecorded finds the voice of the page in a recording.
func expectRecorded(t *testing.T, finished <-chan srs.Recording) {
	t.Helper()
	var report srs.Recording
	select {
	case report = <-finished:
	case <-time.After(20 * time.Second):
		t.Fatal("the recorder does not finish")
	}
	for _, stream := range report.Streams {
		wav, err := conftest.ReadWAV(filepath.Join(report.Directory, stream.File))
		if err != nil {
			t.Fatal(err)
		}
		recorded, err := conftest.Resample(wav.Samples, wav.Rate)
		if err != nil {
			t.Fatal(err)
		}
		all, found := pieces(t, recorded, voice(t, "alice", conftest.AnalysisRate))
		if found {
			return
		}
		t.Logf("%s: %+v", stream.File, all)
	}
	t.Errorf("the page is not in the recording: %+v", report.Streams)
}
