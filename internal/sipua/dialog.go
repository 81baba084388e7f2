package sipua

import "context"

// DialogID names a dialog from our own point of view (RFC 3261, section 12).
type DialogID struct {
	CallID    string
	LocalTag  string
	RemoteTag string
}

// Dialog is a call: a dialog made by INVITE. Its methods may be called from any
// goroutine.
type Dialog struct {
	id DialogID
}

// ID returns the identifier.
func (d *Dialog) ID() DialogID { return d.id }

// Local returns our side: From when we called, To when we were called, with tag.
func (d *Dialog) Local() Address { return Address{} }

// Remote returns the peer, with tag.
func (d *Dialog) Remote() Address { return Address{} }

// RemoteTarget returns the peer's Contact URI, which later requests may have
// changed (RFC 3261, section 12.2).
func (d *Dialog) RemoteTarget() URI { return URI{} }

// LocalTag returns our tag.
func (d *Dialog) LocalTag() string { return d.id.LocalTag }

// RemoteTag returns the peer's tag.
func (d *Dialog) RemoteTag() string { return d.id.RemoteTag }

// Allows reports whether the peer has listed this method in Allow. A peer that
// never sent Allow allows the methods of RFC 3261 alone.
func (d *Dialog) Allows(method string) bool { return false }

// Supports reports whether the peer has listed this option tag in Supported.
func (d *Dialog) Supports(option string) bool { return false }

// Done is closed when the dialog has ended.
func (d *Dialog) Done() <-chan struct{} { return nil }

// ReInvite sends an offer in a re-INVITE and returns the 2xx, which has been
// acknowledged. One offer is sent at a time; ReInvite waits for its turn, and
// for the end of an offer of the peer. After 491, and after 500 with
// Retry-After, it tries again (RFC 3261, section 14.1). After 408, 481 and no
// response the dialog is ended. Errors: *StatusError (the session stays as it
// was), ErrGlare, ErrNoOffer, ErrEnded, ErrTimeout, ErrTransport, and that of
// ctx.
func (d *Dialog) ReInvite(ctx context.Context, body Body) (*Response, error) { return nil, ErrEnded }

// Update sends an UPDATE (RFC 3311), with an offer or without a body, and
// returns the 2xx. It behaves as ReInvite does.
func (d *Dialog) Update(ctx context.Context, body Body) (*Response, error) { return nil, ErrEnded }

// Request sends any other request, such as INFO, NOTIFY or REFER, and returns
// the 2xx. Errors are those of ReInvite.
func (d *Dialog) Request(ctx context.Context, method string, body Body) (*Response, error) {
	return nil, ErrEnded
}

// Bye ends the dialog: it waits until our 2xx is acknowledged (RFC 3261, section
// 15), sends BYE with the header fields, such as Reason, and waits for the
// response. The handler is told EndLocal. It returns nil when the dialog had
// ended before. Errors: ErrTimeout, ErrTransport, and that of ctx; the dialog
// has ended in any case.
func (d *Dialog) Bye(ctx context.Context, headers ...Header) error { return nil }
