// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// Main is the TestMain of a package whose tests share one loaded tcpresume, which
// is there while they run: loading takes seconds, and there cannot be a second
// one, because congestion control names are the kernel's. What of it the tests
// cannot do without, fit says.
func Main(tests interface{ Run() int }, loaded **Rig, fit ...func(*Rig) error) {
	Isolate(func() int {
		code, err := run(tests, loaded, fit)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return code
	})
}

func run(tests interface{ Run() int }, loaded **Rig, fit []func(*Rig) error) (code int, err error) {
	if *loaded, err = New(context.Background()); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, (*loaded).Close()) }() // a test may have replaced it
	for _, check := range fit {
		if err := check(*loaded); err != nil {
			return 1, err
		}
	}
	return tests.Run(), nil
}
