package codecs

import (
	"reflect"
	"testing"
	"unsafe"
)

// Anything but the layout that is known is refused, so that a new version of the binding costs forks, and not memory safety.
func TestSameLayout(t *testing.T) {
	known := reflect.TypeFor[opusEncoderMirror]()
	for _, tc := range []struct {
		name  string
		other reflect.Type
		want  bool
	}{
		{"itself", known, true},
		{"typed pointer", reflect.TypeFor[struct {
			p        *int
			channels int
			mem      []byte
		}](), true},
		{"other order", reflect.TypeFor[struct {
			channels int
			p        unsafe.Pointer
			mem      []byte
		}](), false},
		{"other element", reflect.TypeFor[struct {
			p        unsafe.Pointer
			channels int
			mem      []int16
		}](), false},
		{"integer for a pointer", reflect.TypeFor[struct {
			p        uintptr
			channels int
			mem      []byte
		}](), false},
		{"a field more", reflect.TypeFor[struct {
			p        unsafe.Pointer
			channels int
			mem      []byte
			more     struct{}
		}](), false},
		{"the decoder", reflect.TypeFor[opusDecoderMirror](), false},
	} {
		if got := sameLayout(tc.other, known); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}

// State is copied only between blocks of one size that are where the pointers say.
func TestCopyState(t *testing.T) {
	a, b, c := []byte{1, 2, 3}, []byte{4, 5, 6}, []byte{7}
	at := func(s []byte) unsafe.Pointer { return unsafe.Pointer(&s[0]) }
	if copyState(at(a), a, at(c), c) || copyState(at(b), a, at(b), b) || copyState(at(a), a, at(a), b) || copyState(nil, nil, nil, nil) {
		t.Error("copied what does not fit")
	}
	if a[0] != 1 || !copyState(at(a), a, at(b), b) || a[0] != 4 {
		t.Errorf("state is %v", a)
	}
}
