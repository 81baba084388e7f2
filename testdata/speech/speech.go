// Package speech holds short recordings of different voices for the demonstration and the tests. See README.md for where they
// come from.
package speech

import "embed"

// Files are the recordings, NAME.wav: mono, 16-bit PCM.
//
//go:embed *.wav
var Files embed.FS
