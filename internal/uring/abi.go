package uring

// What follows is of linux/io_uring.h, as far as it is used.

const (
	offsetRings   = 0
	offsetEntries = 0x10000000

	setupSubmitAll = 1 << 7 // one request that fails does not keep the others back

	featureSingleMap = 1 << 0 // both rings are one mapping
	featureNoDrop    = 1 << 1

	enterGetEvents = 1 << 0

	opNop     = 0
	opSendMsg = 9
	opRecvMsg = 10
	opSend    = 26
)

// params is struct io_uring_params.
type params struct {
	entries, completions uint32
	flags                uint32
	cpu, idle            uint32
	features             uint32
	queue                uint32
	_                    [3]uint32
	submission           submissionOffsets
	completion           completionOffsets
}

type submissionOffsets struct {
	head, tail, mask, entries, flags, dropped, array uint32
	_                                                uint32
	_                                                uint64
}

type completionOffsets struct {
	head, tail, mask, entries, overflow, completions, flags uint32
	_                                                       uint32
	_                                                       uint64
}

// request is struct io_uring_sqe.
type request struct {
	op       uint8
	flags    uint8
	priority uint16
	fd       int32
	offset   uint64
	address  uint64
	size     uint32
	opFlags  uint32 // MSG_DONTWAIT and the like
	tag      uint64
	_        [3]uint64
}

// completion is struct io_uring_cqe.
type completion struct {
	tag    uint64
	result int32
	flags  uint32
}
