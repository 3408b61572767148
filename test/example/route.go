// SPDX-License-Identifier: Apache-2.0

package example

import (
	"context"
	"net/netip"
	"os/exec"

	"github.com/tcpresume/tcpresume/test/lab"
)

// SetCC names the congestion control of the server's TCP connections in the
// routes to addresses of the client: a namespace's default cannot be every one.
func SetCC(ctx context.Context, l *lab.Lab, cc string, clients ...netip.Addr) error {
	for _, client := range clients {
		ip := exec.CommandContext(ctx, "ip", "route", "replace", client.String(), "dev", "path",
			"src", l.Server.Addr(client.Is6()).String(), "congctl", cc)
		if err := l.Server.Do(func() error { return Quietly(ip) }); err != nil {
			return err
		}
	}
	return nil
}
