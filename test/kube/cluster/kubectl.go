// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Kubectl runs one command as the administrator and returns what it prints.
// Warnings of the API server are errors: a manifest is to be free of them.
func (c *Cluster) Kubectl(ctx context.Context, stdin string, args ...string) (string, error) {
	out, complaints, err := c.kubectl(ctx, stdin, args...)
	if err == nil && strings.Contains(complaints, "Warning:") {
		err = fmt.Errorf("kubectl %s: %s", strings.Join(args, " "), complaints)
	}
	return out, err
}

// Environ is for commands that are to find kubectl and the administrator's rights.
func (c *Cluster) Environ() []string {
	return append(os.Environ(), "KUBECONFIG="+c.Kubeconfig, "HOME="+c.dir, "PATH="+c.tools+":"+os.Getenv("PATH"))
}

func (c *Cluster) kubectl(ctx context.Context, stdin string, args ...string) (out, complaints string, err error) {
	cmd := exec.CommandContext(ctx, filepath.Join(c.tools, "kubectl"), args...)
	cmd.Env = c.Environ()
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := c.place.Do(cmd.Run); err != nil {
		return stdout.String(), stderr.String(), fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), stderr.String(), nil
}

// Mount writes the credentials of a service account into dir, as the kubelet
// mounts them into a pod: a real token, the authority, the namespace.
func (c *Cluster) Mount(ctx context.Context, namespace, account, dir string) error {
	token, err := c.Kubectl(ctx, "", "create", "token", account, "-n", namespace)
	if err != nil {
		return err
	}
	authority, err := os.ReadFile(c.file("certs/apiserver.crt"))
	if err != nil {
		return err
	}
	for name, text := range map[string]string{"token": strings.TrimSpace(token), "ca.crt": string(authority), "namespace": namespace} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}
