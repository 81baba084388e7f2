package conftest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
)

// PhoneConfig says what a phone is.
type PhoneConfig struct {
	Name        string       // user part, and display name unless there is another one
	DisplayName string       // empty: Name
	Transport   string       // udp (default) or tcp
	Codec       codecs.Codec // the only one it offers
	PacketTime  time.Duration
	ListenOnly  bool          // offers recvonly, and sends nothing until Change says otherwise
	RecordAware bool          // lists record-aware in Supported (RFC 7866, section 6.3)
	LateOffer   bool          // sends INVITE without an offer
	Stereo      bool          // says that it sends Opus in two channels (RFC 7587, section 6.1)
	NoEvents    bool          // knows no telephone events (RFC 4733): its keys are tones
	Identity    string        // URI of From; empty: its own address
	Headers     sipua.Headers // of its INVITE
	// Preference is its wish about recording in its first description (RFC 7866, section 7.3.2).
	Preference sdp.RecordPreference
	EchoRecord bool      // answers with the a=record that it is told, as some do that understand nothing of it
	Origin     time.Time // sample 0 of its time lines
	InStep     bool      // its packets leave at whole packet times after Origin, together with those of others that do
	Logger     *slog.Logger
	// Network is that of its signalling; nil: the system's. With one of its own the phone waits for nothing of the system, see Poll.
	Network sipua.Network
}

// Phone is one caller.
type Phone struct {
	cfg    PhoneConfig
	agent  *sipua.Agent
	socket *net.UDPConn
	media  *mouthAndEar

	mu      sync.Mutex
	prefers sdp.RecordPreference
	says    sdp.Record // of recordings of its own
	dialog  *sipua.Dialog
	remote  sdp.Description
	local   sdp.Description
	ended   chan struct{}
	reason  sipua.EndReason
	records []sdp.Record // the recording indications received, in order
}

// ErrNotAnswered says that the answer cannot be used.
var ErrNotAnswered = errors.New("no usable answer")

// NewPhone opens the phone's sockets on 127.0.0.1.
func NewPhone(ctx context.Context, cfg PhoneConfig) (*Phone, error) {
	if cfg.Transport == "" {
		cfg.Transport = "udp"
	}
	if cfg.PacketTime == 0 {
		cfg.PacketTime = codecs.FrameDuration
	}
	p := &Phone{cfg: cfg, prefers: cfg.Preference, ended: make(chan struct{})}
	var err error
	if p.agent, err = sipua.New(sipua.Config{
		Listen: []string{"udp://127.0.0.1:0", "tcp://127.0.0.1:0"}, UserAgent: "parley-phone", Logger: cfg.Logger, Network: cfg.Network,
	}, callee{}); err != nil {
		return nil, err
	}
	if err = p.agent.Start(ctx); err != nil {
		return nil, err
	}
	if p.socket, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
		return nil, errors.Join(err, p.agent.Shutdown(ctx))
	}
	if p.media, err = newMouthAndEar(p.socket, cfg); err != nil {
		return nil, errors.Join(err, p.socket.Close(), p.agent.Shutdown(ctx))
	}
	return p, nil
}

// callee refuses calls to the phone.
type callee struct{}

// Invite implements sipua.Handler.
func (callee) Invite(call *sipua.IncomingCall) { _ = call.Reject(sipua.NewResponse(480)) }

// Subscribe implements sipua.Handler.
func (callee) Subscribe(s *sipua.IncomingSubscription) { _ = s.Reject(sipua.NewResponse(489)) }

// Request implements sipua.Handler.
func (callee) Request(*sipua.Request) *sipua.Response { return nil }

