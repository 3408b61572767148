// SPDX-License-Identifier: Apache-2.0

package browser

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

func TestMain(m *testing.M) {
	for _, directory := range []string{"examples/quic-go", "cmd/tcpresume"} { // before anybody has to wait for this package
		if _, err := example.Build(context.Background(), directory); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
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
