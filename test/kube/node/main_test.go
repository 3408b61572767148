// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/kube"
	"github.com/tcpresume/tcpresume/test/kube/cluster"
	"github.com/tcpresume/tcpresume/test/rig"
)

var (
	api    *cluster.Cluster
	binary string
)

func TestMain(m *testing.M) {
	if len(os.Args) > 4 && os.Args[1] == confineVerb {
		fmt.Fprintln(os.Stderr, confine(os.Args[2:]))
		os.Exit(1)
	}
	rig.Isolate(func() int { return withCluster(m) })
}

func withCluster(m *testing.M) int {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "tcpresume-node-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "tcpresume")
	if err := prepare(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer api.Close()
	return m.Run()
}

// prepare builds the binary, starts the API server, and makes this mount
// namespace look like a pod: credentials where the kubelet mounts them.
func prepare(ctx context.Context) (err error) {
	build := exec.CommandContext(ctx, "go", "build", "-C", "../../..", "-o", binary, "./cmd/tcpresume")
	build.Env, build.Stderr = append(os.Environ(), "CGO_ENABLED=0"), os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("building tcpresume: %w", err)
	}
	for _, dir := range []string{"/run", "/mnt"} {
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
			return err
		}
	}
	if err := errors.Join(os.MkdirAll(kube.ServiceAccountDir, 0o755), os.Mkdir("/mnt/bpf", 0o700)); err != nil {
		return err
	}
	if err := unix.Mount("/sys/fs/bpf", "/mnt/bpf", "", unix.MS_BIND, ""); err != nil {
		return err
	}
	if api, err = cluster.Start(ctx); err != nil {
		return err
	}
	_, err = api.Kubectl(ctx, "", "apply", "--server-side", "-k", "../../../manifests/bpfman-go")
	if err == nil {
		err = api.Mount(ctx, "tcpresume", "tcpresume", kube.ServiceAccountDir)
	}
	if err != nil {
		api.Close()
	}
	return err
}
