package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
)

// crossedAudio is of each of ten conferences, in no more time than it takes to mix it.
const crossedAudio = "1h"

// crossing: nothing of a conference is in the recording of another. The clock is ours, so it is done by tests, which compare each sample.
func (b *bench) crossing(ctx context.Context) error {
	command := exec.CommandContext(ctx, "go", "test", "-count=1", "-timeout", "60m", "-run", "^(TestConferencesNeverCross|TestRecordingsNeverCross)$", "./mixer", "./siprec/srs")
	command.Env = append(os.Environ(), "CROSSING_TIME="+crossedAudio)
	out, err := command.CombinedOutput()
	result := "none"
	if err != nil {
		b.broken, result = true, fmt.Sprintf("%v: %s", err, out)
	}
	b.report(err == nil, "samples in the recording of another conference, ten of "+crossedAudio+" each", "none", "%s", result)
	return ctx.Err()
}
