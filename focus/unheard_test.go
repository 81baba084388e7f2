package focus

import (
	"net/netip"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/media"
)

// SR-ERR-13: only of streams that flow receivers are expected to report.
func TestUnheard(t *testing.T) {
	transport, err := media.NewTransport(media.Config{ListenAddress: netip.MustParseAddr("127.0.0.1"), RTCPInterval: 100 * time.Millisecond, PortMin: 20000, PortMax: 24000})
	if err != nil {
		t.Fatal(err)
	}
	session, err := transport.Open(media.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = session.Close() }()
	if err := session.Configure(media.Params{Remote: netip.MustParseAddrPort("127.0.0.1:9"), Send: true, SendCodec: codecs.PCMU}); err != nil {
		t.Fatal(err)
	}
	s := &recorded{outlet: outlet{session: session}}
	r := &recorder{streams: map[string]*recorded{"1": s}}
	for end := time.Now().Add(20 * time.Second); !session.Stats().RemoteGone && time.Now().Before(end); <-time.After(10 * time.Millisecond) {
		if r.unheard() {
			t.Fatal("a stream that does not flow is missed")
		}
	}
	if r.unheard() {
		t.Error("a stream that does not flow is missed")
	}
	if s.started = true; !r.unheard() {
		t.Error("nobody reports, and nobody sees it")
	}
	if (&recorder{}).unheard() {
		t.Error("without streams")
	}
}
