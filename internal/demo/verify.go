package demo

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/parley-sip/parley/internal/conftest"
)

// What counts as heard and as not heard, in dB against what was said.
const (
	loudEnough  = -3.0
	tooLoud     = 3.0
	notHeard    = -16.0
	silentFile  = -60.0 // dB of full scale: an idle G.722 encoder, whose payload is passed on, is at -63
	settleTime  = 0.15  // seconds at the beginning of a scene that are left out
	tooLate     = 300 * time.Millisecond
	heardSuffix = "-heard.wav"
)

// ErrNotAsItMustBe is returned when the play went through but something was wrong.
var ErrNotAsItMustBe = errors.New("not everything was as it must be")

// ErrBusy is returned instead when the machine was so busy with other things that the callers themselves could not keep time: then what was
// found says nothing about the server.
var ErrBusy = errors.New("this machine is too busy to judge")

// busyLateness is how late a caller's hundredth packet may be.
const busyLateness = 15 * time.Millisecond

// verdict collects what was found.
type verdict struct {
	problems []string
	delays   []time.Duration
}

func (v *verdict) fail(format string, args ...any) {
	v.problems = append(v.problems, fmt.Sprintf(format, args...))
}

func (p *play) verify(ctx context.Context) error {
	v := &verdict{}
	references, err := p.references()
	if err != nil {
		return err
	}
	if err := p.verifyHearing(v, references); err != nil {
		return err
	}
	p.verifyRoster(v)
	if err := p.verifyRecording(ctx, v, references); err != nil {
		return err
	}
	if len(v.problems) > 0 {
		p.printf("\nNot as it must be:\n  %s\n", strings.Join(v.problems, "\n  "))
		if late := p.lateness(); late > busyLateness {
			return fmt.Errorf("%w: one packet in a hundred of a caller was %v late or more; %d deviations", ErrBusy, late, len(v.problems))
		}
		return fmt.Errorf("%w: %d deviations", ErrNotAsItMustBe, len(v.problems))
	}
	p.printf("\nEverything was as it must be.\n")
	return nil
}

// lateness is that of the worst caller.
func (p *play) lateness() time.Duration {
	var worst time.Duration
	for _, a := range p.actors {
		worst = max(worst, a.phone.Lateness(0.99)) //nolint:mnd // see busyLateness
	}
	return worst.Round(time.Millisecond)
}

// references are what everybody said.
func (p *play) references() ([]conftest.Reference, error) {
	var out []conftest.Reference
	for _, a := range p.actors {
		if a.listens {
			continue
		}
		said, err := a.phone.Said()
		if err != nil {
			return nil, err
		}
		out = append(out, conftest.Reference{Name: a.name, Samples: said})
	}
	return out, nil
}

// verifyHearing checks each listener in each scene: everybody who spoke and was not muted, never himself.
func (p *play) verifyHearing(v *verdict, references []conftest.Reference) error {
	p.printf("\nWho heard whom (gain in dB, delay added in ms; a dot: nothing, as it must be):\n")
	p.printf("  %-28s", "scene")
	for _, a := range p.actors {
		p.printf("%-28s", a.name)
	}
	p.printf("\n")
	heard := map[string][]float64{}
	for _, a := range p.actors {
		samples, err := a.phone.Heard()
		if err != nil {
			return err
		}
		heard[a.name] = samples
		if err := conftest.WriteWAV(filepath.Join(p.Out, a.name+heardSuffix), conftest.AnalysisRate, toPCM(samples)); err != nil {
			return err
		}
	}
	for _, s := range p.scenes {
		p.printf("  %-28s", s.title)
		for _, a := range p.actors {
			p.printf("%-28s", p.judge(v, s, a, heard[a.name], references))
		}
		p.printf("\n")
	}
	p.printf("  the server adds: median %d ms, worst %d ms (a phone adds its packet, 20 ms, and its jitter buffer)\n",
		conftest.Percentile(v.delays, 0.5).Milliseconds(), conftest.Percentile(v.delays, 1).Milliseconds())
	return nil
}

// judge compares what one listener heard in one scene with what he should have, and says it in a few words.
func (p *play) judge(v *verdict, s scene, a *actor, heard []float64, references []conftest.Reference) string {
	if !slices.Contains(s.present, a.name) {
		return "-"
	}
	var words []string
	for _, found := range conftest.Match(heard, references, s.from+settleTime, s.to) {
		should := found.Name != a.name && slices.Contains(s.speaks, found.Name) && !slices.Contains(s.muted, found.Name)
		switch {
		case should && (found.Gain < loudEnough || found.Gain > tooLoud):
			v.fail("%s: %s heard %s at %+.1f dB", s.title, a.name, found.Name, found.Gain)
		case should && found.Delay > tooLate:
			v.fail("%s: %s heard %s %v late", s.title, a.name, found.Name, found.Delay)
		case !should && found.Usual > notHeard:
			v.fail("%s: %s heard %s at %+.1f dB and must not", s.title, a.name, found.Name, found.Usual)
		}
		if should {
			v.delays = append(v.delays, found.Delay)
			words = append(words, fmt.Sprintf("%c%+.0f/%d", found.Name[0], found.Gain, found.Delay.Milliseconds()))
		}
	}
	if len(words) == 0 {
		return "."
	}
	return strings.Join(words, " ")
}

func (p *play) verifyRoster(v *verdict) {
	p.roster.mu.Lock()
	defer p.roster.mu.Unlock()
	p.printf("\nThe subscriber got %d full and %d partial documents.\n", p.roster.full, p.roster.partial)
	for _, problem := range p.roster.problems {
		v.fail("roster: %s", problem)
	}
	if p.roster.full == 0 || p.roster.partial == 0 {
		v.fail("roster: %d full and %d partial documents, want some of both", p.roster.full, p.roster.partial)
	}
	carol := p.actor("carol")
	if records := carol.phone.Indications(); len(records) < 3 { //nolint:mnd // off or none, on, paused
		v.fail("carol's phone is record-aware and was told %v only", records)
	} else {
		p.printf("carol's record-aware phone was told: %v; the others heard a tone.\n", records)
	}
}

func toPCM(samples []float64) []int16 {
	out := make([]int16, len(samples))
	for i, s := range samples {
		out[i] = int16(max(-32768, min(32767, s*32768)))
	}
	return out
}
