//go:build !race

#include "textflag.h"

// func store(v unsafe.Pointer, to uint64)
TEXT ·store(SB), NOSPLIT, $0-16
	MOVD v+0(FP), R0
	MOVD to+8(FP), R1
	MOVD R1, (R0)
	RET
