// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/test/rig"
)

// keeperEnv makes a copy of this program load tcpresume onto the cgroup that it
// names and stay, as the foreground service does.
const keeperEnv = "TCPRESUME_RUNTIME_KEEPER"

func TestMain(m *testing.M) {
	if cgroup := os.Getenv(keeperEnv); cgroup != "" {
		keep(cgroup)
	}
	rig.Isolate(m.Run)
}

func keep(cgroup string) {
	runtime, err := loader.Up(context.Background(), loader.Options{Cgroup: cgroup})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("up")
	var wait [1]byte
	_, _ = os.Stdin.Read(wait[:]) // ends with the test at the latest
	_ = runtime.Close()           // held until here: collected as garbage, it would let go of the pins
	os.Exit(0)
}
