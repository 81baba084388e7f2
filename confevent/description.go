package confevent

// Description is conference-description (RFC 4575, section 5.3): what the
// conference is and how it is reached. It changes rarely and is sent whole.
type Description struct {
	DisplayText string
	Subject     string
	FreeText    string
	// Keywords are words: white space inside one splits it.
	Keywords []string
	// ConfURIs are further ways to take part (RFC 4575, section 5.3.1).
	ConfURIs []URI
	// ServiceURIs are web pages, recordings and the like (RFC 4575, section 5.3.2).
	ServiceURIs []URI
	// MaximumUserCount is the limit of users; 0 means not told (RFC 4575, section 5.3.3).
	MaximumUserCount uint32
	// AvailableMedia are the media that the conference mixes, unique by label (RFC 4575, section 5.3.4).
	AvailableMedia []Medium
}

// Values of [URI.Purpose] (RFC 4575, sections 5.3.1 and 5.3.2).
const (
	PurposeParticipation = "participation"
	PurposeStreaming     = "streaming"
	PurposeWebPage       = "web-page"
	PurposeRecording     = "recording"
	PurposeEvent         = "event"
)

// A URI is an entry of a list of URIs, unique there by its URI.
type URI struct {
	URI         string
	DisplayText string
	Purpose     string
	// Modified tells who changed the entry and when.
	Modified *Execution
}

// A Medium is an entry of available-media (RFC 4575, section 5.3.4).
type Medium struct {
	// Label joins it with the Label of users' media.
	Label       string
	DisplayText string
	// Type is the media type of SDP: audio, video, text and so on.
	Type string
	// Status is the direction from the participants' point of view.
	Status MediaStatus
}

// Host is host-info (RFC 4575, section 5.4): who runs the conference.
type Host struct {
	DisplayText string
	WebPage     string
	URIs        []URI
}

// ConferenceState is conference-state (RFC 4575, section 5.5). It is sent whole.
type ConferenceState struct {
	// UserCount is the number of users, also of those not listed; nil means not told.
	UserCount *uint32
	// Active says that the conference can be joined by dialling in now; nil means not told.
	Active *bool
	// Locked says that nobody can join at present; nil means not told.
	Locked *bool
}
