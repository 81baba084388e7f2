package sdp

import (
	"strconv"
	"strings"
)

// Limits of maxaveragebitrate, outside of which it is not read (RFC 7587, section 6.1).
const (
	minOpusBitrate = 6000
	maxOpusBitrate = 510000
)

// ParseOpus reads the a=fmtp parameters of Opus. Unknown parameters and unreadable values are ignored (RFC 7587, section
// 7.1).
func ParseOpus(parameters string) OpusParameters {
	var p OpusParameters
	for part := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(part, "=")
		value = strings.TrimSpace(value)
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "maxplaybackrate":
			p.MaxPlaybackRate = between(value, 8000, 48000)
		case "sprop-maxcapturerate":
			p.MaxCaptureRate = between(value, 8000, 48000)
		case "maxaveragebitrate":
			p.MaxAverageBitrate = between(value, minOpusBitrate, maxOpusBitrate)
		case "stereo":
			p.Stereo = value == "1"
		case "sprop-stereo":
			p.SpropStereo = value == "1"
		case "cbr":
			p.CBR = value == "1"
		case "useinbandfec":
			p.FEC = value == "1"
		case "usedtx":
			p.DTX = value == "1"
		}
	}
	return p
}

// String writes what differs from the defaults of the RFC, semicolon-separated (RFC 7587, section 7).
func (p OpusParameters) String() string {
	var parts []string
	number := func(name string, value int) {
		if value != 0 {
			parts = append(parts, name+"="+strconv.Itoa(value))
		}
	}
	flag := func(name string, value bool) {
		if value {
			parts = append(parts, name+"=1")
		}
	}
	number("maxplaybackrate", p.MaxPlaybackRate)
	number("sprop-maxcapturerate", p.MaxCaptureRate)
	number("maxaveragebitrate", p.MaxAverageBitrate)
	flag("stereo", p.Stereo)
	flag("sprop-stereo", p.SpropStereo)
	flag("cbr", p.CBR)
	flag("useinbandfec", p.FEC)
	flag("usedtx", p.DTX)
	return strings.Join(parts, ";")
}

func between(value string, low, high int) int {
	n, err := strconv.Atoi(value)
	if err != nil || n < low || n > high {
		return 0
	}
	return n
}
