// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// started is a shell on the client that has started a program of its own, and
// says where it is.
func started(t *testing.T, l *Lab, cgroup *Cgroup, script string) (cmd *exec.Cmd, said string) {
	t.Helper()
	cmd = exec.Command("sh", "-c", script+"; sleep 1000 & ip -o -4 addr show dev path; cat /proc/self/cgroup; echo; wait; wait")
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Client.Start(cmd, cgroup); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(output); lines.Scan() && lines.Text() != ""; {
		said += lines.Text() + "\n"
	}
	return cmd, said
}

// members are the processes in a cgroup.
func members(t *testing.T, cgroup *Cgroup) string {
	t.Helper()
	list, err := os.ReadFile(filepath.Join(cgroup.Path(), "cgroup.procs"))
	if err != nil {
		t.Fatal(err)
	}
	return string(list)
}

func TestProgramIsInHostAndCgroupAndLeavesNothing(t *testing.T) {
	cgroup := newCgroup(t, "program")
	l := newLab(t, Path{RTT: time.Millisecond, Rate: 1e9})
	for name, c := range map[string]struct {
		script string
		end    func(*exec.Cmd) error
	}{
		"killed":            {"true", Kill},
		"stopped politely":  {"trap 'exit 0' TERM", Stop},
		"stopped, stubborn": {"trap '' TERM", Stop},
	} {
		t.Run(name, func(t *testing.T) {
			cmd, said := started(t, l, cgroup, c.script)
			for _, want := range []string{l.Client.IPv4.String(), "0::/" + filepath.Base(cgroup.Path())} {
				if !strings.Contains(said, want) {
					t.Errorf("%q is not in: %s", want, said)
				}
			}
			if err := c.end(cmd); err != nil {
				t.Error(err)
			}
			if left := members(t, cgroup); left != "" {
				t.Errorf("left behind: %s", left)
			}
		})
	}
}

func TestSignalReachesTheProgram(t *testing.T) {
	l := newLab(t, Path{RTT: time.Millisecond, Rate: 1e9})
	mark := filepath.Join(t.TempDir(), "mark")
	// Not HUP: under nohup no shell can trap it.
	cmd, _ := started(t, l, nil, fmt.Sprintf("trap 'echo >%s' USR1", mark))
	if err := Signal(cmd, unix.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(mark); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the signal did not arrive")
		}
	}
	if err := Kill(cmd); err != nil {
		t.Error(err)
	}
	if Signal(cmd, unix.SIGUSR1) == nil {
		t.Error("a signal was sent to a program that has ended")
	}
}

func TestProgramThatDoesNotExist(t *testing.T) {
	l := newLab(t, Path{RTT: time.Millisecond, Rate: 1e9})
	if err := l.Client.Start(exec.Command("no-such-program"), nil); err == nil {
		t.Error("was started")
	}
}

// A program ends with the thread that started it, and a closed link ends threads.
func TestProgramOutlivesOtherLabs(t *testing.T) {
	cgroup := newCgroup(t, "outlives")
	l := newLab(t, Path{RTT: time.Millisecond, Rate: 1e9})
	cmd, _ := started(t, l, cgroup, "true")
	for range 5 {
		other, err := New(Path{RTT: time.Millisecond, Rate: 1e9})
		if err != nil {
			t.Fatal(err)
		}
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if members(t, cgroup) == "" {
		t.Error("it has ended")
	}
	if err := Kill(cmd); err != nil {
		t.Error(err)
	}
}
