// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"encoding/binary"
	"io"
	"net"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
)

// The values of sk_pacing_status that a socket without fq can have.
const (
	unpaced uint32 = iota
	paced
)

func pacingStatus(t testing.TB, host *lab.Host, conn *net.TCPConn) (status uint32) {
	t.Helper()
	check.Must(t, lab.Control(conn, func(fd int) error {
		status = pacingStatusOf(t, host, fd)
		return nil
	}))
	return status
}

// pacingStatusOf reads sk_pacing_status of a socket of the host. No socket
// option tells it, and a paced transfer can only be told by its timing.
func pacingStatusOf(t testing.TB, host *lab.Host, fd int) uint32 {
	t.Helper()
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.Tracing, AttachType: ebpf.AttachTraceIter, AttachTo: "tcp",
		License: "GPL", Instructions: pacingReader(t),
	})
	check.Must(t, err)
	defer prog.Close()
	iter, err := link.AttachIter(link.IterOptions{Program: prog})
	check.Must(t, err)
	defer iter.Close()
	var records []byte
	check.Must(t, host.Do(func() error {
		seq, err := iter.Open()
		if err != nil {
			return err
		}
		defer seq.Close()
		records, err = io.ReadAll(seq)
		return err
	}))
	want, err := unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_COOKIE)
	check.Must(t, err)
	for ; len(records) >= 16; records = records[16:] {
		if binary.NativeEndian.Uint64(records) == want {
			return binary.NativeEndian.Uint32(records[8:])
		}
	}
	t.Fatalf("socket %d is not among those of %s", want, host.Name)
	return 0
}

// pacingReader writes cookie and status of each full socket.
func pacingReader(t testing.TB) asm.Instructions {
	const cookieAt, statusAt = -16, -8
	return asm.Instructions{
		asm.LoadMem(asm.R7, asm.R1, 0, asm.DWord), // bpf_iter__tcp.meta
		asm.LoadMem(asm.R6, asm.R1, 8, asm.DWord), // bpf_iter__tcp.sk_common
		asm.JEq.Imm(asm.R6, 0, "exit"),
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.FnSkcToTcpSock.Call(),
		asm.JEq.Imm(asm.R0, 0, "exit"),
		asm.LoadMem(asm.R2, asm.R0, sockOffset(t, "sk_pacing_status"), asm.Word),
		asm.StoreMem(asm.RFP, statusAt, asm.R2, asm.DWord),
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.FnGetSocketCookie.Call(),
		asm.StoreMem(asm.RFP, cookieAt, asm.R0, asm.DWord),
		asm.LoadMem(asm.R1, asm.R7, 0, asm.DWord), // bpf_iter_meta.seq
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, cookieAt),
		asm.Mov.Imm(asm.R3, 16),
		asm.FnSeqWrite.Call(),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("exit"),
		asm.Return(),
	}
}

func sockOffset(t testing.TB, field string) int16 {
	t.Helper()
	kernel, err := btf.LoadKernelSpec()
	check.Must(t, err)
	var sock *btf.Struct
	check.Must(t, kernel.TypeByName("sock", &sock))
	for _, member := range sock.Members {
		if member.Name == field {
			return int16(member.Offset.Bytes())
		}
	}
	t.Fatalf("struct sock has no %s", field)
	return 0
}

func cookie(t testing.TB, conn *net.TCPConn) (cookie uint64) {
	t.Helper()
	check.Must(t, lab.Control(conn, func(fd int) (err error) {
		cookie, err = unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_COOKIE)
		return err
	}))
	return cookie
}
