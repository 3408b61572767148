// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"io"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/netns"
)

// handback gives every socket that still has one of our congestion controls
// its own back, namespace by namespace, and returns how many there were.
func handback(maps mapSet) (int, error) {
	spec, err := bytecode.LoadHandback()
	if err != nil {
		return 0, err
	}
	coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{MapReplacements: maps.shared(spec)})
	if err != nil {
		return 0, fmt.Errorf("loading the socket iterator: %w", verdict(err))
	}
	defer coll.Close()
	iter, err := link.AttachIter(link.IterOptions{Program: coll.Programs[bytecode.HandbackProgTcpHandback]})
	if err != nil {
		return 0, fmt.Errorf("attaching the socket iterator: %w", rights(err))
	}
	defer iter.Close()

	namespaces, err := netns.All()
	if err != nil {
		return 0, err
	}
	total := 0
	var errs []error
	for _, ns := range namespaces {
		errs = append(errs, netns.In(ns, func() error {
			n, err := iterate(iter)
			total += n
			return err
		}))
		ns.Close()
	}
	return total, errors.Join(errs...)
}

// initialPIDs is the inode of the host's PID namespace, the same in every kernel.
const initialPIDs = 0xeffffffc

// outOfSight says that there may be network namespaces that this process does
// not find, as in a pod: only those of the processes that it sees are walked.
func outOfSight() string {
	if identify("/proc/self/ns/pid").ino == initialPIDs {
		return ""
	}
	return "in a PID namespace of its own this process reached the sockets of its own network namespaces only; " +
		"those of others get their own congestion control back at their next ACK; \"tcpresume down\" on the host, or in a pod with hostPID, reaches idle ones at once"
}

// iterate walks the sockets of the current namespace; the program writes one byte for each it changed.
func iterate(iter *link.Iter) (int, error) {
	seq, err := iter.Open()
	if err != nil {
		return 0, err
	}
	defer seq.Close()
	written, err := io.ReadAll(seq)
	return len(written), err
}
