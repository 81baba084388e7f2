package sdp

import "net/netip"

// DirectionOf is the direction of m= line i: its own, else that of the session, else sendrecv (RFC 3264, section 5.1).
func (d Description) DirectionOf(i int) Direction {
	if own := d.Media[i].Direction; own != Unspecified {
		return own
	}
	if d.Direction != Unspecified {
		return d.Direction
	}
	return SendRecv
}

// ConnectionOf is the c= line that holds for m= line i (RFC 8866, section 5.7).
func (d Description) ConnectionOf(i int) Connection {
	if own := d.Media[i].Connection; own != (Connection{}) {
		return own
	}
	return d.Connection
}

// RecordOf is the recording indication of m= line i; the media level overrides (RFC 7866, section 7.1.2).
func (d Description) RecordOf(i int) Record {
	if own := d.Media[i].Record; own != RecordUnspecified {
		return own
	}
	return d.Record
}

// RecordPreferenceOf is the recording preference of m= line i; the media level overrides (RFC 7866, section 7.3.2).
func (d Description) RecordPreferenceOf(i int) RecordPreference {
	if own := d.Media[i].RecordPreference; own != PreferenceUnspecified {
		return own
	}
	return d.RecordPreference
}

// Family is the address family of the first stream in use: the unspecified address of IPv4 or IPv6, or an invalid
// address if no stream has one. With it a caller who has both chooses Local.Address.
func (d Description) Family() netip.Addr {
	for i := range d.Media {
		c := d.ConnectionOf(i)
		if d.Media[i].Port == 0 || c == (Connection{}) {
			continue
		}
		if c.IPv6 || c.Address.Is6() && !c.Address.Is4In6() {
			return netip.IPv6Unspecified()
		}
		return netip.IPv4Unspecified()
	}
	return netip.Addr{}
}

// Values are the values of all attributes of that name, such as "crypto" (RFC 4568) or "fingerprint" (RFC 8122).
func (m Media) Values(name string) []string { return values(m.Attributes, name) }

// Values are the values of all session-level attributes of that name.
func (d Description) Values(name string) []string { return values(d.Attributes, name) }

func values(attributes []Attribute, name string) []string {
	var found []string
	for _, a := range attributes {
		if a.Name == name {
			found = append(found, a.Value)
		}
	}
	return found
}
