package sdp

import (
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// take moves a session-level attribute into its field. False means that it stays as text: because it is not modelled,
// because it cannot be read, or because the field is taken already. Marshal writes fields before text, so a second
// reading decides the same.
func (d *Description) take(name, value string) bool {
	switch name {
	case "record":
		return set(&d.Record, parseRecord(value))
	case "recordpref":
		return set(&d.RecordPreference, parseRecordPreference(value))
	default:
		return value == "" && set(&d.Direction, parseDirection(name))
	}
}

// take is the same for a media-level attribute.
func (m *Media) take(name, value string) bool {
	switch name {
	case "rtpmap":
		return m.takeRTPMap(value)
	case "fmtp":
		return m.takeParameters(value)
	case "ptime":
		return set(&m.PacketTime, parseMilliseconds(value))
	case "maxptime":
		return set(&m.MaxPacketTime, parseMilliseconds(value))
	case "rtcp":
		return set(&m.RTCP, parseRTCP(value))
	case "rtcp-mux":
		return value == "" && set(&m.Mux, true)
	case "label":
		return set(&m.Label, strings.TrimSpace(value))
	case "content":
		return set(&m.Content, strings.TrimSpace(value))
	case "record":
		return set(&m.Record, parseRecord(value))
	case "recordpref":
		return set(&m.RecordPreference, parseRecordPreference(value))
	case "extmap":
		return m.takeExtension(value)
	default:
		return value == "" && set(&m.Direction, parseDirection(name))
	}
}

// set fills a field once; the zero value says that the attribute could not be read.
func set[T comparable](field *T, value T) bool {
	var zero T
	if *field != zero || value == zero {
		return false
	}
	*field = value
	return true
}

// takeRTPMap reads "96 opus/48000/2" (RFC 8866, section 6.6).
func (m *Media) takeRTPMap(value string) bool {
	pt, mapping := m.cutPayloadType(value)
	if pt == nil || pt.Name != "" {
		return false
	}
	parts := strings.Split(mapping, "/")
	if len(parts) < 2 || len(parts) > 3 || parts[0] == "" || strings.ContainsAny(parts[0], " \t") {
		return false
	}
	clock, err := strconv.ParseUint(strings.TrimSpace(parts[1]), 10, 31)
	if err != nil || clock == 0 {
		return false
	}
	channels := uint64(1)
	if len(parts) == 3 {
		if channels, err = strconv.ParseUint(strings.TrimSpace(parts[2]), 10, 8); err != nil || channels == 0 {
			return false
		}
	}
	pt.Name, pt.ClockRate, pt.Channels = parts[0], int(clock), int(channels)
	return true
}

func (m *Media) takeParameters(value string) bool {
	pt, parameters := m.cutPayloadType(value)
	return pt != nil && set(&pt.Parameters, parameters)
}

// cutPayloadType splits "96 rest". The payload type is nil if the m= line does not list it.
func (m *Media) cutPayloadType(value string) (*PayloadType, string) {
	first, rest := cutWord(value)
	number, err := strconv.ParseUint(first, 10, 7)
	if err != nil {
		return nil, ""
	}
	return m.payloadType(uint8(number)), rest
}

// takeExtension reads "1/sendonly urn:… parameters" (RFC 8285, section 8).
func (m *Media) takeExtension(value string) bool {
	first, rest := cutWord(value)
	uri, parameters := cutWord(rest)
	idText, direction, directed := strings.Cut(first, "/")
	id, err := strconv.ParseUint(idText, 10, 16)
	e := Extension{ID: uint16(id), Direction: parseDirection(direction), URI: uri, Parameters: parameters}
	if err != nil || id == 0 || uri == "" || directed != (e.Direction != Unspecified) {
		return false
	}
	m.Extensions = append(m.Extensions, e)
	return true
}

// parseRTCP reads "53020" or "53020 IN IP4 192.0.2.1" (RFC 3605, section 2.1).
func parseRTCP(value string) RTCP {
	fields := strings.Fields(value)
	if len(fields) != 1 && len(fields) != 4 {
		return RTCP{}
	}
	port, err := strconv.ParseUint(fields[0], 10, 16)
	if err != nil {
		return RTCP{}
	}
	line := RTCP{Port: uint16(port)}
	if len(fields) == 4 {
		address, err := netip.ParseAddr(fields[3])
		if err != nil || port == 0 {
			return RTCP{}
		}
		line.Address = address.WithZone("")
	}
	return line
}

// parseMilliseconds reads a=ptime and a=maxptime (RFC 8866, sections 6.4 and 6.5).
func parseMilliseconds(value string) time.Duration {
	n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 16)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Millisecond
}

// cutWord splits at the first run of blanks.
func cutWord(value string) (first, rest string) {
	value = strings.TrimSpace(value)
	if i := strings.IndexAny(value, " \t"); i >= 0 {
		return value[:i], strings.TrimSpace(value[i:])
	}
	return value, ""
}
