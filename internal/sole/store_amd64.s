//go:build !race

#include "textflag.h"

// func store(v unsafe.Pointer, to uint64)
TEXT ·store(SB), NOSPLIT, $0-16
	MOVQ v+0(FP), AX
	MOVQ to+8(FP), CX
	MOVQ CX, (AX)
	RET
