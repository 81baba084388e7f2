package srs

import "sync/atomic"

// Stats is what a Server has counted since it was made.
type Stats struct {
	// Recordings and Streams go on now.
	Recordings, Streams int
	Totals

	// Octets were received from the network, RTP and RTCP.
	Octets uint64
	// Accepted sessions were taken, Refused were not, Failed could not be written to the end.
	Accepted, Refused, Failed uint64
	// Deleted recordings had been kept long enough.
	Deleted uint64
	// Free is how many octets the disk has left; DiskLow says that it is less than it should be.
	Free    int64
	DiskLow bool
}

// Totals are sums over all streams.
type Totals struct {
	Packets, Lost, Late, Discarded uint64
}

type totals struct {
	octets, accepted, refused, failed atomic.Uint64
	packets, lost, late, discarded    atomic.Uint64
	streams                           atomic.Int64
}

// total adds what has come since the last time to the totals of the server.
func (r *recording) total() {
	var now Totals
	for _, s := range r.streams {
		now.Packets += s.report.Packets
		now.Lost += s.report.Lost
		now.Late += s.report.Late
		now.Discarded += s.report.Discarded
	}
	t := &r.server.totals
	t.packets.Add(now.Packets - r.counted.Packets)
	t.lost.Add(now.Lost - r.counted.Lost)
	t.late.Add(now.Late - r.counted.Late)
	t.discarded.Add(now.Discarded - r.counted.Discarded)
	r.counted = now
}

// Stats returns the counters.
func (s *Server) Stats() Stats {
	t := &s.totals

	return Stats{
		Recordings: len(s.active()), Streams: int(t.streams.Load()),
		Totals: Totals{Packets: t.packets.Load(), Lost: t.lost.Load(), Late: t.late.Load(), Discarded: t.discarded.Load()},
		Octets: t.octets.Load(), Accepted: t.accepted.Load(), Refused: t.refused.Load(), Failed: t.failed.Load(),
		Deleted: s.keeper.deleted.Load(), Free: s.keeper.free.Load(), DiskLow: s.keeper.low.Load(),
	}
}

// Library is the directory of the recordings.
func (s *Server) Library() Library { return s.keeper.library }
