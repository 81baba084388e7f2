package sipua

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

const (
	// lookupTimeout is how long all questions about one URI may take.
	lookupTimeout = 5 * time.Second
	// maxTargets bounds what DNS can make us try.
	maxTargets = 16
)

// resolver asks DNS. Host names come from /etc/hosts as well.
type resolver struct {
	servers []string // host:port; empty: those of the system
	system  *net.Resolver
}

func newResolver(servers []string) *resolver {
	r := &resolver{servers: servers, system: net.DefaultResolver}
	if len(servers) > 0 {
		r.system = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var dialer net.Dialer
			var failed error
			for _, server := range servers {
				conn, err := dialer.DialContext(ctx, network, server)
				if err == nil {
					return conn, nil
				}
				failed = err
			}
			return nil, failed
		}}
	} else if system, err := dns.ClientConfigFromFile("/etc/resolv.conf"); err == nil {
		for _, server := range system.Servers {
			r.servers = append(r.servers, net.JoinHostPort(server, system.Port))
		}
	}
	return r
}

// host returns the addresses of a host.
func (r *resolver) host(ctx context.Context, host string) ([]netip.Addr, error) {
	addresses, err := r.system.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it was looking for
	}
	return addresses, nil
}

// service returns the SRV records of a name, in the order in which to try them (RFC
// 2782).
func (r *resolver) service(ctx context.Context, name string) []*net.SRV {
	_, records, err := r.system.LookupSRV(ctx, "", "", strings.TrimSuffix(name, ".")+".")
	if err != nil {
		return nil
	}
	return records
}

// pointer is a NAPTR record that leads to SRV (RFC 3263, section 4.1).
type pointer struct {
	Service, Replacement string
}

// pointers returns the NAPTR records of a domain, best first.
func (r *resolver) pointers(ctx context.Context, domain string) []pointer {
	question := new(dns.Msg)
	question.SetQuestion(dns.Fqdn(domain), dns.TypeNAPTR)
	for _, server := range r.servers {
		answer, err := exchange(ctx, question, server)
		if err != nil {
			continue
		}
		var records []*dns.NAPTR
		for _, record := range answer.Answer {
			if naptr, ok := record.(*dns.NAPTR); ok && strings.EqualFold(naptr.Flags, "s") {
				records = append(records, naptr)
			}
		}
		slices.SortStableFunc(records, func(x, y *dns.NAPTR) int {
			return cmp.Or(cmp.Compare(x.Order, y.Order), cmp.Compare(x.Preference, y.Preference))
		})
		pointers := make([]pointer, 0, len(records))
		for _, record := range records {
			pointers = append(pointers, pointer{Service: record.Service, Replacement: record.Replacement})
		}
		return pointers
	}
	return nil
}

// exchange asks one server, over TCP when the answer is too long for UDP.
func exchange(ctx context.Context, question *dns.Msg, server string) (*dns.Msg, error) {
	for _, network := range []string{"udp", "tcp"} {
		client := &dns.Client{Net: network, Timeout: lookupTimeout / 2}
		answer, _, err := client.ExchangeContext(ctx, question, server)
		if err != nil {
			return nil, err //nolint:wrapcheck // goes no further
		}
		if !answer.Truncated || network == "tcp" {
			return answer, nil
		}
	}
	return nil, ErrTransport
}
