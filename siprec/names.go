package siprec

// Names of the protocol (RFC 7866, section 11).
const (
	// OptionTag is the SIP option tag that a recording session requires.
	OptionTag = "siprec"
	// OptionRecordAware is the option tag of a phone that understands a=record.
	OptionRecordAware = "record-aware"
	// FeatureTag is the Contact header parameter of a recording client, without value
	// and outside the angle brackets, in every request and response of the dialog.
	FeatureTag = "+sip.src"
	// FeatureTagServer is that of a recording server.
	FeatureTagServer = "+sip.srs"
)
