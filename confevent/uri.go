package confevent

import "strings"

// safeURI makes s a URI that passes as xs:anyURI with validators that hold it to
// RFC 3986: white space and stray signs are percent-encoded, also the brackets of
// an IPv6 address in a SIP URI, which that grammar allows only after "//". What is
// a valid URI already stays the same octet for octet, since URIs are keys
// (RFC 4575, section 4.5).
func safeURI(s string) string {
	s = safeText(s)
	if plainURI(s) {
		return s
	}
	scheme, rest := splitScheme(s)
	authority := ""
	if strings.HasPrefix(rest, "//") {
		end := strings.IndexAny(rest[2:], "/?#")
		if end < 0 {
			end = len(rest) - 2
		}
		authority, rest = "//"+safeAuthority(rest[2:2+end]), rest[2+end:]
	}
	var b strings.Builder
	b.WriteString(scheme)
	b.WriteString(authority)
	fragment := false
	// Without a scheme a colon in the first segment would look like one.
	colon := scheme == "" && authority == ""
	for i := range len(rest) {
		c := rest[i]
		if c == '/' || c == '?' {
			colon = false
		}
		switch {
		case c == '%' && !escaped(rest[i:]), c == '#' && fragment, c == ':' && colon && !fragment, !uriChar(c):
			escape(&b, c)
		default:
			b.WriteByte(c)
		}
		fragment = fragment || c == '#'
	}

	return b.String()
}

// plainURI reports whether s is a URI as nearly all are: a scheme and then only
// characters that mean the same everywhere.
func plainURI(s string) bool {
	scheme, rest := splitScheme(s)
	if scheme == "" || strings.HasPrefix(rest, "//") {
		return s == ""
	}
	for i := range len(rest) {
		if c := rest[i]; c == '%' || c == '#' || !uriChar(c) {
			return false
		}
	}

	return true
}

// splitScheme splits "sip:" off, and gives no scheme where there is none.
func splitScheme(s string) (scheme, rest string) {
	for i := range len(s) {
		c := s[i]
		switch {
		case c == ':' && i > 0:
			return s[:i+1], s[i+1:]
		case isAlpha(c), i > 0 && (isDigit(c) || c == '+' || c == '-' || c == '.'):
		default:
			return "", s
		}
	}

	return "", s
}

// safeAuthority keeps user, host and port of a URI with "//" where they are well
// formed and encodes all delimiters where they are not.
func safeAuthority(s string) string {
	user, host := "", s
	at := strings.LastIndexByte(s, '@')
	if at >= 0 {
		user, host = s[:at], s[at+1:]
	}
	name, port := host, ""
	if colon := strings.LastIndexByte(host, ':'); colon > strings.LastIndexByte(host, ']') {
		name, port = host[:colon], host[colon+1:]
	}
	for _, c := range []byte(port) {
		if !isDigit(c) {
			name, port = host, ""
		}
	}
	if len(port) > 5 {
		name, port = host, ""
	}
	var b strings.Builder
	if at >= 0 {
		escapeAll(&b, user, ":")
		b.WriteByte('@')
	}
	if inner, ok := strings.CutPrefix(name, "["); ok && isIPv6(inner) {
		b.WriteString(name)
	} else {
		escapeAll(&b, name, "")
	}
	if port != "" {
		b.WriteString(":" + port)
	}

	return b.String()
}

// isIPv6 reports whether s is the inside and the closing bracket of an IPv6 literal, by its alphabet.
func isIPv6(s string) bool {
	inner, ok := strings.CutSuffix(s, "]")
	if !ok || inner == "" || !strings.Contains(inner, ":") {
		return false
	}

	return strings.Trim(inner, "0123456789abcdefABCDEF:.") == ""
}

// escapeAll writes s with every character encoded that a host name or user may not have.
func escapeAll(b *strings.Builder, s, extra string) {
	for i := range len(s) {
		c := s[i]
		reserved := strings.IndexByte(":@/?#[]", c) >= 0 && strings.IndexByte(extra, c) < 0
		if reserved || !uriChar(c) || c == '%' && !escaped(s[i:]) {
			escape(b, c)
		} else {
			b.WriteByte(c)
		}
	}
}

// uriChar reports whether c may stand in a URI somewhere behind the authority:
// the unreserved and reserved sets without brackets (RFC 3986, section 2), the
// percent sign, and octets of UTF-8, which xs:anyURI takes as they are.
func uriChar(c byte) bool {
	return isAlpha(c) || isDigit(c) || c >= 0x80 || strings.IndexByte("-._~:/?#@!$&'()*+,;=%", c) >= 0
}

func escaped(s string) bool { return len(s) >= 3 && isHex(s[1]) && isHex(s[2]) }

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

func escape(b *strings.Builder, c byte) {
	const digits = "0123456789ABCDEF"
	b.WriteByte('%')
	b.WriteByte(digits[c>>4])
	b.WriteByte(digits[c&15])
}
