package sipua

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// ErrURI says that a string is no URI.
var ErrURI = errors.New("malformed URI")

// URI is a SIP or SIPS URI (RFC 3261, section 19.1), or any other URI, of which
// only Scheme and Opaque are set. URIs are values; the zero value is no URI.
type URI struct {
	// Scheme is in lower case: "sip", "sips", "tel", …
	Scheme string
	// User is the user part as written, with its escapes; "" when there is none.
	User string
	// Password is the password as written, or "".
	Password string
	// Host is a domain name, an IPv4 address, or an IPv6 address without
	// brackets.
	Host string
	// Port is 0 when it is not given.
	Port uint16
	// Params are the URI parameters.
	Params Params
	// Headers is the part after the question mark, as written.
	Headers string
	// Opaque is all that follows the colon of a URI that is neither SIP nor SIPS.
	Opaque string
}

// ParseURI parses a URI. The error wraps ErrURI. URIs of other schemes than sip
// and sips are not looked into.
func ParseURI(s string) (URI, error) {
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || scheme == "" || rest == "" || !isAll(scheme, isSchemeChar) {
		return URI{}, fmt.Errorf("%w: no scheme in %s", ErrURI, clip(s))
	}
	if !isAll(rest, isGraphic) {
		return URI{}, fmt.Errorf("%w: space or control character in %s", ErrURI, clip(s))
	}
	uri := URI{Scheme: strings.ToLower(scheme)}
	if !uri.IsSIP() {
		uri.Opaque = rest
		return uri, nil
	}
	rest = uri.parseUser(rest)
	if rest == "" {
		return URI{}, fmt.Errorf("%w: no user or host in %s", ErrURI, clip(s))
	}
	rest, uri.Headers, _ = strings.Cut(rest, "?")
	hostPort, params, hasParams := strings.Cut(rest, ";")
	if err := uri.parseHostPort(hostPort); err != nil {
		return URI{}, err
	}
	if hasParams {
		var err error
		if uri.Params, err = parseParams(params); err != nil {
			return URI{}, fmt.Errorf("%w: %w", ErrURI, err)
		}
		for _, param := range uri.Params {
			// There is no quoting in a URI: what needs it cannot be written.
			if !isAll(param.Name+param.Value, isURIParamChar) {
				return URI{}, fmt.Errorf("%w: bad parameter in %s", ErrURI, clip(s))
			}
		}
	}
	return uri, nil
}

// parseUser takes the user part off and returns the rest. The user part may
// itself contain semicolons and question marks, but no "@".
func (u *URI) parseUser(s string) string {
	userInfo, rest, ok := strings.Cut(s, "@")
	if !ok {
		return s
	}
	// An "@" that belongs to the headers, as in sip:host?Subject=a@b, has no
	// meaning as a separator; a user with a question mark does.
	u.User, u.Password, _ = strings.Cut(userInfo, ":")
	if u.User == "" {
		return ""
	}
	return rest
}

func (u *URI) parseHostPort(s string) error {
	var host, port string
	switch {
	case strings.HasPrefix(s, "["):
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return fmt.Errorf("%w: no closing bracket in %s", ErrURI, clip(s))
		}
		host, port = s[1:end], s[end+1:]
		addr, err := netip.ParseAddr(host)
		if err != nil || !addr.Is6() {
			return fmt.Errorf("%w: bad IPv6 address %s", ErrURI, clip(s))
		}
		if port != "" && port[0] != ':' {
			return fmt.Errorf("%w: text after the bracket in %s", ErrURI, clip(s))
		}
		port = strings.TrimPrefix(port, ":")
		if port == "" && strings.HasSuffix(s, ":") {
			return fmt.Errorf("%w: empty port in %s", ErrURI, clip(s))
		}
	default:
		var colon bool
		host, port, colon = strings.Cut(s, ":")
		if host == "" || !isAll(host, isHostChar) || colon && port == "" {
			return fmt.Errorf("%w: bad host in %s", ErrURI, clip(s))
		}
	}
	u.Host = host
	if port == "" {
		return nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return fmt.Errorf("%w: bad port in %s", ErrURI, clip(s))
	}
	u.Port = uint16(n)
	return nil
}

