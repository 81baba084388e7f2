package sdp

// Parse reads a session description. The error is a [StreamError] of [ErrMalformed].
func Parse(text []byte) (Description, error) {
	return Description{}, &StreamError{Index: -1, Err: ErrMalformed}
}

// Marshal writes the description with CRLF at the end of each line (RFC 8866, section 5).
func (d *Description) Marshal() []byte { return nil }

func answer(*Description, *Local) (Plan, error) { return Plan{}, ErrNoAudio }

func offer(*Local) Description { return Description{} }

func accept(*Description, *Description) (Plan, error) { return Plan{}, ErrNoAudio }
