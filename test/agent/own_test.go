// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"errors"
	"net/netip"
	"os/exec"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"github.com/tcpresume/tcpresume/pkg/client"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/rig"
)

// apart is a network namespace of its own, by the process that holds it.
type apart string

func newApart(t *testing.T) apart {
	t.Helper()
	holder := exec.Command("unshare", "--net", "sh", "-c", "ip link set lo up && echo ready && exec sleep 1000")
	holder.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := holder.StdoutPipe()
	check.Must(t, err)
	check.Must(t, holder.Start())
	t.Cleanup(func() {
		_ = holder.Process.Kill()
		_ = holder.Wait()
	})
	_, err = out.Read(make([]byte, 16))
	check.Must(t, err)
	return apart(strconv.Itoa(holder.Process.Pid))
}

// command is one that runs there.
func (a apart) command(args ...string) *exec.Cmd {
	return exec.Command("nsenter", append([]string{"-t", string(a), "-n"}, args...)...)
}

func (a apart) address(t *testing.T, verb string, addr netip.Addr) {
	t.Helper()
	if out, err := a.command("ip", "addr", verb, addr.String()+"/32", "dev", "lo").CombinedOutput(); err != nil {
		t.Fatalf("ip addr %s: %v, %s", verb, err, out)
	}
}

// startBy starts an agent by a command that is put in front.
func (s *stage) startBy(t *testing.T, cmd *exec.Cmd, args ...string) *rig.Agent {
	t.Helper()
	cmd.Args = slices.Concat(cmd.Args, []string{program, "agent", "--pins", s.pins, "--socket-dir", s.sockets}, args)
	a, err := rig.StartAgentBy(cmd, s.sockets)
	check.Must(t, err)
	t.Cleanup(func() { check.Must(t, a.Stop()) })
	return a
}

// refusedPeer reports a peer over HTTP, and whether it is refused as one.
func (s *stage) refusedPeer(t *testing.T, peer netip.Addr) bool {
	t.Helper()
	answer, err := client.Send(check.Background(t), s.sockets, grown(peer, 300_000))
	var refused *client.Refused
	if errors.As(err, &refused) && refused.Reason == "peer" {
		return true
	}
	check.Must(t, err)
	return answer.Stored == 0
}

// The machine's addresses are those that it has now, not at the agent's start.
func TestAnAddressThatComesAndGoes(t *testing.T) {
	s, here := newStage(t), newApart(t)
	before, later := netip.MustParseAddr("198.51.100.8"), netip.MustParseAddr("198.51.100.9")
	here.address(t, "add", before)
	s.startBy(t, here.command())
	if !s.refusedPeer(t, before) || s.refusedPeer(t, later) {
		t.Error("the address of before its start is taken, or a stranger's refused")
	}
	here.address(t, "add", later)
	here.address(t, "del", before)
	if !s.refusedPeer(t, later) {
		t.Error("an address that came after its start is taken")
	}
	if s.refusedPeer(t, before) {
		t.Error("an address that has gone is refused")
	}
}

// An agent in a namespace of its own, as in a pod, takes no report of the
// addresses where the reporter runs, nor of those that its pod was told.
func TestAddressesOfTheReporterAndTheNode(t *testing.T) {
	s, there := newStage(t), newApart(t)
	node := netip.MustParseAddr("198.51.100.10")
	cmd := there.command("env", "NODE_IPS=198.51.100.10, 2001:db8::10")
	s.startBy(t, cmd)
	if !s.refusedPeer(t, node) || !s.refusedPeer(t, netip.MustParseAddr("2001:db8::10")) {
		t.Error("an address of the node is taken")
	}
	reporter := newApart(t)
	own := netip.MustParseAddr("198.51.100.11")
	reporter.address(t, "add", own)
	report := func(a apart) error {
		return a.command(program, "report", own.String(), "--cwnd", "300kB", "--rtt", "20ms", "--sent", "9MB", "--socket-dir", s.sockets).Run()
	}
	if report(reporter) == nil {
		t.Error("a reporter's own address is taken")
	}
	if err := report(newApart(t)); err != nil { // for another server it is a peer
		t.Errorf("another namespace's address is refused: %v", err)
	}
}
