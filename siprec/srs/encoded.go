package srs

import (
	"errors"
	"os"

	"github.com/parley-sip/parley/codecs"
)

// An encoded is a file of Ogg Opus for what did not come as Opus. It belongs to one goroutine.
type encoded struct {
	file      *ogg // not embedded: payloads must not go there as they come
	encoder   codecs.Encoder
	resampler *codecs.Resampler
	delay     int64   // samples of the file by which audio comes later out of the decoder than it is put in, beside what the file skips
	run       []int16 // samples of a frame that is not complete
	runAt     int64   // where they belong
	wide      [codecs.MaxFrameSamples]int16
	payload   [codecs.MaxPayload]byte
}

// resamplerDelay is by how many samples of the lower rate a resampler makes audio late.
const resamplerDelay = 16

func createEncoded(name string, rate int) (*encoded, error) {
	encoder, err := codecs.NewEncoder(codecs.Format{Codec: codecs.Opus, MaxBandwidth: rate})
	if err != nil {
		return nil, err
	}
	resampler, err := codecs.NewResampler(rate, opusRate)
	if err != nil {
		return nil, err
	}
	file, err := createOgg(name, rate)
	if err != nil {
		return nil, err
	}

	return &encoded{file: file, encoder: encoder, resampler: resampler, delay: resamplerDelay*file.ratio + opusSkip}, nil
}

func (e *encoded) frame() int64 { return codecs.MaxFrameSamples / e.file.ratio }

// write implements sink. What has its place taken already is cut.
func (e *encoded) write(at int64, samples []int16) error {
	if len(samples) == 0 {
		return nil
	}
	end := e.runAt + int64(len(e.run))
	switch gap := at - end; {
	case !e.started(), gap > 2*e.frame():
		if err := e.drain(); err != nil {
			return err
		}
		e.runAt = at
	case gap > 0:
		if err := e.take(make([]int16, gap)); err != nil {
			return err
		}
	case gap < 0:
		samples = samples[min(-gap, int64(len(samples))):]
	}

	return e.take(samples)
}

// started reports whether anything was written since the encoder began.
func (e *encoded) started() bool { return len(e.run) > 0 || e.file.begun }

// take encodes every frame that is complete.
func (e *encoded) take(samples []int16) error {
	for len(samples) > 0 {
		n := min(len(samples), int(e.frame())-len(e.run))
		e.run, samples = append(e.run, samples[:n]...), samples[n:]
		if len(e.run) < int(e.frame()) {
			continue
		}
		e.resampler.Process(e.wide[:], e.run)
		size, err := e.encoder.Encode(e.payload[:], e.wide[:])
		if err != nil {
			return err
		}
		if err = e.file.put(e.runAt*e.file.ratio-e.delay, e.payload[:size], codecs.MaxFrameSamples); err != nil {
			return err
		}
		e.runAt, e.run = e.runAt+e.frame(), e.run[:0]
	}

	return nil
}

// drain encodes the frame that is not complete and what the encoder still holds, and begins anew.
func (e *encoded) drain() error {
	if !e.started() {
		return nil
	}
	zeros := e.frame() - int64(len(e.run))
	if zeros < e.delay/e.file.ratio {
		e.file.padding = (e.runAt+e.frame())*e.file.ratio - e.delay
		zeros += e.frame()
	} else if len(e.run) == 0 {
		e.file.padding = e.runAt*e.file.ratio - e.delay
	}
	err := e.take(make([]int16, zeros))
	e.encoder.Reset()
	e.resampler.Reset()

	return err
}

// move implements sink.
func (e *encoded) move(from, to, by int64) error {
	if by == 0 || to <= from {
		return nil
	}
	if e.runAt+int64(len(e.run)) > from {
		e.runAt += by
	}
	late := e.delay / e.file.ratio

	return e.file.move(from-late, to-late, by)
}

// shift implements sink.
func (e *encoded) shift(by int64, closed bool) error {
	if e.started() {
		e.runAt += by
	}

	return e.file.shift(by, closed)
}

// length implements sink. The rest of the encoder is drawn out when the file is completed, and cut off.
func (e *encoded) length() int64 {
	return max(0, (e.runAt+int64(len(e.run)))*e.file.ratio)
}

func (e *encoded) flush() error     { return e.file.flush() }
func (e *encoded) fileRate() int    { return opusRate }
func (e *encoded) handle() *os.File { return e.file.file }
func (e *encoded) close() error     { return e.file.close() }

// complete implements sink.
func (e *encoded) complete(samples int64) (int64, error) {
	length := e.length()
	if err := e.file.open(); err != nil {
		return length, err
	}
	if err := e.drain(); err != nil {
		return length, errors.Join(err, e.file.file.Close())
	}

	return e.file.end(max(samples, length))
}
