// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
)

// A network namespace goes away with connections in it that resume.
func TestNamespacesVanish(t *testing.T) {
	s := newSite(t, "network namespace removed with resumed connections in it", 0)
	for range 20 {
		gone, err := lab.New(lab.Path{RTT: 20 * time.Millisecond, Rate: 50e6})
		check.Must(t, err)
		var ends []*net.TCPConn
		for _, cc := range []string{"cubic", "reno", "bbr"} {
			listener, err := gone.Server.Listen(check.Background(t), lab.ListenSpec{Network: "tcp4", CC: cc, Cgroup: s.Cgroup})
			check.Must(t, err)
			port := listener.Addr().(*net.TCPAddr).Port
			check.Must(t, gone.Server.Do(func() error {
				client, err := net.DialTCP("tcp", nil, &net.TCPAddr{IP: loopbacks[0].AsSlice(), Port: port})
				if err == nil {
					ends = append(ends, client)
				}
				return err
			}))
			server, err := listener.Accept()
			check.Must(t, errors.Join(err, listener.Close()))
			_, err = server.Write(content)
			check.Must(t, err)
			ends = append(ends, server.(*net.TCPConn))
		}
		check.Must(t, gone.Close())
		for _, end := range ends {
			check.Must(t, errors.Join(end.SetLinger(0), end.Close()))
		}
		s.row.Times++
		s.check(t)
	}
}
