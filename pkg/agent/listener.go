// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// maxConns is how many connections one user may hold at a time, so that one who
// sends slowly, or nothing, leaves the others alone.
const maxConns = 64

// answerWithin is how long one too many has to send its request and read that it
// is refused. Of those a user may have as many again; what goes beyond is closed.
const answerWithin = time.Second

// listener tells each connection's user and holds users to maxConns.
type listener struct {
	*net.UnixListener
	mu   sync.Mutex
	open map[uint32]int
}

type conn struct {
	net.Conn
	who  Credentials
	done func()
}

func newListener(l *net.UnixListener) *listener {
	return &listener{UnixListener: l, open: make(map[uint32]int)}
}

const tooManyBody = `{"title":"Service Unavailable","status":503,"reason":"connections","detail":"this user has too many connections open: keep one and use it again"}` + "\n"

var tooMany = fmt.Appendf(nil, "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Type: application/problem+json\r\nContent-Length: %d\r\n\r\n%s",
	len(tooManyBody), tooManyBody)

// Accept returns the next connection of a user that has not too many.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		who, err := peerCredentials(c)
		if err != nil {
			c.Close()
			continue
		}
		held := &conn{Conn: c, who: who, done: sync.OnceFunc(func() { l.exit(who.UID) })}
		switch n := l.enter(who.UID); {
		case n <= maxConns:
			return held, nil
		case n <= 2*maxConns:
			go refuseConn(held, c)
		default:
			held.Close()
		}
	}
}

// refuseConn reads what it does not answer: a client that writes to a closed
// connection learns that, and not why.
func refuseConn(held net.Conn, c *net.UnixConn) {
	defer held.Close()
	_ = c.SetDeadline(time.Now().Add(answerWithin))
	_, _ = c.Write(tooMany)
	_ = c.CloseWrite()
	_, _ = io.Copy(io.Discard, c)
}

// enter counts the user's connections, the new one among them.
func (l *listener) enter(uid uint32) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[uid]++
	return l.open[uid]
}

func (l *listener) exit(uid uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[uid]--; l.open[uid] == 0 {
		delete(l.open, uid)
	}
}

// Close ends the connection.
func (c *conn) Close() error {
	c.done()
	return c.Conn.Close()
}

func peerCredentials(c *net.UnixConn) (Credentials, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return Credentials{}, err
	}
	var found *unix.Ucred
	if failed := raw.Control(func(fd uintptr) { found, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); failed != nil {
		return Credentials{}, failed
	}
	if err != nil {
		return Credentials{}, err
	}
	return Credentials{UID: found.Uid, GID: found.Gid, PID: found.Pid}, nil
}

type credentialsKey struct{}

func withCredentials(ctx context.Context, c net.Conn) context.Context {
	if c, ok := c.(*conn); ok {
		return context.WithValue(ctx, credentialsKey{}, c.who)
	}
	return ctx
}

func credentialsOf(ctx context.Context) Credentials {
	if who, ok := ctx.Value(credentialsKey{}).(Credentials); ok {
		return who
	}
	return Credentials{UID: overflowID, GID: overflowID}
}
