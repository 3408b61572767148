// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/test/rig"
)

const patience = 20 * time.Second

var (
	loaded  *rig.Rig
	program string
	dir     string
)

func TestMain(m *testing.M) {
	rig.Isolate(func() int {
		if err := prepare(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		code := m.Run()
		if err := loaded.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.RemoveAll(dir)
		return code
	})
}

func prepare() (err error) {
	if dir, err = os.MkdirTemp("", "tcpresume-observe-"); err != nil {
		return err
	}
	if program, err = rig.BuildProgram(dir); err != nil {
		return err
	}
	loaded, err = rig.New(context.Background())
	return err
}
