// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"fmt"
	"net/netip"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

// Mode is a way to start a connection.
type Mode struct {
	// Name is one word, for tables; Label is for a picture's legend.
	Name, Label string
	// Says tells a person what it does.
	Says string
	// Resumed tells that the connection must be one that tcpresume resumes.
	Resumed bool
	prepare preparation
}

// preparation makes ready for one connection of client and returns the command
// line that does so; "" means that nothing is to be done.
type preparation func(ctx context.Context, bed *Bed, client netip.Addr, w Window) (command string, err error)

// Modes are all modes, each one beside its rivals.
var Modes = []Mode{
	{Name: "cold", Label: "cold", Says: "the server knows nothing of the client", prepare: nothing},
	{Name: "route", Label: "ip route initcwnd", Says: "a route to the client carries the window", prepare: route},
	{Name: "exact", Label: "tcpresume, mode exact", Says: "tcpresume starts with the stored cwnd and ssthresh", Resumed: true, prepare: stored(resume.ModeExact)},
	{Name: "careful", Label: "tcpresume, mode careful", Says: "tcpresume begins as usual and jumps to half of the window once the path is confirmed (RFC 9959)", Resumed: true, prepare: stored(resume.ModeCareful)},
}

// client gives each mode an address of its own, so that what one mode leaves
// behind does not concern the others.
func (m Mode) client() netip.Addr {
	n := slices.IndexFunc(Modes, func(other Mode) bool { return other.Name == m.Name })
	return netip.AddrFrom4([4]byte{198, 18, 1, byte(n + 1)})
}

func nothing(context.Context, *Bed, netip.Addr, Window) (string, error) { return "", nil }

func route(_ context.Context, bed *Bed, client netip.Addr, w Window) (string, error) {
	segments := int(w.Cwnd) / bed.MSS()
	command := fmt.Sprintf("ip route replace %v dev path initcwnd %d", client, segments)
	return command, bed.Lab.Server.RouteInitCwnd(client, segments)
}

func stored(mode resume.Mode) preparation {
	return func(ctx context.Context, bed *Bed, client netip.Addr, w Window) (string, error) {
		args := []string{"put", client.String(), "--cwnd", w.Cwnd.String(), "--ssthresh", w.Ssthresh.String(),
			"--rtt", w.RTT.String(), "--mode", string(mode)}
		command := "tcpresume " + strings.Join(args, " ")
		if bed.CLI != "" {
			return command, run(ctx, bed.CLI, args)
		}
		_, err := bed.Rig.Store.Put(resume.Path{
			Peer: client, Cwnd: w.Cwnd, Ssthresh: w.Ssthresh, RTT: w.RTT,
			Mode: mode, Sharing: resume.SharingPolicy, Source: resume.SourceOperator,
		})
		return command, err
	}
}

func run(ctx context.Context, program string, args []string) error {
	output, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", filepath.Base(program), args[0], err, strings.TrimSpace(string(output)))
	}
	return nil
}
