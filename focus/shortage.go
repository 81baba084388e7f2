package focus

import (
	"errors"
	"log/slog"
	"time"
)

// logRefusal says why a call is refused: as information where it is the caller's doing, as a warning where it is for what this server lacks, ports or room
// within its limits.
func (f *Focus) logRefusal(callID string, err error) {
	f.log.Info("call refused", slog.String("call_id", callID), slog.Any("error", err))
	if status(err)/100 != 5 || errors.Is(err, ErrShutdown) {
		return
	}
	if n := f.shortage.Due(time.Now()); n > 0 {
		f.log.Warn("calls are refused because this server cannot take them", slog.Int("calls", n), slog.Any("error", err))
	}
}
