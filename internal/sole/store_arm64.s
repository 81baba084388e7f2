//go:build !race

#include "textflag.h"

// func Store(v *atomic.Uint64, to uint64)
TEXT ·Store(SB), NOSPLIT, $0-16
	MOVD v+0(FP), R0
	MOVD to+8(FP), R1
	MOVD R1, (R0)
	RET

// func StoreInt(v *atomic.Int64, to int64)
TEXT ·StoreInt(SB), NOSPLIT, $0-16
	MOVD v+0(FP), R0
	MOVD to+8(FP), R1
	MOVD R1, (R0)
	RET
