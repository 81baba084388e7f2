// Package sound reads files with something to play: WAV, and Opus in Ogg (RFC 7845).
//
//	pcm, rate, err := sound.Decode(file) // mono, at 8000, 16000 or 48000 Hz
package sound
