package srs

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"time"
)

// A dump is a file with the packets of a stream as they came, without their protection, in the format of rtpdump, which the rtptools
// read. It belongs to one goroutine.
type dump struct {
	file *os.File
	out  *bufio.Writer
	at   time.Time
	// notes tells that there are notes, last is the time of what was taken last; clock and agreed are the last notes of these.
	notes         bool
	last          time.Duration
	clock, agreed []byte
}

const (
	dumpMagic  = "#!rtpplay1.0 "
	dumpHeader = 16 // seconds, microseconds, address, port, padding
	dumpRecord = 8  // length with this, length of the packet or 0 for RTCP, milliseconds since the beginning
)

var errDump = errors.New("srs: not a dump of packets")

func createDump(name string, from netip.AddrPort, at time.Time) (*dump, error) {
	//nolint:gosec // a name made here in the configured directory
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return nil, err
	}
	address := from.Addr().Unmap()
	if !address.Is4() { // the format has no others
		address = netip.IPv4Unspecified()
	}
	head := fmt.Appendf(nil, "%s%v/%d\n", dumpMagic, address, from.Port())
	head = binary.BigEndian.AppendUint32(head, uint32(at.Unix()))            //nolint:gosec // until 2106
	head = binary.BigEndian.AppendUint32(head, uint32(at.Nanosecond()/1000)) //nolint:gosec // below a million
	octets := address.As4()
	head = append(head, octets[:]...)
	head = binary.BigEndian.AppendUint16(head, from.Port())
	head = append(head, 0, 0)
	d := &dump{file: file, out: bufio.NewWriterSize(file, audioBuffer), at: at}
	if _, err := d.out.Write(head); err != nil {
		return nil, errors.Join(err, file.Close())
	}

	return d, nil
}

// write keeps a packet. Nil keeps nothing.
func (d *dump) write(packet []byte, at time.Time) error {
	if d == nil {
		return nil
	}

	return d.record(packet, len(packet), at.Sub(d.at))
}

// control keeps an RTCP packet.
func (d *dump) control(packet []byte, at time.Duration) error { return d.record(packet, 0, at) }

func (d *dump) record(packet []byte, length int, at time.Duration) error {
	if len(packet) > 1<<16-1-dumpRecord {
		return nil
	}
	var head [dumpRecord]byte
	binary.BigEndian.PutUint16(head[:], uint16(len(packet)+dumpRecord))     //nolint:gosec // see above
	binary.BigEndian.PutUint16(head[2:], uint16(length))                    //nolint:gosec // see above
	binary.BigEndian.PutUint32(head[4:], uint32(max(0, at.Milliseconds()))) //nolint:gosec // of 12 hours at most
	if _, err := d.out.Write(head[:]); err != nil {
		return err
	}
	_, err := d.out.Write(packet)

	return err
}

func (d *dump) flush() error {
	if d == nil {
		return nil
	}

	return d.out.Flush()
}

func (d *dump) close() error {
	if d == nil {
		return nil
	}

	return errors.Join(d.out.Flush(), d.file.Sync(), d.file.Close())
}

// readDump gives every RTP packet of a dump with when it came, in order.
func readDump(name string, each func(packet []byte, at time.Time)) error {
	return readRecords(name, func(began time.Time, r record) error {
		if !r.control {
			each(r.data, began.Add(r.at))
		}

		return nil
	})
}

// A record is one of a dump: an RTP packet, or one of RTCP, and the time since the beginning of the dump.
type record struct {
	data    []byte
	at      time.Duration
	control bool
}

// readRecords gives every record of a dump, in order, with when the dump begins. One that is cut off at the end was being written when the process died.
func readRecords(name string, each func(began time.Time, r record) error) error {
	file, err := os.Open(name) //nolint:gosec // the file is what the caller wants to read
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // was only read
	in := bufio.NewReaderSize(file, audioBuffer)
	line, err := in.ReadString('\n')
	if err != nil || len(line) < len(dumpMagic) || line[:len(dumpMagic)] != dumpMagic {
		return fmt.Errorf("%w: %s", errDump, name)
	}
	var start [dumpHeader]byte
	if _, err := io.ReadFull(in, start[:]); err != nil {
		return fmt.Errorf("%w: %s", errDump, name)
	}
	began := time.Unix(int64(binary.BigEndian.Uint32(start[:])), int64(binary.BigEndian.Uint32(start[4:]))*1000)
	for {
		var head [dumpRecord]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return cut(err)
		}
		size, length := int(binary.BigEndian.Uint16(head[:])), int(binary.BigEndian.Uint16(head[2:]))
		if size < dumpRecord || length != 0 && size != length+dumpRecord {
			return fmt.Errorf("%w: %s", errDump, name)
		}
		r := record{data: make([]byte, size-dumpRecord), control: length == 0}
		if _, err := io.ReadFull(in, r.data); err != nil {
			return cut(err)
		}
		r.at = time.Duration(binary.BigEndian.Uint32(head[4:])) * time.Millisecond
		if err := each(began, r); err != nil {
			return err
		}
	}
}

func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}

	return err
}
