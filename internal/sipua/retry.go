package sipua

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
)

const (
	// maxChallenges is how often one request is sent again with credentials: to
	// a proxy, to the server, and once more when a nonce has become old.
	maxChallenges = 3
	// maxRedirects is how often a request follows a redirection.
	maxRedirects = 5
)

// retry prepares a request to be sent again after it failed, if there is another
// way: over a new connection when the one that was there has broken, with credentials (RFC 3261, section 22), at the next target (RFC 3263,
// section 4.3), or where it was redirected to (RFC 3261, section 8.1.3.4).
func (a *Agent) retry(ctx context.Context, o *outbound, response *Response, err error) bool {
	if ctx.Err() != nil || a.isClosed() {
		return false
	}
	switch {
	case response == nil:
		return a.renew(o, err) || a.failOver(o, err)
	case response.Status == 401 || response.Status == 407:
		return o.authenticate(response)
	case response.Status == 503:
		return a.failOver(o, fmt.Errorf("%w: 503 %s", ErrTransport, response.Reason))
	case response.Status/100 == 3:
		return o.follow(response)
	}
	return false
}

// renew has a request sent once more, over a new connection, when the one that was there before has broken: peers close idle ones, and firewalls
// forget them, without a word that comes in time. It is the same transaction, with the same branch: a peer that had taken the request before takes it for
// a repetition (RFC 3261, section 17.2.3).
func (a *Agent) renew(o *outbound, err error) bool {
	if o.renewed || !errors.Is(err, ErrTransport) {
		return false
	}
	to := o.sent
	if o.broken != nil {
		to = o.broken
	}
	if to == nil && len(o.ways) > 0 && o.ways[0].conn.IsValid() { // gone before it was written to
		to = &o.ways[0]
		to.reused = true
	}
	if to == nil || !reliable(to.transport) || !to.reused {
		return false
	}
	if conn, ok := a.streams.get(to.conn); ok {
		_ = conn.Close() // nobody is to get it any more
	}
	if o.released != nil {
		select {
		case <-o.released:
		case <-a.closed:
			return false
		}
	}
	o.renewed, o.sent, o.broken, o.ways = true, nil, nil, nil
	return true
}

// failOver goes on to the next target. The one that failed is tried last for a
// while.
func (a *Agent) failOver(o *outbound, err error) bool {
	if !errors.Is(err, ErrTimeout) && !errors.Is(err, ErrTransport) {
		return false
	}
	way := o.way()
	if way < 0 || o.inDialog() {
		return false
	}
	if a.speaksNoTCP(o, o.ways[way], err) {
		o.ways, o.datagram = o.ways[way:], true
		o.again()
		return true
	}
	if way == len(o.ways)-1 {
		return false
	}
	if _, news := a.down.add(o.ways[way].dialKey(), struct{}{}); news {
		a.log.Warn("a target is tried last for a while", slog.String("method", o.method), slog.String("transport", o.ways[way].transport),
			slog.String("address", o.ways[way].addr.String()), slog.Any("error", err))
	}
	o.ways = o.ways[way+1:]
	o.again()
	return true
}

// speaksNoTCP tells whether a request went over TCP for its size only, to somebody who took the connection and ended it without a word of SIP: then it goes over
// UDP, as where there is no connection (RFC 3261, section 18.1.1). So behave proxies of connections that have nobody behind them, and programs that have the port.
func (a *Agent) speaksNoTCP(o *outbound, wanted target, err error) bool {
	_, known := a.noTCP.get(wanted.addr.String())
	return known && !o.datagram && wanted.transport == overUDP && o.sent.transport == overTCP && errors.Is(err, ErrTransport)
}

// way is the index of the target that the request was sent to, -1 when none could
// be reached.
func (o *outbound) way() int {
	if o.sent == nil {
		return -1
	}
	return slices.IndexFunc(o.ways, func(to target) bool { return to.addr == o.sent.addr && to.domain == o.sent.domain })
}

// inDialog tells whether the request belongs to a dialog. Its target is the
// dialog's business.
func (o *outbound) inDialog() bool { return o.to.Tag() != "" }

// again makes the next attempt a new transaction.
func (o *outbound) again() { o.sent, o.branch = nil, "" }

// authenticate answers a challenge, at the same target.
func (o *outbound) authenticate(response *Response) bool {
	if o.credentials == nil || o.challenges >= maxChallenges || !o.credentials.learn(response, o.auth) {
		return false
	}
	o.challenges++
	if way := o.way(); way >= 0 {
		o.ways = o.ways[way:]
	}
	if o.cseq++; o.number != nil {
		o.cseq = o.number()
	}
	o.auth = nil
	o.again()
	return true
}

// follow goes where a 3xx says, best first by its q values, if that is allowed.
func (o *outbound) follow(response *Response) bool {
	if o.redirect == nil || o.redirects >= maxRedirects || o.inDialog() {
		return false
	}
	for _, contact := range contactsByPreference(response) {
		if !contact.URI.IsSIP() || slices.Contains(o.visited, contact.URI.String()) || !o.redirect(contact.URI) {
			continue
		}
		o.redirects++
		o.visited = append(o.visited, contact.URI.String())
		o.uri = contact.URI
		o.uri.Headers = ""
		o.routes, o.ways, o.cseq = nil, nil, o.cseq+1
		o.again()
		return true
	}
	return false
}

// contactsByPreference are the Contacts of a redirection (RFC 3261, section
// 20.10).
func contactsByPreference(response *Response) []Address {
	var list []Address
	for _, value := range response.Headers.List("Contact") {
		if contact, err := ParseAddress(value); err == nil {
			list = append(list, contact)
		}
	}
	slices.SortStableFunc(list, func(x, y Address) int {
		switch qx, qy := preference(x), preference(y); {
		case qx > qy:
			return -1
		case qx < qy:
			return 1
		}
		return 0
	})
	return list
}

// preference is the q value of a Contact; 1 when it has none.
func preference(contact Address) float64 {
	text, ok := contact.Params.Get("q")
	if !ok {
		return 1
	}
	q, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0
	}
	return q
}
