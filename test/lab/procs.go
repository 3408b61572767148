// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"runtime"
	"sync"
)

// procsPerLab is what the threads of a link and those that measure take.
const procsPerLab = 4

var resizing sync.Mutex

// addProcs raises GOMAXPROCS while a lab runs. A link's thread that returns from
// waiting must find a free processor of the Go scheduler at once; otherwise it
// queues behind goroutines for up to 10 ms, and the path is that much longer.
// Which thread gets a core is then for the kernel to say, which knows the
// priorities.
func addProcs(n int) {
	resizing.Lock()
	defer resizing.Unlock()
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + n)
}
