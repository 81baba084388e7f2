package srs

import (
	"log/slog"
	"os"
	"slices"
	"time"
)

// current is the report as it is now; the caller may keep it.
func (r *recording) current() Recording {
	// What a client had kept before the session was there is at the beginning of the files.
	r.report.StartedAt = r.began.Add(-r.origin.early).UTC()
	r.report.Streams = make([]Stream, 0, len(r.streams))
	for _, s := range r.streams {
		if !s.closed {
			s.count()
		}
		copied := *s.report
		copied.Participants = slices.Clone(s.report.Participants)
		copied.SSRCs = slices.Clone(s.report.SSRCs)
		copied.Pauses = slices.Clone(s.report.Pauses)
		copied.Writers = slices.Clone(s.report.Writers)
		copied.SessionIDs = slices.Clone(s.report.SessionIDs)
		r.report.Streams = append(r.report.Streams, copied)
	}
	if !r.ending {
		r.report.State = r.state()
	}
	report := r.report
	report.Sessions = slices.Clone(report.Sessions)
	report.Participants = slices.Clone(report.Participants)
	for i := range report.Participants {
		report.Participants[i].Labels = slices.Clone(report.Participants[i].Labels)
	}
	report.Metadata, report.Manifests = slices.Clone(report.Metadata), slices.Clone(report.Manifests)

	return report
}

// state is paused when there are streams and all are.
func (r *recording) state() State {
	paused := false
	for _, s := range r.slots {
		if s != nil && s.report.State == StateRecording {
			return StateRecording
		}
		paused = paused || s != nil
	}
	if paused {
		return StatePaused
	}

	return StateRecording
}

// write rewrites recording.json.
func (r *recording) write() Recording {
	report := r.current()
	if err := writeReport(report); err != nil {
		r.fault(err)
	}

	return report
}

// announce tells that the recording has started, once.
func (r *recording) announce() {
	if r.announced {
		return
	}
	r.announced = true
	r.server.totals.accepted.Add(1)
	report := r.write()
	r.logger.Info("recording started", slog.String("directory", r.dir), slog.String("call_id", report.CallID))
	if f := r.cfg.Hooks.Started; f != nil {
		f(report)
	}
}

// changed writes the report and tells about it.
func (r *recording) changed() {
	r.announce()
	report := r.write()
	if f := r.cfg.Hooks.Updated; f != nil {
		f(report)
	}
}

// complete brings all files to the same length and closes the recording.
func (r *recording) complete() {
	if r.report.EndReason == discarded {
		if err := os.RemoveAll(r.dir); err != nil {
			r.logger.Warn("empty recording not removed", slog.String("directory", r.dir), slog.Any("error", err))
		}

		return
	}
	length := r.at(r.report.EndedAt) + r.origin.early
	for _, s := range r.streams {
		length = max(length, time.Duration(s.report.Samples)*time.Second/time.Duration(s.report.SampleRate))
	}
	for _, s := range r.streams {
		s.ended(StateFinished, r.report.EndedAt)
		r.fault(r.lengthen(s, length))
		r.fault(r.transcribe(s.report))
	}
	r.fault(r.fingerprint())
	if r.report.Error != "" {
		r.report.State = StateFailed
		r.server.keeper.alarm(Alarm{Name: AlarmWrite, Detail: r.dir + ": it is over"})
	}
	r.total()
	r.announce()
	report := r.write()
	r.logger.Info("recording finished", slog.String("directory", r.dir), slog.String("reason", report.EndReason))
	if f := r.cfg.Hooks.Finished; f != nil {
		f(report)
	}
}

// lengthen completes a closed file, with silence up to a length.
func (r *recording) lengthen(s *stream, length time.Duration) error {
	rate := s.report.SampleRate
	samples, err := s.receiver.file.complete((int64(length)*int64(rate) + int64(time.Second)/2) / int64(time.Second))
	s.report.Samples = samples

	return err
}
