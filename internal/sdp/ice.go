package sdp

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// ICE are the credentials of one end (RFC 8839, section 5.4). The zero value: without ICE.
type ICE struct {
	Fragment, Password string
}

const (
	liteAttribute     = "ice-lite"
	fragmentAttribute = "ice-ufrag"
	passwordAttribute = "ice-pwd"
	optionsAttribute  = "ice-options"
	mismatchAttribute = "ice-mismatch"
	candidate         = "candidate"
	midAttribute      = "mid"
	groupAttribute    = "group"
	bundle            = "BUNDLE"
	discardPort       = 9 // of who will tell candidates later (RFC 8840, section 4.1.1)
)

// ICEOf are the credentials of m= line i, its own or those of the session; the zero value if there are none that can be used.
func (d Description) ICEOf(i int) ICE {
	ice := ICE{Fragment: d.attributeOf(i, fragmentAttribute), Password: d.attributeOf(i, passwordAttribute)}
	if len(ice.Fragment) < 4 || len(ice.Fragment) > 256 || len(ice.Password) < 22 || len(ice.Password) > 256 {
		return ICE{}
	}
	return ice
}

// lite tells that the peer only answers checks. As we do, too, there would be none, and its addresses hold as they stand.
func (d *Description) lite() bool {
	for _, a := range d.Attributes {
		if a.Name == liteAttribute {
			return true
		}
	}
	return false
}

// checks are the credentials of a peer that looks for a way to us, the zero value if none does. altered tells that somebody between us has
// written another address into the description, so that ICE would go round him (RFC 8839, section 5.3.2).
func (d *Description) checks(i int) (peer ICE, altered bool) {
	peer = d.ICEOf(i)
	if peer == (ICE{}) || d.lite() {
		return ICE{}, false
	}
	c, found := d.ConnectionOf(i), false
	lines := values(d.Media[i].Attributes, candidate)
	for _, line := range lines {
		fields := strings.Fields(line)
		if len(fields) < 6 || fields[1] != "1" {
			continue
		}
		address, err := netip.ParseAddr(fields[4])
		port, err2 := strconv.ParseUint(fields[5], 10, 16)
		found = found || err == nil && err2 == nil && address.WithZone("") == c.Address && uint16(port) == d.Media[i].Port
		found = found || err != nil && err2 == nil && uint16(port) == d.Media[i].Port // hides its address behind a name
	}
	if found || len(lines) == 0 || c.nowhere() || d.Media[i].Port == discardPort || !c.Address.IsValid() {
		return peer, false
	}
	return ICE{}, true
}

// addCandidates writes our credentials and where we are: at our address, one port per component (RFC 8839, section 5.1).
func (m *Media) addCandidates(own ICE, at netip.Addr, port, rtcp uint16, mux bool) {
	const priority = 126<<24 | 65535<<8 | 255 // of a host, the only one (RFC 8445, section 5.1.2)
	m.Attributes = append(m.Attributes,
		Attribute{Name: fragmentAttribute, Value: own.Fragment}, Attribute{Name: passwordAttribute, Value: own.Password})
	ports := []uint16{port}
	if !mux {
		ports = append(ports, rtcp)
	}
	for i, port := range ports {
		m.Attributes = append(m.Attributes, Attribute{
			Name: candidate, Value: fmt.Sprintf("1 %d UDP %d %v %d typ host", i+1, priority-i, at.Unmap().WithZone(""), port),
		})
	}
	m.Attributes = append(m.Attributes, Attribute{Name: "end-of-candidates"})
}

// rtcpPort is our port for reports that have one of their own.
func (s *LocalStream) rtcpPort() uint16 {
	if s.RTCPPort != 0 {
		return s.RTCPPort
	}
	return s.Port + 1
}

// addLite says at session level what our ICE is.
func (d *Description) addLite() {
	d.Attributes = append(d.Attributes, Attribute{Name: liteAttribute}, Attribute{Name: optionsAttribute, Value: "ice2"})
}

// agreeICE adds our end of ICE to line i of the answer, if the peer looks for a way to us.
func (a *answerer) agreeICE(i int, ours *LocalStream, s *Stream, media *Media) {
	if ours.ICE == (ICE{}) {
		return
	}
	peer, altered := a.offer.checks(i)
	switch {
	case altered:
		media.Attributes = append(media.Attributes, Attribute{Name: mismatchAttribute})
	case peer != (ICE{}):
		s.ICE = peer
		s.RemoteDirection = a.offer.DirectionOf(i) // the address is a place holder
		media.addCandidates(ours.ICE, a.local.Address, ours.Port, ours.rtcpPort(), s.Mux)
	}
}

// usesICE tells whether line i will have ICE, so that the address in it means nothing.
func (a *answerer) usesICE(i int, ours *LocalStream) bool {
	peer, _ := a.offer.checks(i)
	return ours.ICE != (ICE{}) && peer != (ICE{})
}

// finish adds to the answer what is about all lines: ICE, and which lines share a transport. One audio stream does (RFC 9143, section
// 7.3), alone.
func (a *answerer) finish() {
	for _, s := range a.plan.Streams {
		if s.ICE != (ICE{}) {
			a.plan.Answer.addLite()
			break
		}
	}
	for i := range a.plan.Answer.Media {
		if mid := values(a.offer.Media[i].Attributes, midAttribute); len(mid) > 0 {
			a.plan.Answer.Media[i].Attributes = append(a.plan.Answer.Media[i].Attributes, Attribute{Name: midAttribute, Value: tidy(mid[0])})
		}
	}
	for _, group := range values(a.offer.Attributes, groupAttribute) {
		fields := strings.Fields(group)
		if len(fields) == 0 || !strings.EqualFold(fields[0], bundle) {
			continue
		}
		if mids := a.bundled(fields[1:]); len(mids) > 0 {
			a.plan.Answer.Attributes = append(a.plan.Answer.Attributes, Attribute{Name: groupAttribute, Value: bundle + " " + mids[0]})
		}
	}
}

// bundled are those of the identification tags that we have accepted.
func (a *answerer) bundled(tags []string) []string {
	var all []string
	for _, s := range a.plan.Streams {
		for _, mid := range values(a.offer.Media[s.Index].Attributes, midAttribute) {
			for _, tag := range tags {
				if tag == strings.TrimSpace(mid) {
					all = append(all, tag)
				}
			}
		}
	}
	return all
}
