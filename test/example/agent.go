// SPDX-License-Identifier: Apache-2.0

package example

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// PrivateRun gives this process an empty /run, so that servers find the agent
// under its usual name and the machine's own is left alone. It must be called
// inside rig.Isolate.
func PrivateRun() error {
	ours, err := os.Readlink("/proc/self/ns/mnt")
	if err != nil {
		return err
	}
	if parent, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/mnt", os.Getppid())); err != nil || parent == ours {
		return errors.Join(errors.New("this process has no mount namespace of its own: call it inside rig.Isolate"), err)
	}
	if err := unix.Mount("run", "/run", "tmpfs", 0, "mode=0755"); err != nil {
		return fmt.Errorf("mount a private /run: %w", err)
	}
	return nil
}

// standIn is temporary.
func StandIn(store *pathstore.Store) error {
	if err := os.Mkdir("/run/tcpresume", 0o755); err != nil {
		return err
	}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: "/run/tcpresume/report", Net: "unixgram"})
	if err != nil {
		return err
	}
	go func() {
		buf := make([]byte, 2048)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			fmt.Printf("%s\n", buf[:n])
			r, err := resume.ParseReport(buf[:n])
			if err != nil {
				fmt.Println(err)
				continue
			}
			_, err = store.Put(resume.Path{Peer: r.Peer, Cwnd: resume.Bytes(r.Cwnd), RTT: r.MinRTT, Mode: resume.ModePolicy, Sharing: resume.SharingPolicy, Source: resume.SourceApplication})
			if err != nil {
				fmt.Println(err)
			}
		}
	}()
	return nil
}
