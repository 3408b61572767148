// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"errors"
	"net"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

func newNamespace(t *testing.T) *Namespace {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root")
	}
	n, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

func here(t *testing.T) string {
	t.Helper()
	name, err := os.Readlink("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func TestDoRunsInsideAndComesBack(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	outer, inner := newNamespace(t), newNamespace(t)
	home := here(t)
	failure := errors.New("failure")
	err := outer.Do(func() error {
		inOuter := here(t)
		if inOuter == home {
			t.Error("ran at home")
		}
		err := inner.Do(func() error {
			if now := here(t); now == home || now == inOuter {
				t.Error("nested call ran in a namespace already seen")
			}
			return failure
		})
		if here(t) != inOuter {
			t.Error("nested call came back to the wrong namespace")
		}
		return err
	})
	if !errors.Is(err, failure) {
		t.Errorf("got %v, want the function's own error", err)
	}
	if here(t) != home {
		t.Error("did not come back")
	}
}

func TestThreadComesHomeAfterGoexit(t *testing.T) {
	n := newNamespace(t)
	home := make(chan bool)
	go func() {
		runtime.LockOSThread()
		before := here(t)
		defer func() { home <- here(t) == before }()
		_ = n.Do(func() error {
			runtime.Goexit()
			return nil
		})
	}()
	if !<-home {
		t.Error("the thread stayed in the namespace")
	}
}

func TestTUNIsInTheNamespaceOnly(t *testing.T) {
	n := newNamespace(t)
	const name = "netns-test"
	tun, err := n.OpenTUN(name)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(tun)
	err = n.Do(func() error {
		_, err := net.InterfaceByName(name)
		return err
	})
	if err != nil {
		t.Errorf("device is missing inside: %v", err)
	}
	if _, err := net.InterfaceByName(name); err == nil {
		t.Error("device is visible outside")
	}
}
