// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// rights adds the remedy to an error about missing privileges.
func rights(err error) error {
	if isRights(err) {
		return fmt.Errorf("%w; run as root, or with CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON and CAP_SYS_ADMIN", err)
	}
	return err
}

// verdict shortens what the verifier says to its last words; the whole log is
// there with %+v.
func verdict(err error) error {
	var verifier *ebpf.VerifierError
	if errors.As(err, &verifier) {
		return rights(verifier)
	}
	return rights(err)
}

func isRights(err error) bool {
	return errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) || errors.Is(err, os.ErrPermission)
}