func (p *Phone) describe(direction sdp.Direction) sdp.Description {
	local := sdp.Local{
		Address: netip.MustParseAddr("127.0.0.1"), Session: uint64(p.port()), Version: 1, Name: p.cfg.Name,
		Streams: []sdp.LocalStream{{
			Port: p.port(), Codecs: []codecs.Codec{p.cfg.Codec}, Events: !p.cfg.NoEvents, Direction: direction, PacketTime: p.cfg.PacketTime,
			Opus: sdp.OpusParameters{SpropStereo: p.cfg.Stereo},
		}},
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.local.Origin.Session != 0 {
		previous := p.local
		local.Previous = &previous
	}
	p.local = sdp.Offer(local)
	p.local.RecordPreference, p.local.Record = p.prefers, p.says
	return p.local
}

func (p *Phone) port() uint16 {
	return p.socket.LocalAddr().(*net.UDPAddr).AddrPort().Port() //nolint:forcetypeassert // a UDP socket
}

func (p *Phone) direction() sdp.Direction {
	if p.cfg.ListenOnly {
		return sdp.RecvOnly
	}
	return sdp.SendRecv
}

// Call dials a conference and begins to send and to hear. The error is that of sipua.Agent.Invite, or ErrNotAnswered.
func (p *Phone) Call(ctx context.Context, uri string) error {
	target, err := sipua.ParseURI(uri)
	if err != nil {
		return err
	}
	if p.cfg.Transport != "udp" {
		target = target.With("transport", p.cfg.Transport)
	}
	call := sipua.OutgoingCall{
		To:      sipua.Address{URI: target},
		From:    sipua.Address{Name: cmp.Or(p.cfg.DisplayName, p.cfg.Name), URI: p.agent.Contact(p.cfg.Name)},
		Contact: sipua.Address{URI: p.agent.Contact(p.cfg.Name, p.cfg.Transport)},
	}
	call.Headers = slices.Clone(p.cfg.Headers)
	if p.cfg.Identity != "" {
		if call.From.URI, err = sipua.ParseURI(p.cfg.Identity); err != nil {
			return err
		}
	}
	if p.cfg.RecordAware {
		call.Headers = call.Headers.With("Supported", "record-aware")
	}
	offer := p.describe(p.direction())
	if p.cfg.LateOffer {
		call.Answer = p.answerLate
	} else {
		call.ContentType, call.Body = "application/sdp", offer.Marshal()
	}
	dialog, response, err := p.agent.Invite(ctx, call, p)
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.dialog = dialog
	p.mu.Unlock()
	if p.cfg.LateOffer {
		return nil
	}
	return p.use(offer, response.Body)
}

func (p *Phone) use(offer sdp.Description, body []byte) error {
	answer, err := sdp.Parse(body)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotAnswered, err)
	}
	plan, err := sdp.Accept(offer, answer)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotAnswered, err)
	}
	p.adopt(plan, answer)
	return nil
}

// adopt begins to use what was negotiated.
func (p *Phone) adopt(plan sdp.Plan, remote sdp.Description) {
	stream, ok := plan.Audio()
	p.mu.Lock()
	p.remote = remote
	if record := remote.RecordOf(stream.Index); ok && (len(p.records) == 0 || p.records[len(p.records)-1] != record) {
		p.records = append(p.records, record)
	}
	p.mu.Unlock()
	if !ok {
		p.media.configure(sdp.Stream{})
		return
	}
	p.media.configure(stream)
}

func (p *Phone) answerTo(body []byte) (sdp.Description, error) {
	offer, err := sdp.Parse(body)
	if err != nil {
		return sdp.Description{}, err
	}
	p.mu.Lock()
	previous, says := p.local, p.says
	p.mu.Unlock()
	if p.cfg.EchoRecord {
		says = offer.RecordOf(0)
	}
	plan, err := sdp.Answer(offer, sdp.Local{
		Address: netip.MustParseAddr("127.0.0.1"), Previous: &previous, Record: says,
		Streams: []sdp.LocalStream{{Port: p.port(), Codecs: []codecs.Codec{p.cfg.Codec}, Events: !p.cfg.NoEvents, Direction: p.direction(), PacketTime: p.cfg.PacketTime}},
	})
	if err != nil {
		return sdp.Description{}, err
	}
	p.mu.Lock()
	p.local = plan.Answer
	p.mu.Unlock()
	p.adopt(plan, offer)
	return plan.Answer, nil
}

func (p *Phone) answerLate(offer *sipua.Response) sipua.Body {
	answer, err := p.answerTo(offer.Body)
	if err != nil {
		return sipua.Body{}
	}
	answer.RecordPreference = p.cfg.Preference
	return sipua.Body{ContentType: "application/sdp", Data: answer.Marshal()}
}

// Ack implements sipua.DialogHandler; the phone answers no calls.
func (p *Phone) Ack(*sipua.Request) {}

// Offer implements sipua.DialogHandler: it accepts what the focus changes.
func (p *Phone) Offer(request *sipua.Request) *sipua.Response {
	if len(request.Body) == 0 {
		if request.Method == "UPDATE" {
			return sipua.NewResponse(200)
		}
		offer := p.describe(p.direction())
		return sipua.NewResponse(200).WithBody("application/sdp", offer.Marshal())
	}
	answer, err := p.answerTo(request.Body)
	if err != nil {
		return nil
	}
	return sipua.NewResponse(200).WithBody("application/sdp", answer.Marshal())
}

