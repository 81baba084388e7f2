package codecs

import (
	"reflect"
	"runtime"
	"sync"
	"unsafe"

	"gopkg.in/hraban/opus.v2"
)

// The state of libopus's encoders and decoders is one block of memory without pointers into itself, which may be copied
// (opus.h, opus_encoder_get_size and opus_encoder_init). The binding keeps that block in a Go slice that it does not export.
// The mirrors below are laid out as the binding's types are; they are used only if reflection says that this is so.

// opusEncoderMirror is laid out as opus.Encoder.
type opusEncoderMirror struct {
	p        unsafe.Pointer
	channels int
	mem      []byte
}

// opusDecoderMirror is laid out as opus.Decoder.
type opusDecoderMirror struct {
	p          unsafe.Pointer
	mem        []byte
	sampleRate int
	channels   int
}

//nolint:gochecknoglobals // facts about the binding that do not change, read only
var (
	opusEncoderKnown = sameLayout(reflect.TypeFor[opus.Encoder](), reflect.TypeFor[opusEncoderMirror]())
	opusDecoderKnown = sameLayout(reflect.TypeFor[opus.Decoder](), reflect.TypeFor[opusDecoderMirror]())
	// freshOpusDecoder is the state of a decoder that has decoded nothing.
	freshOpusDecoder = sync.OnceValue(func() *opus.Decoder {
		dec, err := opus.NewDecoder(Opus.SampleRate(), 1)
		if err != nil {
			return nil
		}

		return dec
	})
)

// sameLayout reports whether two structs have fields of the same kinds at the same places, all pointers being alike.
func sameLayout(a, b reflect.Type) bool {
	if a.Size() != b.Size() || a.NumField() != b.NumField() {
		return false
	}
	for i := range a.NumField() {
		if x, y := a.Field(i), b.Field(i); x.Offset != y.Offset || fieldKind(x.Type) != fieldKind(y.Type) {
			return false
		}
	}

	return true
}

// fieldKind tells apart what a mirror has to tell apart.
func fieldKind(t reflect.Type) string {
	switch t.Kind() { //nolint:exhaustive // the other kinds are what they are called
	case reflect.Pointer, reflect.UnsafePointer:
		return "pointer"
	case reflect.Slice:
		return "slice of " + t.Elem().Kind().String()
	default:
		return t.Kind().String()
	}
}

// copyOpusEncoder makes the state of dst that of src.
func copyOpusEncoder(dst, src *opus.Encoder) error {
	if !opusEncoderKnown {
		return ErrNotForkable
	}
	to, from := (*opusEncoderMirror)(unsafe.Pointer(dst)), (*opusEncoderMirror)(unsafe.Pointer(src)) //nolint:gosec // guarded by sameLayout
	if to.channels != from.channels || !copyState(to.p, to.mem, from.p, from.mem) {
		return ErrNotForkable
	}
	runtime.KeepAlive(dst)
	runtime.KeepAlive(src)

	return nil
}

// resetOpusDecoder makes the decoder forget everything: by copying a fresh state, or else by creating one.
func resetOpusDecoder(dec *opus.Decoder) {
	if fresh := freshOpusDecoder(); opusDecoderKnown && fresh != nil {
		to, from := (*opusDecoderMirror)(unsafe.Pointer(dec)), (*opusDecoderMirror)(unsafe.Pointer(fresh)) //nolint:gosec // guarded by sameLayout
		if to.channels == from.channels && copyState(to.p, to.mem, from.p, from.mem) {
			runtime.KeepAlive(dec)

			return
		}
	}
	var next opus.Decoder
	if next.Init(Opus.SampleRate(), 1) == nil {
		*dec = next
	}
}

// copyState copies one block of memory to another of the same size, each being where its pointer says.
func copyState(to unsafe.Pointer, dst []byte, from unsafe.Pointer, src []byte) bool {
	if len(dst) == 0 || len(dst) != len(src) || to != unsafe.Pointer(&dst[0]) || from != unsafe.Pointer(&src[0]) { //nolint:gosec // compared only
		return false
	}
	copy(dst, src)

	return true
}
