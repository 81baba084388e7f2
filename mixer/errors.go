package mixer

import (
	"errors"
	"fmt"
)

// What callers ask an error of this package for. They come wrapped: use errors.Is.
var (
	// ErrClosed: the engine or the mix has been closed.
	ErrClosed = errors.New("mixer: closed")
	// ErrStarted: the engine has been started already.
	ErrStarted = errors.New("mixer: already started")
	// ErrConfig: a field of a [Config] is out of its range.
	ErrConfig = errors.New("mixer: invalid configuration")
	// ErrDuplicateMember: two members of a layout have the same identifier.
	ErrDuplicateMember = errors.New("mixer: duplicate member")
	// ErrNoDirection: a member has neither an input nor an output.
	ErrNoDirection = errors.New("mixer: member with neither input nor output")
	// ErrFormat: the format of a member's output cannot be encoded. The error of package codecs is wrapped beside it.
	ErrFormat = errors.New("mixer: format cannot be encoded")
	// ErrGain: a gain is not a number or beyond [MaxGainDB].
	ErrGain = errors.New("mixer: gain out of range")
	// ErrSound: a [Sound] has a value out of its range.
	ErrSound = errors.New("mixer: sound out of range")
	// ErrHearing: the mode of a member's hearing is none of this package.
	ErrHearing = errors.New("mixer: unknown hearing mode")
	// ErrNoMember: the mix has no such member.
	ErrNoMember = errors.New("mixer: no such member")
)

// LayoutError says which member of a [Layout] is at fault. Err is one of the sentinels of this package.
type LayoutError struct {
	// Member at fault.
	Member MemberID
	// Err is what is wrong with it.
	Err error
}

// Error implements error.
func (e *LayoutError) Error() string { return fmt.Sprintf("member %d: %v", e.Member, e.Err) }

// Unwrap returns the cause.
func (e *LayoutError) Unwrap() error { return e.Err }
