// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
)

func TestEachSubflowResumesFromItsOwnPath(t *testing.T) {
	s := newStage(t, shortPath)
	second := netip.MustParseAddr("198.18.0.77")
	check.Must(t, s.Client.AddAddr(second))
	ip(t, s.Client, "mptcp limits set subflows 2 add_addr_accepted 2")
	ip(t, s.Server, "mptcp limits set subflows 2 add_addr_accepted 2")
	ip(t, s.Client, "mptcp endpoint add 198.18.0.77 dev path subflow")

	s.put(t, resume.Path{Peer: s.Client.IPv4, Cwnd: 200_000, Ssthresh: 400_000})
	s.put(t, resume.Path{Peer: second, Cwnd: 100_000, Ssthresh: 300_000})
	listener := s.listen(t, lab.ListenSpec{MPTCP: true, Cgroup: loaded.Cgroup}) // must stay for the second to join
	p := s.dial(t, listener, lab.DialSpec{MPTCP: true})
	if multipath, err := p.server.MultipathTCP(); err != nil || !multipath {
		t.Fatalf("multipath %v: %v", multipath, err)
	}
	segment := uint32(mss(t, p.server))
	check.Same(t, "windows of the first subflow", windowsOf(t, p.server), windows{200_000 / segment, 400_000 / segment})
	p.send(t, 1) // a subflow joins once the connection has carried data
	check.Eventually(t, patience, "second subflow", func() bool { return len(subflows(t, p.server)) == 2 })
	check.Eventually(t, patience, "two events", func() bool { return len(s.Events.of("resumed")) == 2 })

	want := map[netip.Addr]windows{
		s.Client.IPv4: {200_000 / segment, 400_000 / segment},
		second:        {100_000 / segment, 300_000 / segment},
	}
	told := make(map[netip.Addr]windows)
	for _, event := range s.Events.of("resumed") {
		told[event.Peer.Addr()] = windows{event.Cwnd, event.Ssthresh}
	}
	check.Same(t, "windows by events", told, want)
	s.expect(t, resumedOnce.times(2))
	for addr := range want {
		check.Same(t, "entry of "+addr.String(), s.entry(t, addr).State, pathstore.StateInUse)
	}
	ssthreshs := []uint32{want[s.Client.IPv4].Ssthresh, want[second].Ssthresh}
	for _, flow := range subflows(t, p.server) {
		if !slices.Contains(ssthreshs, flow.Ssthresh) {
			t.Errorf("a subflow has windows %v, want one of %v", flow, want)
		}
	}
}

// subflows reads MPTCP_TCPINFO: the windows of each subflow of a multipath socket.
func subflows(t testing.TB, conn *net.TCPConn) (all []windows) {
	t.Helper()
	const solMPTCP, mptcpTCPInfo, headSize, room = 284, 2, 16, 8
	infoSize := int(unsafe.Sizeof(unix.TCPInfo{}))
	buffer := make([]byte, headSize+room*infoSize)
	binary.NativeEndian.PutUint32(buffer, headSize)              // size_subflow_data
	binary.NativeEndian.PutUint32(buffer[12:], uint32(infoSize)) // size_user
	check.Must(t, lab.Control(conn, func(fd int) error {
		size := uint32(len(buffer))
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), solMPTCP, mptcpTCPInfo,
			uintptr(unsafe.Pointer(&buffer[0])), uintptr(unsafe.Pointer(&size)), 0)
		if errno != 0 {
			return fmt.Errorf("read MPTCP_TCPINFO: %w", errno)
		}
		return nil
	}))
	each := min(infoSize, int(binary.NativeEndian.Uint32(buffer[8:]))) // size_kernel: older kernels tell less
	for i := range binary.NativeEndian.Uint32(buffer[4:]) {            // num_subflows
		info := (*unix.TCPInfo)(unsafe.Pointer(&buffer[headSize+int(i)*each]))
		all = append(all, windows{info.Snd_cwnd, info.Snd_ssthresh})
	}
	return all
}

func ip(t *testing.T, host *lab.Host, args string) {
	t.Helper()
	check.Must(t, host.Do(func() error {
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w %s", args, err, out)
		}
		return nil
	}))
}
