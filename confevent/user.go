package confevent

import "time"

// A User is somebody in the conference, whatever devices he uses (RFC 4575, section 5.6).
type User struct {
	// Entity is the key: the URI of the user's identity, or an invented one with a host
	// under .invalid for one who asked for privacy.
	Entity string
	// State is Partial or Deleted only inside a partial roster.
	State       State
	DisplayText string
	// AssociatedAORs are further addresses of the user (RFC 4575, section 5.6.2).
	AssociatedAORs []URI
	// Roles are texts as "host" or "participant" (RFC 4575, section 5.6.3).
	Roles []string
	// Languages are tags of RFC 5646 in order of preference; others are left out when written.
	Languages []string
	// CascadedFocus is the conference URI of a user that is a focus itself (RFC 4575, section 5.6.5).
	CascadedFocus string
	Endpoints     []Endpoint
}

// An Endpoint is one signalling session of a user (RFC 4575, section 5.7).
type Endpoint struct {
	// Entity is the key among the user's endpoints: usually the Contact URI.
	Entity string
	// State is Partial or Deleted only inside a partial user.
	State       State
	DisplayText string
	// Referred tells who asked for this endpoint to be called, when and why (RFC 4575, section 5.7.2).
	Referred            *Execution
	Status              Status
	JoiningMethod       JoiningMethod
	JoiningInfo         *Execution
	DisconnectionMethod DisconnectionMethod
	DisconnectionInfo   *Execution
	Media               []Media
	// CallInfo identifies the dialog, to be shown only where the privacy policy allows (RFC 4575, section 5.7.9).
	CallInfo *CallInfo
}

// Media is one media stream of an endpoint (RFC 4575, section 5.8).
type Media struct {
	// ID is the key among the endpoint's media and stays the same over re-INVITEs.
	ID          string
	DisplayText string
	// Type is the media type of SDP.
	Type string
	// Label is that of the entry in AvailableMedia (RFC 4575, section 5.8.3).
	Label string
	// SrcID is the SSRC the endpoint sends with, in decimal (RFC 4575, section 5.8.4).
	SrcID string
	// Status is the direction from the endpoint's point of view: recvonly while it is muted.
	Status MediaStatus
}

// Execution says when something was done, why and by whom (RFC 4575, section 5.7.2).
type Execution struct {
	// When is written in UTC with milliseconds; the zero time means not told.
	When time.Time
	// Reason is free text; for a disconnection the value of a Reason header (RFC 3326).
	Reason string
	// By is the URI of the user that did it.
	By string
}

// CallInfo is the dialog of an endpoint (RFC 4575, section 5.7.9), in the terms of the focus.
type CallInfo struct {
	DisplayText string
	CallID      string
	FromTag     string
	ToTag       string
}
