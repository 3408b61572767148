// SPDX-License-Identifier: Apache-2.0

package example

import (
	"context"

	"github.com/tcpresume/tcpresume/test/lab"
)

// SetCC names the congestion control of the server's TCP connections in the
// routes to the client: a namespace's default cannot be every one.
func SetCC(ctx context.Context, l *lab.Lab, cc string) error {
	for _, ipv6 := range []bool{false, true} {
		ip := Command(ctx, "ip", "route", "replace", l.Client.Addr(ipv6).String(), "dev", "path",
			"src", l.Server.Addr(ipv6).String(), "congctl", cc)
		if err := l.Server.Do(func() error { return Quietly(ip) }); err != nil {
			return err
		}
	}
	return nil
}
