// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/tcpresume/tcpresume/pkg/agent"
)

// notify tells a service manager how it goes (sd_notify(3)); without one it does nothing.
func notify(state string) {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"}) // "@" stands for abstract here, too
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = conn.Write([]byte(state))
}

// keepAlive feeds the service manager's watchdog as long as the agent can decide.
func keepAlive(ctx context.Context, a *agent.Agent) {
	micros, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if err != nil || micros <= 0 {
		return
	}
	for range ticks(ctx, time.Duration(micros)*time.Microsecond/3) {
		a.Tracked() // waits for the decision at hand
		notify("WATCHDOG=1")
	}
}
