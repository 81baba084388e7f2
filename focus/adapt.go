package focus

import (
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/sdp"
)

// adaptEvery is how often the reports of receivers are looked at: about as often as they come (RFC 3550, section 6.2).
const adaptEvery = 5 * time.Second

// lossStep is how Opus is encoded for a receiver that loses so much. There are few, so that receivers still share encodings.
type lossStep struct {
	from    float64 // part of the packets, from which it holds; it is left below half of it
	percent uint8   // that the encoder reckons with; 0: no forward error correction
	copies  int     // of earlier packets, where they are agreed on; they make the load on a path that is full no less
	bitrate float64 // part of the configured bit rate: much loss is mostly of a path that is full
}

//nolint:gochecknoglobals // a table
var lossSteps = []lossStep{
	{from: 0, percent: 0, bitrate: 1},
	{from: 0.01, percent: 5, copies: 1, bitrate: 1},
	{from: 0.05, percent: 10, copies: 1, bitrate: 1},
	{from: 0.12, percent: 20, copies: 2, bitrate: 0.75},
	{from: 0.25, percent: 30, copies: 1, bitrate: 0.5},
}

// unreportedStep is that of a receiver that has reported nothing: 10 %.
const unreportedStep = 2

// leastBitrate is what is left to Opus at any loss, in bit/s.
const leastBitrate = 12000

// lossWatch follows the loss that a receiver reports.
type lossWatch struct {
	reports uint64 // seen so far
	loss    float64
	step    int
}

func newLossWatch() lossWatch { return lossWatch{step: unreportedStep} }

// report takes the newest report: up at once, down by a third at a time, so that a burst every now and then is reckoned with. It tells
// whether the step is another one.
func (w *lossWatch) report(reports uint64, fraction float64) bool {
	if reports == w.reports {
		return false
	}
	first := w.reports == 0
	w.reports = reports
	w.loss = max(fraction, w.loss*2/3)
	before := w.step
	if first {
		w.step = 0
	}
	for w.step+1 < len(lossSteps) && w.loss >= lossSteps[w.step+1].from {
		w.step++
	}
	for w.step > 0 && w.loss < lossSteps[w.step].from/2 {
		w.step--
	}
	return w.step != before
}

// copies is how many earlier packets each carries (RFC 2198): none to who has reported nothing.
func (w *lossWatch) copies() int {
	if w.reports == 0 {
		return 0
	}
	return lossSteps[w.step].copies
}

// encoding is how the mix is encoded for a participant (RFC 7587, section 7.1): what is configured, within what he has asked for.
func (c *controller) encoding(s sdp.Stream, w *lossWatch) codecs.Format {
	step := lossSteps[w.step]
	cfg := c.focus.live()
	bitrate := cfg.OpusBitrate
	if bitrate == 0 {
		bitrate = codecs.DefaultBitrate
	}
	return s.Encode(codecs.Format{
		Bitrate:    min(bitrate, max(leastBitrate, int(float64(bitrate)*step.bitrate))),
		Complexity: cfg.OpusComplexity,
		FEC:        step.percent > 0, LossPercent: step.percent, DTX: cfg.OpusDTX,
	})
}

// watchLoss begins to look at what receivers report to whom something can be sent otherwise because of it.
func (c *controller) watchLoss() {
	if !c.watchesLoss {
		c.watchesLoss = true
		c.later(adaptEvery, lossReports{})
	}
}

// lossReports looks at everybody.
type lossReports struct{}

func (lossReports) handle(c *controller) {
	c.watchesLoss = false
	changed := false
	for _, p := range c.participants {
		if !p.bridged || p.stream.Codec != codecs.Opus && !p.stream.Redundant {
			continue
		}
		c.watchLoss()
		stats := p.session.Stats()
		if p.loss.report(stats.ReportsReceived, stats.RemoteFraction) {
			p.session.SetRedundancy(p.loss.copies())
			format := c.encoding(p.stream, &p.loss)
			changed = changed || format != p.stream.Format
			p.stream.Format = format
		}
	}
	if changed {
		c.updateMix()
	}
}

// sends completes what a media session is told by what the conference sends beside audio.
func (c *controller) sends(p *media.Params, s sdp.Stream) {
	p.MixerLevelExtension = s.MixerLevelExtension
	if c.entry.cfg.PassDTMF && s.Event.Events != (sdp.EventSet{}) {
		p.Events, p.EventPayloadType = true, s.Event.Number
	}
	if c.focus.live().ComfortNoise && (s.Codec == codecs.PCMU || s.Codec == codecs.PCMA) {
		for _, a := range s.Accepts {
			if a.ComfortNoise && a.ClockRate == s.Codec.ClockRate() {
				p.Quiet, p.QuietPayloadType = true, a.Number
			}
		}
	}
}
