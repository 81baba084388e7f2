package prefetch

import "unsafe"

// lineSize is that of the processors we know; larger lines are asked for twice, which costs little.
const lineSize = 64

// Value asks for all of a value; nil for nothing. It changes nothing, and waits for nothing, as all functions here.
func Value[T any](p *T) { Lines(unsafe.Pointer(p), unsafe.Sizeof(*p)) } //nolint:gosec // an address, nothing is read

// Between asks for what lies from the beginning of one field of a struct to the end of a later one.
func Between[A, B any](first *A, last *B) {
	from, to := unsafe.Pointer(first), uintptr(unsafe.Pointer(last))+unsafe.Sizeof(*last) //nolint:gosec // addresses, nothing is read
	if to > uintptr(from) {
		Lines(from, to-uintptr(from))
	}
}

// Span is a part of a struct.
type Span struct{ offset, size uintptr }

// SpanOf is the part from the beginning of one field of a struct to the end of a later one.
func SpanOf[T, A, B any](whole *T, first *A, last *B) Span {
	from, to := uintptr(unsafe.Pointer(first)), uintptr(unsafe.Pointer(last))+unsafe.Sizeof(*last) //nolint:gosec // addresses, nothing is read
	return Span{offset: from - uintptr(unsafe.Pointer(whole)), size: to - from}                    //nolint:gosec // the same
}

// Part asks for a part of a struct; nil for nothing. Unlike with [Between], the struct need not be there yet: the compiler has the address of a field of
// what is not nil checked by reading it.
func Part[T any](p *T, s Span) {
	if p != nil {
		Lines(unsafe.Add(unsafe.Pointer(p), s.offset), s.size) //nolint:gosec // an address, nothing is read
	}
}

// Slice asks for the elements of a slice.
func Slice[T any](s []T) {
	var one T
	Lines(unsafe.Pointer(unsafe.SliceData(s)), uintptr(len(s))*unsafe.Sizeof(one)) //nolint:gosec // an address, nothing is read
}

// Lines asks for the lines that hold size octets at p, which may be nil.
func Lines(p unsafe.Pointer, size uintptr) {
	if p == nil || size == 0 {
		return
	}
	first := uintptr(p) &^ (lineSize - 1)
	lines(p, (uintptr(p)+size-first+lineSize-1)/lineSize)
}
