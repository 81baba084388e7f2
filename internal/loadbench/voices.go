package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/siprec/srs"
)

const (
	marksPerSecond = 1000
	voicesPerRoom  = 2
	lastWords      = 500 * time.Millisecond // between the last word and the end of the call: what is under way
)

// voices are rooms of callers who say marks, each his own: what recorders have of them can be counted to the sample.
type voices struct {
	phones []*conftest.Phone
	said   int // marks of each
}

// talk brings callers into rooms and has them say marks for a time; the first packet of each has the first one.
func talk(ctx context.Context, rooms int, d time.Duration) (v *voices, over <-chan struct{}, err error) {
	v = &voices{said: int(d.Seconds() * marksPerSecond)}
	var done []<-chan struct{}
	for i := range rooms * voicesPerRoom {
		phone, err := conftest.NewPhone(ctx, conftest.PhoneConfig{Name: "voice" + strconv.Itoa(i), Codec: codecs.PCMU, Origin: time.Now(), RecordAware: true})
		if err != nil {
			return v, nil, err
		}
		v.phones = append(v.phones, phone)
		done = append(done, phone.Say(conftest.Marks(i, 0, v.said)))
		if err := phone.Call(ctx, fmt.Sprintf("sip:room%d@%s", i/voicesPerRoom, target)); err != nil {
			return v, nil, err
		}
	}
	all := make(chan struct{})
	go func() {
		defer close(all)
		for _, c := range done {
			select {
			case <-c:
			case <-ctx.Done():
				return
			}
		}
	}()
	return v, all, nil
}

// leave ends all calls.
func (v *voices) leave(ctx context.Context) error {
	var all sync.WaitGroup
	failed := make([]error, len(v.phones))
	for i, phone := range v.phones {
		all.Go(func() { failed[i] = errors.Join(phone.Hangup(ctx), phone.Close(ctx)) })
	}
	all.Wait()
	return errors.Join(failed...)
}

// tally is what the files of recorders have of voices.
type tally struct {
	have    [][]bool // of each voice, by mark
	crossed int      // samples in a recording of another room, or in the stream of somebody else
	pieces  []piece  // a file each

	heads, tails []edge // of the pieces
}

// piece is what one file has of a voice.
type piece struct {
	voice int
	at    map[int]time.Time // by mark, when it was captured, by what the recorder says
}

// count reads all that recorders have left in some directories. Nothing may be written any more.
func (v *voices) count(directories ...string) (*tally, error) {
	t := &tally{have: make([][]bool, len(v.phones))}
	for i := range t.have {
		t.have[i] = make([]bool, v.said)
	}
	for _, directory := range directories {
		list, err := srs.Library{Directory: directory}.List(srs.Query{})
		if err != nil {
			return nil, err
		}
		for _, r := range list {
			for _, s := range r.Streams {
				if err := t.file(&r, &s); err != nil {
					return nil, err
				}
			}
		}
	}
	t.join()
	return t, nil
}

// file counts what one file has.
func (t *tally) file(r *srs.Recording, s *srs.Stream) error {
	wav, err := conftest.ReadWAV(filepath.Join(r.Directory, s.File))
	if err != nil {
		return err
	}
	began := r.StartedAt
	if r.Replay != nil {
		began = r.Replay.From
	}
	owners := ownersOf(r, s)
	t.read(wav.Samples, wav.Rate, began, func(voice int) bool { return slices.Contains(owners, voice) })
	return nil
}

// read counts the marks in samples that begin at a time. Those of voices that do not belong there are crossed.
func (t *tally) read(pcm []int16, rate int, began time.Time, belongs func(voice int) bool) {
	at := func(sample int) time.Time {
		return began.Add(time.Duration(sample) * time.Second / time.Duration(rate))
	}
	found := map[int][]place{}
	conftest.FindMarks(pcm, func(voice, index, sample int) {
		if voice >= len(t.have) || index >= len(t.have[voice]) {
			return // noise that looks like a mark: one of a quarter of a million
		}
		if !belongs(voice) {
			t.crossed += conftest.MarkSamples
			return
		}
		t.have[voice][index] = true
		found[voice] = append(found[voice], place{index, sample})
	})
	for voice, marks := range found {
		p, first, last := piece{voice, map[int]time.Time{}}, marks[0], marks[len(marks)-1]
		for _, m := range marks {
			p.at[m.index] = at(m.sample)
		}
		t.pieces = append(t.pieces, p)
		head, tail := edgesOf(pcm, voice, first, last)
		head.cut, tail.cut = at(first.sample-head.samples), at(last.sample+conftest.MarkSamples+tail.samples)
		t.heads, t.tails = append(t.heads, head), append(t.tails, tail)
	}
}

// ownersOf are the voices that may be in a stream.
func ownersOf(r *srs.Recording, s *srs.Stream) (owners []int) {
	for _, p := range r.Participants {
		name := strings.TrimPrefix(p.AOR, "sip:")
		if n, err := strconv.Atoi(strings.TrimPrefix(strings.SplitN(name, "@", 2)[0], "voice")); err == nil && slices.Contains(s.Participants, p.ID) { //nolint:mnd // user and host
			owners = append(owners, n)
		}
	}
	return owners
}

// lacks tells whether a mark is missing that another has; of nil: that was said.
func (t *tally) lacks(of *tally, voice, index int) bool {
	return !t.have[voice][index] && (of == nil || of.have[voice][index])
}

// missing are the samples that no file has and another has, and in how many voices some are.
func (t *tally) missing(of *tally) (samples, in int) {
	for voice, have := range t.have {
		n := 0
		for i := range have {
			if t.lacks(of, voice, i) {
				n += conftest.MarkSamples
			}
		}
		samples += n
		in += min(n, 1)
	}
	return samples, in
}

// apart is by how much two recorders disagree on when something was captured, at worst: the middle of the differences of each file to one of the others.
func (t *tally) apart(of *tally) time.Duration {
	var worst time.Duration
	for _, p := range t.pieces {
		var off []time.Duration
		for _, other := range of.pieces {
			if other.voice != p.voice {
				continue
			}
			for index, at := range p.at {
				if there, ok := other.at[index]; ok {
					off = append(off, at.Sub(there))
				}
			}
		}
		worst = max(worst, conftest.Percentile(off, 0.5).Abs()) //nolint:mnd // the middle
	}
	return worst
}

// holes tells where marks are missing, for the log.
func (t *tally) holes(of *tally) string {
	var out strings.Builder
	for voice, have := range t.have {
		for i := 0; i < len(have); i++ {
			first := i
			for i < len(have) && t.lacks(of, voice, i) {
				i++
			}
			if i > first {
				fmt.Fprintf(&out, "voice %d misses %d to %d ms\n", voice, first, i)
			}
		}
	}
	return out.String()
}
