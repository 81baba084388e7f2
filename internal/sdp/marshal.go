package sdp

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	pion "github.com/pion/sdp/v3"
)

// Marshal writes the description with CRLF at the end of each line (RFC 8866, section 5). Control characters in a text
// become blanks, so no value can start a line of its own. [Parse] of the result is equal to a description that came
// from Parse, Answer or Offer.
func (d Description) Marshal() []byte {
	s := pion.SessionDescription{
		Origin: pion.Origin{
			Username:       token(d.Origin.Username),
			SessionID:      d.Origin.Session,
			SessionVersion: d.Origin.Version,
			NetworkType:    "IN",
			AddressType:    addressType(d.Origin.IPv6),
			UnicastAddress: token(d.Origin.Address),
		},
		SessionName:           pion.SessionName(clean(orDash(d.Name))),
		ConnectionInformation: d.Connection.pion(),
		Bandwidth:             pionBandwidth(d.Bandwidth),
		Attributes:            d.attributes(),
	}
	for _, t := range d.Times {
		s.TimeDescriptions = append(s.TimeDescriptions,
			pion.TimeDescription{Timing: pion.Timing{StartTime: t.Start, StopTime: t.Stop}})
	}
	if len(d.Times) == 0 {
		s.TimeDescriptions = []pion.TimeDescription{{}}
	}
	for i := range d.Media {
		s.MediaDescriptions = append(s.MediaDescriptions, d.Media[i].pion())
	}
	text, err := s.Marshal()
	if err != nil { // pion builds it in memory and has nothing that could fail
		return nil
	}
	return text
}

func (d *Description) attributes() []pion.Attribute {
	var all attributeList
	all.property(d.Direction.String())
	all.value("record", d.Record.String())
	all.value("recordpref", d.RecordPreference.String())
	all.text(d.Attributes)
	return all
}

func (m *Media) pion() *pion.MediaDescription {
	name := pion.MediaName{
		Media:  token(m.Kind),
		Port:   pion.RangedPort{Value: int(m.Port)},
		Protos: []string{token(m.Proto)},
	}
	if m.Ports > 0 {
		name.Port.Range = &m.Ports
	}
	for _, p := range m.PayloadTypes {
		name.Formats = append(name.Formats, strconv.Itoa(int(p.Number)))
	}
	for _, f := range m.Formats {
		name.Formats = append(name.Formats, token(f))
	}
	if len(name.Formats) == 0 {
		name.Formats = []string{"0"} // at least one must be there (RFC 8866, section 9)
	}
	return &pion.MediaDescription{
		MediaName:             name,
		ConnectionInformation: m.Connection.pion(),
		Bandwidth:             pionBandwidth(m.Bandwidth),
		Attributes:            m.attributes(),
	}
}

func (m *Media) attributes() []pion.Attribute {
	var all attributeList
	for _, p := range m.PayloadTypes {
		number := strconv.Itoa(int(p.Number))
		if p.Name != "" {
			mapping := number + " " + p.Name + "/" + strconv.Itoa(p.ClockRate)
			if p.Channels > 1 {
				mapping += "/" + strconv.Itoa(p.Channels)
			}
			all.value("rtpmap", mapping)
		}
		if p.Parameters != "" {
			all.value("fmtp", number+" "+p.Parameters)
		}
	}
	all.value("ptime", milliseconds(m.PacketTime))
	all.value("maxptime", milliseconds(m.MaxPacketTime))
	all.property(m.Direction.String())
	all.value("rtcp", m.RTCP.text())
	if m.Mux {
		all.property("rtcp-mux")
	}
	for _, e := range m.Extensions {
		all.value("extmap", e.text())
	}
	all.value("label", m.Label)
	all.value("content", m.Content)
	all.value("record", m.Record.String())
	all.value("recordpref", m.RecordPreference.String())
	all.text(m.Attributes)
	return all
}

// attributeList collects a= lines; what is empty is left out.
type attributeList []pion.Attribute

func (l *attributeList) property(name string) {
	if name != "" {
		*l = append(*l, pion.Attribute{Key: clean(name)})
	}
}

func (l *attributeList) value(name, value string) {
	if value != "" {
		*l = append(*l, pion.Attribute{Key: clean(name), Value: clean(value)})
	}
}

func (l *attributeList) text(attributes []Attribute) {
	for _, a := range attributes {
		*l = append(*l, pion.Attribute{Key: clean(a.Name), Value: clean(a.Value)})
	}
}

func (c Connection) pion() *pion.ConnectionInformation {
	if c == (Connection{}) {
		return nil
	}
	text := token(c.Host)
	if c.Address.IsValid() {
		text = c.Address.String()
	}
	if c.Scope != "" {
		text += "/" + token(c.Scope)
	}
	return &pion.ConnectionInformation{
		NetworkType: "IN",
		AddressType: addressType(c.IPv6 || c.Address.Is6()),
		Address:     &pion.Address{Address: text},
	}
}

func pionBandwidth(lines []Bandwidth) []pion.Bandwidth {
	all := make([]pion.Bandwidth, 0, len(lines))
	for _, b := range lines {
		all = append(all, pion.Bandwidth{Type: b.Type, Bandwidth: b.Value})
	}
	return all
}

func (r RTCP) text() string {
	if r.Port == 0 {
		return ""
	}
	text := strconv.Itoa(int(r.Port))
	if r.Address.IsValid() {
		text += " IN " + addressTypeOf(r.Address) + " " + r.Address.String()
	}
	return text
}

func (e Extension) text() string {
	text := strconv.Itoa(int(e.ID))
	if e.Direction != Unspecified {
		text += "/" + e.Direction.String()
	}
	text += " " + e.URI
	if e.Parameters != "" {
		text += " " + e.Parameters
	}
	return text
}

func milliseconds(d time.Duration) string {
	if d < time.Millisecond {
		return ""
	}
	return strconv.FormatInt(d.Milliseconds(), 10)
}

func addressType(ipv6 bool) string {
	if ipv6 {
		return addressIP6
	}
	return addressIP4
}

func addressTypeOf(address netip.Addr) string { return addressType(address.Is6()) }

// clean makes a blank of each octet that would end a line.
func clean(text string) string {
	if !strings.ContainsAny(text, "\r\n\x00") {
		return text
	}
	return strings.NewReplacer("\r", " ", "\n", " ", "\x00", " ").Replace(text)
}

// tidy is clean without blanks around, as Parse reads it.
func tidy(text string) string { return strings.TrimSpace(clean(text)) }

// token is a word of a line with several.
func token(text string) string {
	return orDash(strings.Join(strings.Fields(clean(text)), ""))
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
