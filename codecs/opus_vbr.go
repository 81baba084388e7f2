package codecs

/*
#cgo pkg-config: opus
#include <opus.h>

// A function of variable arguments, which Go cannot call.
static int set_vbr(void *encoder, int on) {
	return opus_encoder_ctl((OpusEncoder *)encoder, OPUS_SET_VBR(on));
}
*/
import "C"

import (
	"fmt"
	"runtime"
	"unsafe"

	"gopkg.in/hraban/opus.v2"
)

// setConstantBitrate makes all packets of an encoder equally long, which the binding has no way to ask for.
func setConstantBitrate(enc *opus.Encoder) error {
	if !opusEncoderKnown {
		return ErrFormat
	}
	mirror := (*opusEncoderMirror)(unsafe.Pointer(enc))
	status := C.set_vbr(mirror.p, 0)
	runtime.KeepAlive(enc)
	if status != C.OPUS_OK {
		return fmt.Errorf("%w: libopus says %d", ErrFormat, int(status))
	}

	return nil
}
