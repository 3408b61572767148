// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// serveWord makes this program a NATS server: port, directory.
const serveWord = "nats-server"

const patience = 30 * time.Second

func serveNATS(args []string) {
	port, _ := strconv.Atoi(args[0])
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: args[1], NoLog: true})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	s.Start()
	if !s.ReadyForConnections(patience) {
		os.Exit(1)
	}
	fmt.Println(s.Addr())
	s.WaitForShutdown()
}

// bus is a NATS server in a process of its own.
type bus struct {
	cmd  *exec.Cmd
	dir  string
	addr string
}

func newBus() (*bus, error) {
	dir, err := os.MkdirTemp("", "tcpresume-fleet")
	if err != nil {
		return nil, err
	}
	b := &bus{dir: dir}
	return b, b.start()
}

func (b *bus) start() error {
	port := "-1"
	if b.addr != "" {
		port = strconv.Itoa(int(netip.MustParseAddrPort(b.addr).Port()))
	}
	b.cmd = exec.Command("/proc/self/exe", serveWord, port, b.dir)
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	b.cmd.Stderr = os.Stderr
	out, err := b.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the child ends with the thread that made it
		started <- b.cmd.Start()
		select {}
	}()
	if err := <-started; err != nil {
		return err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return fmt.Errorf("the NATS server did not start: %q, %w", line, err)
	}
	b.addr = strings.TrimSpace(line)
	return nil
}

func (b *bus) url() string { return "nats://" + b.addr }

// kill ends it as an out-of-memory killer does.
func (b *bus) kill() {
	_ = b.cmd.Process.Kill()
	_ = b.cmd.Wait()
}

func (b *bus) close() error {
	b.kill()
	return os.RemoveAll(b.dir)
}

// cpu is what the server has used.
func (b *bus) cpu() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", b.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+2:]))
	if len(fields) < 13 {
		return 0, errors.New("stat of the server is too short")
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond, nil // USER_HZ is 100 on every Linux
}

// memory is what the server holds.
func (b *bus) memory() uint64 { return residentOf(b.cmd.Process.Pid) }

func residentOf(pid int) uint64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	pages, _ := strconv.ParseUint(strings.Fields(string(text))[1], 10, 64)
	return pages * uint64(os.Getpagesize())
}
