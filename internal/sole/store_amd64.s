//go:build !race

#include "textflag.h"

// func Store(v *atomic.Uint64, to uint64)
TEXT ·Store(SB), NOSPLIT, $0-16
	MOVQ v+0(FP), AX
	MOVQ to+8(FP), CX
	MOVQ CX, (AX)
	RET

// func StoreInt(v *atomic.Int64, to int64)
TEXT ·StoreInt(SB), NOSPLIT, $0-16
	MOVQ v+0(FP), AX
	MOVQ to+8(FP), CX
	MOVQ CX, (AX)
	RET
