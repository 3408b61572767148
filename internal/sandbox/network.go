// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// networkRemedy names the two obstacles of the unit that is shipped, which stand
// one behind the other.
const networkRemedy = "the service's unit forbids IP (RestrictAddressFamilies=, and IPAddressDeny= behind it): install manifests/systemd/network.conf as its drop-in"

// Network explains an error of the network that a unit's sandbox makes: no
// sockets of a family, or no packets.
func Network(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EAFNOSUPPORT), errors.Is(err, syscall.EPERM) && underService():
		return fmt.Errorf("%w; %s", err, networkRemedy)
	case isTimeout(err) && underService():
		return fmt.Errorf("%w; if IPAddressDeny= of the service's unit is in force, no packet leaves: see manifests/systemd/network.conf", err)
	}
	return err
}

// underService reports whether systemd has started this process as a service.
func underService() bool { return os.Getenv("INVOCATION_ID") != "" }

func isTimeout(err error) bool {
	var slow interface{ Timeout() bool }
	return errors.As(err, &slow) && slow.Timeout()
}
