package main

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/uring"
)

// Who does not want system calls to be made together has them made one by one; who does hears of it where the system does not allow them.
func TestMixerConfig(t *testing.T) {
	var said strings.Builder
	log := slog.New(slog.NewTextHandler(&said, nil))
	if c := mixerConfig(config.Media{Workers: 3}, log); c.Calls != nil || c.Workers != 3 {
		t.Errorf("%+v", c)
	}
	calls := mixerConfig(config.Media{IOUring: true}, log).Calls()
	b, ok := calls.(*media.Batch)
	if ok {
		b.Close()
	}
	ring, err := uring.New(1)
	if err == nil {
		ring.Close()
	}
	if errors.Is(err, uring.ErrUnsupported) != strings.Contains(said.String(), "system call") || (calls == nil) == ok {
		t.Errorf("%v, of a system with %v: %s", calls, err, &said)
	}
}
