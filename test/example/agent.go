// SPDX-License-Identifier: Apache-2.0

package example

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// PrivateRun gives this process an empty /run, so that servers find the agent
// under its usual name and the machine's own is left alone; temporary files go
// there, too, and vanish with the process. It must be called inside rig.Isolate.
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
	return os.Setenv("TMPDIR", "/run")
}

// agentConfig lets root report the addresses of a lab, which are private ones.
const agentConfig = `callers:
  - users: [root]
    peers: [198.18.0.0/15, "fd00::/8"]
    read: true
`

// StartAgent builds tcpresume and starts its agent over the maps of the running
// kernel part, at the usual sockets. The caller must Stop it.
func StartAgent(ctx context.Context) (*Program, error) {
	program, err := Build(ctx, "cmd/tcpresume")
	if err != nil {
		return nil, err
	}
	const config = "/run/agent.yaml"
	if err := os.WriteFile(config, []byte(agentConfig), 0o600); err != nil {
		return nil, err
	}
	return Run(ctx, Spec{Ready: "taking reports"}, program, "agent", "--config", config)
}
