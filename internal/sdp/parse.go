package sdp

import (
	"net/netip"
	"strconv"
	"strings"

	pion "github.com/pion/sdp/v3"
)

// Parse reads a session description. The error is a [*StreamError] of [ErrMalformed], for a 400.
func Parse(text []byte) (Description, error) {
	doc, err := scan(string(text))
	if err != nil {
		return Description{}, err
	}
	var parsed pion.SessionDescription
	if err = parsed.UnmarshalString(doc.text()); err != nil {
		return Description{}, malformed(-1, err.Error())
	}
	d := Description{
		Origin: Origin{
			Username: parsed.Origin.Username,
			Session:  parsed.Origin.SessionID,
			Version:  parsed.Origin.SessionVersion,
			Address:  parsed.Origin.UnicastAddress,
			IPv6:     parsed.Origin.AddressType == addressIP6,
		},
		Name:      doc.name,
		Bandwidth: parseBandwidth(parsed.Bandwidth),
	}
	if d.Connection, err = parseConnection(parsed.ConnectionInformation, -1); err != nil {
		return Description{}, err
	}
	for _, t := range parsed.TimeDescriptions {
		d.Times = append(d.Times, Time{Start: t.Timing.StartTime, Stop: t.Timing.StopTime})
	}
	for _, a := range parsed.Attributes {
		if !d.take(a.Key, a.Value) {
			d.Attributes = append(d.Attributes, Attribute{Name: a.Key, Value: a.Value})
		}
	}
	for i, m := range parsed.MediaDescriptions {
		media, err := parseMedia(m, doc.media[i].m, i)
		if err != nil {
			return Description{}, err
		}
		if media.Port != 0 && media.Connection == (Connection{}) && d.Connection == (Connection{}) {
			return Description{}, malformed(i, "no c= line") // RFC 8866, section 5.7
		}
		d.Media = append(d.Media, media)
	}
	return d, nil
}

const (
	addressIP4 = "IP4"
	addressIP6 = "IP6"
)

func parseConnection(c *pion.ConnectionInformation, index int) (Connection, error) {
	if c == nil {
		return Connection{}, nil
	}
	if c.Address == nil {
		return Connection{}, malformed(index, "c= without address")
	}
	text, scope, _ := strings.Cut(c.Address.Address, "/")
	if address, err := netip.ParseAddr(text); err == nil {
		return Connection{Address: address.WithZone(""), Scope: scope}, nil
	}
	if text == "" {
		return Connection{}, malformed(index, "c= without address")
	}
	return Connection{Host: text, Scope: scope, IPv6: c.AddressType == addressIP6}, nil
}

func parseBandwidth(lines []pion.Bandwidth) []Bandwidth {
	if len(lines) == 0 {
		return nil
	}
	all := make([]Bandwidth, 0, len(lines))
	for _, b := range lines {
		all = append(all, Bandwidth{Type: b.Type, Value: b.Bandwidth})
	}
	return all
}

func parseMedia(m *pion.MediaDescription, line string, index int) (Media, error) {
	media, err := parseMediaLine(line, index)
	if err != nil {
		return media, err
	}
	if media.Connection, err = parseConnection(m.ConnectionInformation, index); err != nil {
		return media, err
	}
	media.Bandwidth = parseBandwidth(m.Bandwidth)
	for _, a := range m.Attributes {
		if !media.take(a.Key, a.Value) {
			media.Attributes = append(media.Attributes, Attribute{Name: a.Key, Value: a.Value})
		}
	}
	for i := range media.PayloadTypes {
		media.PayloadTypes[i].fillStatic()
	}
	return media, nil
}

// parseMediaLine reads an m= line (RFC 8866, section 5.14).
func parseMediaLine(line string, index int) (Media, error) {
	fields := strings.Fields(line)
	if len(fields) < 3 {
		return Media{}, malformed(index, "m="+strconv.Quote(line))
	}
	media := Media{Kind: fields[0], Proto: fields[2]}
	portText, portsText, several := strings.Cut(fields[1], "/")
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return Media{}, malformed(index, "port "+strconv.Quote(fields[1]))
	}
	media.Port = uint16(port)
	if several {
		ports, err := strconv.ParseUint(portsText, 10, 16)
		if err != nil || ports == 0 {
			return Media{}, malformed(index, "port "+strconv.Quote(fields[1]))
		}
		media.Ports = int(ports)
	}
	if !media.isRTP() {
		media.Formats = fields[3:]
		if len(media.Formats) == 0 {
			media.Formats = []string{"*"}
		}
		return media, nil
	}
	media.addPayloadTypes(fields[3:])
	if len(media.PayloadTypes) == 0 {
		if media.Port != 0 {
			return Media{}, malformed(index, "no payload type")
		}
		media.PayloadTypes = []PayloadType{{Channels: 1}} // the format of a disabled stream means nothing
	}
	return media, nil
}

func (m *Media) addPayloadTypes(fields []string) {
	for _, field := range fields {
		number, err := strconv.ParseUint(field, 10, 7)
		if err != nil || m.payloadType(uint8(number)) != nil {
			continue
		}
		m.PayloadTypes = append(m.PayloadTypes, PayloadType{Number: uint8(number), Channels: 1})
	}
}

// payloadType is the format of that number, nil if there is none.
func (m *Media) payloadType(number uint8) *PayloadType {
	for i := range m.PayloadTypes {
		if m.PayloadTypes[i].Number == number {
			return &m.PayloadTypes[i]
		}
	}
	return nil
}

// isRTP tells whether the formats of the line are RTP payload types.
func (m *Media) isRTP() bool { return strings.Contains(strings.ToUpper(m.Proto), "RTP/") }