// IsZero reports whether the URI is the zero value.
func (u URI) IsZero() bool { return u.Scheme == "" && u.Host == "" && u.Opaque == "" }

// IsSIP reports whether the scheme is sip or sips.
func (u URI) IsSIP() bool { return u.Scheme == "sip" || u.Scheme == "sips" }

// Param returns the value of a URI parameter, or "".
func (u URI) Param(name string) string {
	value, _ := u.Params.Get(name)
	return value
}

// With returns a copy of the URI with the parameter set.
func (u URI) With(name, value string) URI {
	u.Params = u.Params.With(name, value)
	return u
}

// Bare returns scheme, user, host and port alone: what identifies a
// conference or a user.
func (u URI) Bare() URI {
	return URI{Scheme: u.Scheme, User: u.User, Host: u.Host, Port: u.Port, Opaque: u.Opaque}
}

// String renders the URI.
func (u URI) String() string {
	if u.IsZero() {
		return ""
	}
	if u.Opaque != "" {
		return u.Scheme + ":" + u.Opaque
	}
	var b strings.Builder
	b.WriteString(u.Scheme)
	b.WriteByte(':')
	if u.User != "" {
		b.WriteString(u.User)
		if u.Password != "" {
			b.WriteByte(':')
			b.WriteString(u.Password)
		}
		b.WriteByte('@')
	}
	b.WriteString(bracket(u.Host))
	if u.Port != 0 {
		b.WriteByte(':')
		b.WriteString(strconv.Itoa(int(u.Port)))
	}
	u.Params.write(&b, isURIParamChar)
	if u.Headers != "" {
		b.WriteByte('?')
		b.WriteString(u.Headers)
	}
	return b.String()
}

// Equal compares two URIs by the rules of RFC 3261, section 19.1.4: user and
// password exactly, the rest without regard to case; user, ttl, method, maddr
// and transport must be in both or in neither, other parameters only agree
// where both have them. Headers are compared as written.
func (u URI) Equal(other URI) bool {
	if u.Scheme != other.Scheme || u.Opaque != other.Opaque || unescape(u.User) != unescape(other.User) ||
		u.Password != other.Password || !strings.EqualFold(u.Host, other.Host) || u.Port != other.Port ||
		u.Headers != other.Headers {
		return false
	}
	return u.Params.agree(other.Params) && other.Params.agree(u.Params)
}

func (p Params) agree(other Params) bool {
	for _, param := range p {
		value, ok := other.Get(param.Name)
		significant := slices.ContainsFunc([]string{"user", "ttl", "method", "maddr", "transport"}, func(name string) bool {
			return strings.EqualFold(name, param.Name)
		})
		if ok && !strings.EqualFold(value, param.Value) || !ok && significant {
			return false
		}
	}
	return true
}

// IsTel reports whether it is a tel URI (RFC 3966), which names somebody, but no way to him.
func (u URI) IsTel() bool { return u.Scheme == "tel" }

// UserPart returns the user part with its escapes taken out: of a tel URI the number, without the separators that are for the eye, and without
// parameters (RFC 3966, sections 3 and 5).
func (u URI) UserPart() string {
	if u.IsTel() {
		number, _, _ := strings.Cut(u.Opaque, ";")
		return strings.NewReplacer("-", "", ".", "", "(", "", ")", "").Replace(unescape(number))
	}
	return unescape(u.User)
}

// unescape replaces %HH; what is no valid escape stays.
func unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// bracket puts an IPv6 address into brackets.
func bracket(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

func isSchemeChar(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.'
}

func isHostChar(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_'
}

// isGraphic excludes space, control characters and what ends a name-addr.
func isGraphic(c byte) bool { return c > ' ' && c != 0x7f && c != '<' && c != '>' && c != '"' }

// clip keeps foreign text in errors short.
func clip(s string) string {
	const longest = 60
	if len(s) > longest {
		return strconv.Quote(s[:longest]) + "…"
	}
	return strconv.Quote(s)
}
