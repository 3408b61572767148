// SPDX-License-Identifier: Apache-2.0

package examples

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/tcpresume/tcpresume/test/example"
	"github.com/tcpresume/tcpresume/test/rig"
)

// loaded serves every test of the package: loading takes seconds.
var loaded *rig.Rig

// programs are built before anybody has to wait for this package.
var programs = make(map[string]string)

func TestMain(m *testing.M) {
	for _, directory := range []string{"examples/quic-go", "examples/caddy", "examples/haproxy", "cmd/tcpresume"} {
		program, err := example.Build(context.Background(), directory)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		programs[directory] = program
	}
	rig.Isolate(func() int {
		code, err := run(m)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return code
	})
}

func run(m *testing.M) (code int, err error) {
	if err := example.PrivateRun(); err != nil {
		return 0, err
	}
	if loaded, err = rig.New(context.Background()); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, loaded.Close()) }()
	agent, err := example.StartAgent(context.Background())
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, agent.Stop()) }()
	return m.Run(), nil
}
