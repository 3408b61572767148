// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/test/kube/generation"
)

const driverName = "csi.bpfman.io"

// driverObject is bpfman-operator's.
const driverObject = `apiVersion: storage.k8s.io/v1
kind: CSIDriver
metadata: {name: ` + driverName + `, labels: {security.kubernetes.io/csi-ephemeral-volume-profile: restricted}}
spec: {attachRequired: false, podInfoOnMount: true, fsGroupPolicy: ReadWriteOnceWithFSType, volumeLifecycleModes: [Ephemeral]}
`

// driver gives pods the maps of what is loaded, as the CSI driver of bpfman does.
type driver struct {
	node    *node
	servers []*http.Server
	mu      sync.Mutex
	loaded  *generation.Generation
}

// startDriver makes a kubelet find the driver.
func startDriver(n *node) (*driver, error) {
	d := &driver{node: n}
	const seen = "/var/lib/kubelet/plugins/csi-bpfman/csi.sock" // by the kubelet
	lib := filepath.Join(n.dir, "disk/lib/kubelet")
	for socket, answers := range map[string]methods{
		filepath.Join(lib, "plugins/csi-bpfman/csi.sock"): {
			"/csi.v1.Node/NodeGetInfo": func([]byte) ([]byte, error) { return text(nil, 1, nodeName), nil },
			// VOLUME_MOUNT_GROUP: the driver itself gives the volume to the pod's fsGroup.
			"/csi.v1.Node/NodeGetCapabilities": func([]byte) ([]byte, error) { return text(nil, 1, string(text(nil, 1, "\x08\x06"))), nil },
			"/csi.v1.Node/NodePublishVolume":   func(r []byte) ([]byte, error) { return nil, d.publish(string(r)) },
			"/csi.v1.Node/NodeUnpublishVolume": func(r []byte) ([]byte, error) { return nil, d.unpublish(string(r)) },
		},
		filepath.Join(lib, "plugins_registry/csi-bpfman-reg.sock"): {
			"/pluginregistration.Registration/GetInfo": func([]byte) ([]byte, error) {
				return text(text(text(text(nil, 1, "CSIPlugin"), 2, driverName), 3, seen), 4, "1.0.0"), nil
			},
			"/pluginregistration.Registration/NotifyRegistrationStatus": func([]byte) ([]byte, error) { return nil, nil },
		},
	} {
		server, err := answers.serve(socket)
		if err != nil {
			return nil, errors.Join(err, d.close())
		}
		d.servers = append(d.servers, server)
	}
	return d, nil
}

func (d *driver) close() (err error) {
	for _, server := range d.servers {
		err = errors.Join(err, server.Close())
	}
	return err
}

// serves says whose maps the next volume holds.
func (d *driver) serves(g *generation.Generation) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.loaded = g
}

// publish makes a bpffs with the maps that a volume names, for its pod's group.
func (d *driver) publish(request string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	attributes := make(map[string]string)
	for _, pair := range texts([]byte(request), 8) {
		attributes[first(pair, 1)] = first(pair, 2)
	}
	if name := attributes[driverName+"/program"]; name != application.Name || d.loaded == nil {
		return fmt.Errorf("no program %q is loaded", name)
	}
	target := first(request, 4)
	group, err := strconv.Atoi(first(first(first(request, 5), 2), 3))
	if err != nil {
		return fmt.Errorf("the group of the volume: %w", err)
	}
	return d.node.do(func() error {
		if err := os.MkdirAll(target, 0o755); err != nil {
			return err
		}
		if err := unix.Mount("bpf", target, "bpf", 0, fmt.Sprintf("mode=1777,gid=%d", group)); err != nil {
			return err
		}
		for _, name := range strings.Split(attributes[driverName+"/maps"], ",") {
			m := d.loaded.Map(name)
			if m == nil {
				return fmt.Errorf("map %q is not published by program %q", name, application.Name)
			}
			copied, err := m.Clone() // a map knows one pin only
			if err != nil {
				return err
			}
			path := filepath.Join(target, name)
			err = errors.Join(copied.Pin(path), os.Chown(path, 0, group), os.Chmod(path, 0o660))
			if err = errors.Join(err, copied.Close()); err != nil {
				return err
			}
		}
		return nil
	})
}

func (d *driver) unpublish(request string) error {
	return d.node.do(func() error {
		target := first(request, 2)
		if err := unix.Unmount(target, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) {
			return err
		}
		return os.RemoveAll(target)
	})
}

// do runs f among the node's mounts, on a thread that ends with it.
func (n *node) do(f func() error) error {
	first, err := children(n.init.Process.Pid)
	if err != nil {
		return err
	}
	mounts, err := os.Open(fmt.Sprintf("/proc/%d/ns/mnt", first[0]))
	if err != nil {
		return err
	}
	defer mounts.Close()
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := unix.Unshare(unix.CLONE_FS)
		if err == nil {
			err = unix.Setns(int(mounts.Fd()), unix.CLONE_NEWNS)
		}
		if err == nil {
			err = f()
		}
		done <- err
	}()
	return <-done
}
