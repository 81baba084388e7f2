package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/siprec"
	"github.com/parley-sip/parley/siprec/srs"
)

// recorded is one file of the recording, brought to the time line of the play.
type recorded struct {
	stream   srs.Stream
	who      string // participant; "" for the mixed stream and for one who never spoke
	mixed    bool
	samples  []float64 // at AnalysisRate
	shift    float64   // seconds from the origin of the play to sample 0
	lifetime [2]float64
}

var errNoRecording = errors.New("the recorder left no finished recording")

// earlier moves the windows in which a recorded file is compared, because its time line is the recorder's idea of when something was
// said and may lie a little before ours.
const earlier = 0.2

// awaitReport waits until the recorder has closed its files.
func (p *play) awaitReport(ctx context.Context) (srs.Recording, error) {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		found, err := filepath.Glob(filepath.Join(p.Recordings, "*", "recording.json"))
		if err != nil {
			return srs.Recording{}, err
		}
		for _, file := range found {
			var report srs.Recording
			text, err := os.ReadFile(file) //nolint:gosec // what the recorder has written
			if err == nil && json.Unmarshal(text, &report) == nil && report.State == srs.StateFinished {
				report.Directory = filepath.Dir(file)
				return report, nil
			}
		}
		select {
		case <-ctx.Done():
			return srs.Recording{}, fmt.Errorf("%w under %s", errNoRecording, p.Recordings)
		case <-tick.C:
		}
	}
}

func (p *play) verifyRecording(ctx context.Context, v *verdict, references []conftest.Reference) error {
	report, err := p.awaitReport(ctx)
	if err != nil {
		return err
	}
	files, err := p.load(report)
	if err != nil {
		return err
	}
	p.printf("\nThe recording is in %s:\n", report.Directory)
	p.printf("  %-34s %-10s %7s %5s  %s\n", "file", "codec", "packets", "lost", "what it holds, by scene (level in dB of full scale, gain in dB of each voice)")
	for _, f := range files {
		p.printf("  %-34s %-10s %7d %5d  ", f.stream.File, f.stream.Codec, f.stream.Packets, f.stream.Lost)
		for _, s := range p.scenes {
			p.printf("%s | ", p.judgeFile(v, s, f, references))
		}
		p.printf("\n")
		if f.stream.Lost > 0 {
			v.fail("recording: %s lost %d packets", f.stream.File, f.stream.Lost)
		}
	}
	p.verifyMetadata(v, report, files)
	picture := filepath.Join(p.Out, "recording.png")
	if err := p.draw(picture, files); err != nil {
		return err
	}
	p.printf("  picture: %s\n", picture)
	return nil
}

// load reads the files of a report.
func (p *play) load(report srs.Recording) ([]recorded, error) {
	names := map[string]string{}
	for _, participant := range report.Participants {
		names[participant.ID] = nameOf(participant)
	}
	files := make([]recorded, 0, len(report.Streams))
	for _, stream := range report.Streams {
		wav, err := conftest.ReadWAV(filepath.Join(report.Directory, stream.File))
		if err != nil {
			return nil, err
		}
		f := recorded{stream: stream, shift: report.StartedAt.Sub(p.origin).Seconds()}
		if f.samples, err = conftest.Resample(wav.Samples, wav.Rate); err != nil {
			return nil, err
		}
		f.mixed = strings.Contains(stream.File, "mixed")
		if len(stream.Participants) == 1 && !f.mixed {
			f.who = names[stream.Participants[0]]
		}
		f.lifetime = [2]float64{stream.StartedAt.Sub(p.origin).Seconds(), stream.EndedAt.Sub(p.origin).Seconds()}
		files = append(files, f)
	}
	return files, nil
}

func nameOf(participant srs.Participant) string {
	if participant.Name != "" {
		return participant.Name
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(participant.AOR, "sip:"), "@")
	return name
}

// judgeFile compares what a file holds of a scene with what it should, and says it in a few words.
func (p *play) judgeFile(v *verdict, s scene, f recorded, references []conftest.Reference) string {
	onTimeLine := delayBy(f.samples, f.shift+earlier)
	from, to := s.from+settleTime, s.to
	level := conftest.Level(conftest.Window(onTimeLine, from+earlier, to+earlier-settleTime))
	words := []string{fmt.Sprintf("%.0f", level)}
	expected := 0
	for _, found := range conftest.Match(onTimeLine, references, from, to) {
		should := !s.paused && slices.Contains(s.speaks, found.Name) && !slices.Contains(s.muted, found.Name) && (f.mixed || f.who == found.Name)
		switch {
		case should && (found.Gain < loudEnough || found.Gain > tooLoud):
			v.fail("recording: %s, %s holds %s at %+.1f dB", s.title, f.stream.File, found.Name, found.Gain)
		case !should && found.Usual > notHeard:
			v.fail("recording: %s, %s holds %s at %+.1f dB and must not", s.title, f.stream.File, found.Name, found.Usual)
		}
		if should {
			expected++
			words = append(words, fmt.Sprintf("%s %+.1f", found.Name, found.Gain))
		}
	}
	if expected == 0 && level > silentFile {
		v.fail("recording: %s, %s must be silent and has %.1f dB", s.title, f.stream.File, level)
	}
	return strings.Join(words, " ")
}

// delayBy moves samples later by seconds, or earlier by negative ones.
func delayBy(samples []float64, seconds float64) []float64 {
	n := int(seconds * conftest.AnalysisRate)
	if n < 0 {
		return samples[min(-n, len(samples)):]
	}
	return append(make([]float64, n), samples...)
}

// mergeMetadata gives what all documents together say.
func mergeMetadata(v *verdict, report srs.Recording) (merged siprec.Recording, ok bool) {
	for i, document := range report.Metadata {
		text, err := os.ReadFile(filepath.Join(report.Directory, document.File))
		if err != nil {
			v.fail("metadata: %v", err)
			return merged, false
		}
		update, err := siprec.Unmarshal(text)
		if err != nil {
			v.fail("metadata: %s: %v", document.File, err)
			return merged, false
		}
		if merged = siprec.Merge(merged, update); i == 0 {
			merged = update
		}
		for _, issue := range document.Issues {
			v.fail("metadata: %s: %s", document.File, issue)
		}
	}
	return merged, true
}

// verifyMetadata checks that the documents and the files tell the same story.
func (p *play) verifyMetadata(v *verdict, report srs.Recording, files []recorded) {
	merged, ok := mergeMetadata(v, report)
	if !ok {
		return
	}
	told := map[string]bool{}
	for _, participant := range merged.Participants {
		for _, name := range participant.Names {
			told[name.Name] = true
		}
	}
	var separate []string
	mixed := 0
	for _, f := range files {
		if f.mixed {
			mixed++
		} else if !slices.Contains(separate, f.who) {
			separate = append(separate, f.who)
		}
	}
	for _, r := range cast {
		if !told[r.name] {
			v.fail("metadata: nobody is called %s in %v", r.name, told)
		}
		if !r.listens && !slices.Contains(separate, r.name) {
			v.fail("recording: no file holds %s alone, only %v", r.name, separate)
		}
	}
	if mixed == 0 {
		v.fail("recording: there is no mixed file")
	}
	p.printf("  %d metadata documents, merged: %d participants, %d streams; they agree with the files.\n",
		len(report.Metadata), len(merged.Participants), len(merged.Streams))
}
