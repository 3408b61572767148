// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/test/kube/cluster"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/rig"
)

const (
	architecture = runtime.GOARCH
	agentLayout  = "../../../build/images/agent"
)

var machine *node

// init keeps tests off the first thread, whose mounts /proc/self shows: a thread
// that joins the node's has to end with that.
func init() { runtime.LockOSThread() }

func TestMain(m *testing.M) { rig.Isolate(func() int { return withNode(m) }) }

func withNode(m *testing.M) (code int) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour) // the first time everything is built
	defer cancel()
	began := time.Now()
	machine = &node{}
	err := machine.start(ctx)
	if err == nil {
		fmt.Printf("the node is ready after %v\n", time.Since(began).Round(time.Second))
		code = m.Run()
		fmt.Printf("took %v, at most %s of memory in the node\n", time.Since(began).Round(time.Second), machine.memory.peak())
	}
	if err = errors.Join(err, machine.stop()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// start builds what is not built yet, and boots the node for the first time.
func (n *node) start(ctx context.Context) (err error) {
	if n.cgroup, err = lab.NewCgroup("node"); err != nil {
		return err
	}
	if n.memory, err = newMeter(n.cgroup.Path()); err != nil {
		return err
	}
	if n.Lab, err = lab.New(lab.Path{RTT: 20 * time.Millisecond, Rate: 50e6}); err != nil {
		return err
	}
	if err := n.Server.AddAddr(netip.MustParseAddr(service)); err != nil {
		return err
	}
	n.api, err = cluster.StartIn(ctx, cluster.Place{Do: n.Server.Do, Host: service, Port: "443", Services: "10.96.0.0/24", Programs: append(cluster.ControlPrograms, "kubelet")})
	if err != nil {
		return err
	}
	if n.dir, err = n.api.Directory("node"); err != nil {
		return err
	}
	if err := n.api.StartControl(); err != nil {
		return err
	}
	if n.images, err = openRegistry(n.Server); err != nil {
		return err
	}
	if err := errors.Join(n.images.busybox(), n.writeFiles(n.images.host)); err != nil {
		return err
	}
	if _, err := n.api.Kubectl(ctx, driverObject, "create", "-f", "-"); err != nil {
		return err
	}
	if n.driver, err = startDriver(n); err != nil {
		return err
	}
	if err := n.boot(); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	return n.ready(limited)
}

// stop takes everything away, however far start came.
func (n *node) stop() error {
	var errs []error
	errs = append(errs, n.off())
	if n.driver != nil {
		errs = append(errs, n.driver.close())
	}
	if n.images != nil {
		errs = append(errs, n.images.server.Close())
	}
	if n.api != nil {
		errs = append(errs, n.api.Close())
	}
	if n.Lab != nil {
		errs = append(errs, n.Close())
	}
	if n.memory != nil {
		errs = append(errs, n.memory.close())
	}
	if n.cgroup != nil {
		errs = append(errs, n.cgroup.Remove())
	}
	return errors.Join(errs...)
}
