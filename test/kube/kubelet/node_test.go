// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/test/kube/cluster"
	"github.com/tcpresume/tcpresume/test/lab"
)

const (
	nodeName  = "node-1"
	podPrefix = "10.85.0.0/16"
	// service is the address of the API server for pods; no kube-proxy is needed
	// where the node has it itself.
	service = "10.96.0.1"
)

// node is a machine of the cluster, whose disk outlives its boots.
type node struct {
	*lab.Lab
	api    *cluster.Cluster
	images *images
	driver *driver
	dir    string
	cgroup *lab.Cgroup
	memory *meter
	init   *exec.Cmd // nil while it is down
	said   bytes.Buffer
}

// boot starts the first process, which starts the others.
func (n *node) boot() error {
	script, err := filepath.Abs("node.sh")
	if err != nil {
		return err
	}
	n.init = exec.Command(script, n.dir, n.api.Program("kubelet"), nodeName, n.Server.IPv4.String(), n.memory.path)
	n.init.Stdout, n.init.Stderr = &n.said, &n.said
	n.init.WaitDelay = time.Second // what it started holds its output open until that is killed, too
	return n.Server.Start(n.init, n.cgroup)
}

// off cuts the power: with the first process all others end.
func (n *node) off() error {
	if n.init == nil {
		return nil
	}
	err := lab.Kill(n.init)
	n.init = nil
	return errors.Join(err, removeBelow(n.cgroup.Path()))
}

// kill ends a daemon of the node, which the first process starts again.
func (n *node) kill(program string) error {
	pid, err := n.find(program)
	if err != nil {
		return err
	}
	return unix.Kill(pid, unix.SIGKILL)
}

// find looks for a daemon: a grandchild of the first process.
func (n *node) find(program string) (int, error) {
	below := []int{n.init.Process.Pid}
	for range 4 {
		var next []int
		for _, pid := range below {
			if name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); strings.TrimSpace(string(name)) == program {
				return pid, nil
			}
			more, _ := children(pid)
			next = append(next, more...)
		}
		below = next
	}
	return 0, fmt.Errorf("the node runs no %s", program)
}

func children(pid int) (all []int, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", pid))
	if err != nil {
		return nil, err
	}
	for _, field := range strings.Fields(string(text)) {
		var child int
		if _, err := fmt.Sscan(field, &child); err != nil {
			return nil, err
		}
		all = append(all, child)
	}
	return all, nil
}

// removeBelow removes the cgroups that ended containers leave, deepest first.
func removeBelow(root string) error {
	var all []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && path != root {
			all = append(all, path)
		}
		return err
	})
	for i := len(all) - 1; i >= 0; i-- {
		err = errors.Join(err, os.Remove(all[i]))
	}
	return err
}

// ready waits until the API server calls the node so.
func (n *node) ready(ctx context.Context) error {
	for {
		out, err := n.api.Kubectl(ctx, "", "get", "node", nodeName, "-o", `jsonpath={.status.conditions[?(@.type=="Ready")].status}`)
		if err == nil && out == "True" {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the node is not ready: %w\n%s", errors.Join(ctx.Err(), err), n.logs())
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// told is what a test that waited in vain says: pods, events, and logs.
func (n *node) told(ctx context.Context) (text string) {
	for _, args := range [][]string{
		{"get", "pods", "-A", "-o", "wide"}, {"get", "events", "-A"},
		{"-n", "tcpresume", "logs", "ds/tcpresume", "--all-containers", "--tail=20"},
	} {
		out, err := n.api.Kubectl(ctx, "", args...)
		if err != nil {
			out += err.Error() + "\n"
		}
		text += out
	}
	return text + n.logs()
}

// logs are the last lines of every daemon.
func (n *node) logs() string {
	text := n.said.String()
	for _, name := range []string{"containerd", "kubelet"} {
		log, _ := os.ReadFile(filepath.Join(n.dir, name+".log"))
		lines := strings.Split(strings.TrimSpace(string(log)), "\n")
		text += name + ":\n" + strings.Join(lines[max(0, len(lines)-25):], "\n") + "\n"
	}
	return text + n.api.Said()
}
