package codecs

import (
	"runtime"

	"gopkg.in/hraban/opus.v2"
)

// OpusLibrary names what encodes and decodes Opus: the library with its version, and the kind of processor. What it makes of the same input is the same
// to the bit only where this is the same (RFC 6716, section 6, leaves decoders some rounding, and encoders their choice).
func OpusLibrary() string { return opus.Version() + " " + runtime.GOARCH }
