// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"time"
)

// PCAP writes captured packets in the pcap format with nanosecond times and link
// type RAW, as tcpdump and Wireshark read it.
type PCAP struct {
	start time.Time
	mu    sync.Mutex
	to    *bufio.Writer
	err   error
}

// The bytes of a packet that are kept: enough for all headers.
const pcapSnapLength = 128

// WritePCAP captures what leaves the server to w until the PCAP is closed.
func (l *Lab) WritePCAP(w io.Writer) *PCAP {
	const magicNanoseconds, linkTypeRaw = 0xa1b23c4d, 101
	p := &PCAP{start: l.start, to: bufio.NewWriterSize(w, 1<<20)}
	header := binary.LittleEndian.AppendUint32(nil, magicNanoseconds)
	header = binary.LittleEndian.AppendUint16(header, 2)
	header = binary.LittleEndian.AppendUint16(header, 4)
	header = binary.LittleEndian.AppendUint64(header, 0)
	header = binary.LittleEndian.AppendUint32(header, pcapSnapLength)
	header = binary.LittleEndian.AppendUint32(header, linkTypeRaw)
	_, p.err = p.to.Write(header)
	l.Capture(p.write)
	return p
}

func (p *PCAP) write(packet Packet) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return
	}
	at := p.start.Add(packet.At)
	kept := packet.Raw[:min(len(packet.Raw), pcapSnapLength)]
	var record [16]byte
	binary.LittleEndian.PutUint32(record[0:], uint32(at.Unix()))
	binary.LittleEndian.PutUint32(record[4:], uint32(at.Nanosecond()))
	binary.LittleEndian.PutUint32(record[8:], uint32(len(kept)))
	binary.LittleEndian.PutUint32(record[12:], uint32(packet.Size))
	_, _ = p.to.Write(record[:])
	_, p.err = p.to.Write(kept)
}

// Close writes what is buffered and returns the first error of all writes.
// Packets captured later are ignored.
func (p *PCAP) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == io.ErrClosedPipe {
		return nil
	}
	err := p.err
	if err == nil {
		err = p.to.Flush()
	}
	p.err = io.ErrClosedPipe
	if err != nil {
		return fmt.Errorf("write pcap: %w", err)
	}
	return nil
}
