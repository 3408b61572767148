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
		return fmt.Errorf("%w; run as root, or with CAP_SYS_ADMIN", err)
	}
	return err
}

// verdict tells the verifier's refusals, which come as EACCES too, from missing
// privileges. The verifier's whole log is there with %+v.
func verdict(err error) error {
	var verifier *ebpf.VerifierError
	if errors.As(err, &verifier) && !errors.Is(err, unix.EPERM) {
		return &refusal{verifier}
	}
	return rights(err)
}

// refusal hides the errno of a program that the verifier turned down.
type refusal struct{ log *ebpf.VerifierError }

func (r *refusal) Error() string { return "the kernel's verifier refused a program: " + r.log.Error() }

func (r *refusal) As(target any) bool {
	log, ok := target.(**ebpf.VerifierError)
	if ok {
		*log = r.log
	}
	return ok
}

func isRights(err error) bool {
	return errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) || errors.Is(err, os.ErrPermission)
}
