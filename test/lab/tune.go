// SPDX-License-Identifier: Apache-2.0

package lab

// Buffers in bytes (least, default, largest) that limit no path a lab emulates. The
// client's window follows its default: it is large from the first ACK on.
const (
	largeReceiveBuffer = "4096 67108864 134217728"
	largeSendBuffer    = "4096 16384 134217728"
)

// tune writes sysctls that exist once per network namespace only.
func (l *Lab) tune() error {
	for _, host := range []*Host{l.Client, l.Server} {
		// Otherwise the kernel's own memory of a peer would mix with what is
		// measured.
		if err := host.Sysctl("net.ipv4.tcp_no_metrics_save", "1"); err != nil {
			return err
		}
	}
	if err := l.Server.Sysctl("net.ipv4.tcp_wmem", largeSendBuffer); err != nil {
		return err
	}
	if l.path.StockWindow {
		return nil
	}
	l.Client.roomy = true
	return l.Client.Sysctl("net.ipv4.tcp_rmem", largeReceiveBuffer)
}