// Request implements sipua.DialogHandler.
func (p *Phone) Request(*sipua.Request) *sipua.Response { return sipua.NewResponse(200) }

// Ended implements sipua.DialogHandler.
func (p *Phone) Ended(reason sipua.EndReason) {
	p.media.configure(sdp.Stream{})
	p.mu.Lock()
	p.reason = reason
	p.mu.Unlock()
	close(p.ended)
}

// Over is closed when the call is over.
func (p *Phone) Over() <-chan struct{} { return p.ended }

// Reason tells why the call is over.
func (p *Phone) Reason() sipua.EndReason {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reason
}

// Dialog is the call, nil before Call has returned.
func (p *Phone) Dialog() *sipua.Dialog {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dialog
}

// Remote is the conference's last session description.
func (p *Phone) Remote() sdp.Description {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.remote
}

// Indications are the recording indications that the conference has given so far, without repetitions.
func (p *Phone) Indications() []sdp.Record {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]sdp.Record(nil), p.records...)
}

// Change offers another direction by re-INVITE: sdp.SendOnly or sdp.Inactive hold the call, sdp.SendRecv resumes it.
func (p *Phone) Change(ctx context.Context, direction sdp.Direction) error {
	offer := p.describe(direction)
	response, err := p.Dialog().ReInvite(ctx, sipua.Body{ContentType: "application/sdp", Data: offer.Marshal()})
	if err != nil {
		return err
	}
	return p.use(offer, response.Body)
}

// Prefer states a wish about recording by re-INVITE (RFC 7866, section 6.2), and gives what the answer says of recording.
func (p *Phone) Prefer(ctx context.Context, wish sdp.RecordPreference) (sdp.Record, error) {
	p.mu.Lock()
	p.prefers = wish
	p.mu.Unlock()
	if err := p.Change(ctx, p.direction()); err != nil {
		return sdp.RecordUnspecified, err
	}
	return p.Remote().RecordOf(0), nil
}

// Record says by re-INVITE that the phone itself records (RFC 7866, section 7.3.1), or does not any more.
func (p *Phone) Record(ctx context.Context, says sdp.Record) error {
	p.mu.Lock()
	p.says = says
	p.mu.Unlock()
	return p.Change(ctx, p.direction())
}

// Hangup ends the call.
func (p *Phone) Hangup(ctx context.Context) error { return p.Dialog().Bye(ctx) }

// Say speaks samples at the codec's sample rate, after what is still being said. The channel is closed when the last of it has left.
func (p *Phone) Say(samples []int16) <-chan struct{} { return p.media.say(samples) }

// Press sends a digit as telephone event (RFC 4733).
func (p *Phone) Press(digit byte) <-chan struct{} { return p.media.press(digit) }

// Said is everything the phone has sent so far, at AnalysisRate, sample 0 at the configured origin.
func (p *Phone) Said() ([]float64, error) { return p.media.said.samples() }

// Heard is everything the phone has received so far, at AnalysisRate, sample 0 at the configured origin.
func (p *Phone) Heard() ([]float64, error) { return p.media.heard.samples() }

// HeardLast is the end of Heard, as long as given. It is for those who ask again and again.
func (p *Phone) HeardLast(d time.Duration) ([]float64, error) { return p.media.heard.last(d) }

// HeardSince is what the phone has received after a moment of the time line that Heard returns, and how long that line
// is by now. Unlike HeardLast it misses nothing of what comes all at once after the machine has stood still.
func (p *Phone) HeardSince(from time.Duration) (samples []float64, until time.Duration, err error) {
	return p.media.heard.since(from)
}

// Counts are the packets sent and received, and those missing between them by sequence number.
func (p *Phone) Counts() (sent, received, missing int) { return p.media.counts() }

// Lateness is how late the phone itself was against its schedule, at a share (0 to 1) of its packets: a measure of how busy the machine
// is with other things.
func (p *Phone) Lateness(share float64) time.Duration {
	p.media.mu.Lock()
	defer p.media.mu.Unlock()
	return Percentile(p.media.late, share)
}

// Close ends the call if there is one and closes the sockets.
func (p *Phone) Close(ctx context.Context) error {
	err := p.agent.Shutdown(ctx)
	p.media.close()
	return err
}
