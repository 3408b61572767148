// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/tcpresume/tcpresume/test/check"
)

const (
	nodeName = "node-1"
	// podPins is the default directory under another path, as in the pod.
	podPins = "/mnt/bpf/tcpresume"
)

// container is what the manifest says of one.
type container struct {
	Name            string
	Args            []string
	Env             []struct{ Name, Value string }
	SecurityContext struct {
		RunAsUser    int `yaml:"runAsUser"`
		RunAsGroup   int `yaml:"runAsGroup"`
		Capabilities struct{ Add, Drop []string }
	} `yaml:"securityContext"`
	Profile string `yaml:"-"` // of seccomp: the pod's
}

// podTemplate is what a workload makes pods of.
type podTemplate struct {
	Spec struct {
		InitContainers  []container `yaml:"initContainers"`
		Containers      []container
		SecurityContext struct {
			RunAsUser      int `yaml:"runAsUser"`
			RunAsGroup     int `yaml:"runAsGroup"`
			SeccompProfile struct {
				Type             string
				LocalhostProfile string `yaml:"localhostProfile"`
			} `yaml:"seccompProfile"`
		} `yaml:"securityContext"`
	}
}

// container returns one with what it has from its pod; its name is empty where there is none.
func (p podTemplate) container(name string) container {
	for _, c := range append(p.Spec.InitContainers, p.Spec.Containers...) {
		if c.Name != name {
			continue
		}
		pod := p.Spec.SecurityContext
		c.Profile = cmp.Or(pod.SeccompProfile.LocalhostProfile, pod.SeccompProfile.Type)
		c.SecurityContext.RunAsUser = cmp.Or(c.SecurityContext.RunAsUser, pod.RunAsUser)
		c.SecurityContext.RunAsGroup = cmp.Or(c.SecurityContext.RunAsGroup, pod.RunAsGroup)
		return c
	}
	return container{}
}

func manifest(t *testing.T, name string) container {
	t.Helper()
	text, err := api.Kubectl(t.Context(), "", "get", "daemonset", "tcpresume", "-n", "tcpresume", "-o", "yaml")
	check.Must(t, err)
	var set struct {
		Spec struct{ Template podTemplate }
	}
	check.Must(t, yaml.Unmarshal([]byte(text), &set))
	c := set.Spec.Template.container(name)
	if c.Name == "" {
		t.Fatalf("the DaemonSet has no container %s", name)
	}
	return c
}

// pod is the running process.
type pod struct {
	*testing.T
	cmd    *exec.Cmd
	health string
	mu     sync.Mutex
	log    bytes.Buffer
	ended  chan struct{}
}

func (p *pod) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(text)
}

func (p *pod) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// run starts what the kubelet would, on one cgroup instead of all of them.
func run(t *testing.T, cgroup string, extra ...string) *pod {
	t.Helper()
	return start(t, manifest(t, "kernel"), append([]string{"--cgroup=" + cgroup}, extra...)...)
}

func start(t *testing.T, spec container, extra ...string) *pod {
	t.Helper()
	p := &pod{T: t, health: freeAddress(t), ended: make(chan struct{})}
	args := append(bounded(spec), binary)
	for _, arg := range spec.Args {
		if strings.HasPrefix(arg, "--health=") {
			arg = "--health=" + p.health
		}
		args = append(args, arg)
	}
	args = append(args, extra...)
	p.cmd = exec.Command(args[0], args[1:]...)
	p.cmd.Env = []string{"NODE_NAME=" + nodeName, "KUBERNETES_SERVICE_HOST=" + api.Host, "KUBERNETES_SERVICE_PORT=" + api.Port}
	for _, e := range spec.Env {
		if e.Value != "" {
			p.cmd.Env = append(p.cmd.Env, e.Name+"="+e.Value)
		}
	}
	p.cmd.Env = append(p.cmd.Env, "TCPRESUME_PINS="+podPins)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	check.Must(t, p.cmd.Start())
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("the container said:\n%s", p.said())
		}
	})
	return p
}

// bounded drops every capability that the manifest does not add, and every group,
// and refuses the system calls that the pod's seccomp profile does.
func bounded(spec container) []string {
	set := "-all"
	for _, name := range spec.SecurityContext.Capabilities.Add {
		set += ",+" + strings.ToLower(name)
	}
	self, err := os.Executable()
	if err != nil {
		panic(err) // Linux knows
	}
	user := spec.SecurityContext
	return []string{
		"setpriv", "--bounding-set=" + set, "--no-new-privs", "--clear-groups", fmt.Sprintf("--regid=%d", user.RunAsGroup), fmt.Sprintf("--reuid=%d", user.RunAsUser),
		self, confineVerb, spec.Profile, strings.Join(user.Capabilities.Add, ","),
	}
}

func (p *pod) stop() {
	select {
	case <-p.ended:
		return
	default:
	}
	_ = p.cmd.Process.Signal(os.Interrupt)
	<-p.ended
}

// probe is what the kubelet sees: the text of a failure, or "ok".
func (p *pod) probe(path string) string {
	answer, err := http.Get("http://" + p.health + path)
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return strings.TrimSpace(string(text))
}

// thin checks what the idle process holds in memory, in bytes.
func (p *pod) thin() {
	p.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	check.Must(p, err)
	for line := range strings.Lines(string(text)) {
		if kB, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			var resident int
			_, err := fmt.Sscan(kB, &resident)
			check.Must(p, err)
			p.Logf("resident memory: %d kB", resident)
			if resident > 30_000 {
				p.Errorf("%d kB are more than 30 MB", resident)
			}
		}
	}
}

// looks waits until the process has looked at what is loaded.
func (p *pod) looks() {
	p.Helper()
	check.Eventually(p.T, patience, "a look", func() bool {
		said := p.probe("/readyz")
		return !strings.Contains(said, "connection refused") && said != "nothing was looked at yet"
	})
}

// becomes waits until the readiness probe says so.
func (p *pod) becomes(want string) {
	p.Helper()
	check.Eventually(p.T, patience, "/readyz says "+want, func() bool {
		select {
		case <-p.ended:
			p.Fatal("the container ended")
		default:
		}
		said := p.probe("/readyz")
		return said == want || want != "ok" && strings.Contains(said, want)
	})
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check.Must(t, err)
	defer l.Close()
	return l.Addr().String()
}

// output runs one verb of the binary with all rights and returns stdout.
func output(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(binary, args...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		t.Fatalf("tcpresume %s: %v: %s", strings.Join(args, " "), err, exit.Stderr)
	}
	check.Must(t, err)
	return string(out)
}
