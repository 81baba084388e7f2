package sipua

// Trunk is how a peer is reached that is more than an address: by an outbound
// proxy, with an account, with a certificate. It is shared by the requests that
// use it.
type Trunk struct {
	// Route is the outbound proxy; zero: requests go where their URI leads. It
	// should have the parameter lr.
	Route URI
	// Credentials answer challenges of the peer; nil: they are not answered.
	Credentials *Credentials
	// Certificate names one of TLS.Clients; "": the usual one.
	Certificate string
	// From is who calls by this trunk; zero: who says so himself. The display name stays.
	From Address
	// Redirect tells whether a redirection to this URI may be followed; nil: none
	// is.
	Redirect func(URI) bool
}

// apply sends a request by the trunk.
func (t *Trunk) apply(o *outbound) {
	if t == nil {
		return
	}
	if !t.Route.IsZero() && len(o.routes) == 0 {
		o.routes = []Address{{URI: t.Route}}
	}
	if !t.From.URI.IsZero() {
		o.from.URI = t.From.URI
	}
	o.credentials, o.certificate, o.redirect = t.Credentials, t.Certificate, t.Redirect
}
