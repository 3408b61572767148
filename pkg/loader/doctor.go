// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
)

// Diagnose looks at everything that Up needs and at what is loaded. It changes nothing.
func Diagnose(opts Options) []Finding {
	opts = opts.filled()
	findings := []Finding{checkKernel(), checkCapabilities()}
	findings = append(findings, checkBTF()...)
	findings = append(findings, checkStorage())
	findings = append(findings, checkCgroup(opts)...)
	findings = append(findings, checkLive(opts)...)
	return append(findings, checkBPFFS(opts), checkLoaded(opts))
}

func checkKernel() Finding {
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return Finding{"kernel", Problem, err.Error(), ""}
	}
	return Finding{"kernel", OK, unix.ByteSliceToString(uts.Release[:]) + " " + unix.ByteSliceToString(uts.Machine[:]), ""}
}

func checkCapabilities() Finding {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return Finding{"capabilities", Problem, err.Error(), ""}
	}
	const all = unix.CAP_SYS_ADMIN // for BPF it holds CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN, which do not hold it
	if data[all/32].Effective&(1<<(all%32)) == 0 {
		return Finding{"capabilities", Problem, "missing CAP_SYS_ADMIN", "run as root, or grant it to the service"}
	}
	return Finding{"capabilities", OK, "CAP_SYS_ADMIN", ""}
}

func checkBTF() []Finding {
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return []Finding{{"BTF", Problem, err.Error(), "boot a kernel with CONFIG_DEBUG_INFO_BTF"}}
	}
	findings := []Finding{{"BTF", OK, "the kernel describes its types", ""}}
	switch {
	case !haveStructOps(kernel):
		return append(findings, Finding{"struct_ops", Warning, "no congestion control from BPF: stored cwnd only, no ssthresh, no pacing", "boot a kernel with CONFIG_BPF_JIT"})
	case !haveStructOpsLinks(kernel):
		findings = append(findings, Finding{"struct_ops", OK, "registered by map: an upgrade has a short gap (links need Linux 6.4)", ""})
	default:
		findings = append(findings, Finding{"struct_ops", OK, "registered by link", ""})
	}
	findings = append(findings, checkOperations(kernel))
	for _, w := range wrappers {
		findings = append(findings, w.check(kernel))
	}
	return findings
}

func checkCgroup(opts Options) []Finding {
	cgroup, err := findCgroup(opts.Cgroup)
	if err != nil {
		return []Finding{{"cgroup", Problem, err.Error(), ""}}
	}
	findings := []Finding{{"cgroup", OK, cgroup, ""}}
	all, err := attachments(cgroup)
	if err != nil {
		return append(findings, Finding{"sockops programs", Warning, err.Error(), ""})
	}
	for _, a := range all {
		if !a.ByLink {
			findings = append(findings, Finding{"sockops programs", Warning, a.String() + ", attached without a link",
				"if \"tcpresume up\" is refused: bpftool cgroup detach " + a.Cgroup + " sock_ops id " + fmt.Sprint(a.Program)})
			continue
		}
		findings = append(findings, Finding{"sockops programs", OK, a.String(), ""})
	}
	if len(all) == 0 {
		findings = append(findings, Finding{"sockops programs", OK, "none on this cgroup or above", ""})
	}
	return findings
}

func checkBPFFS(opts Options) Finding {
	parent := filepath.Dir(opts.Pins)
	if onBPFFS(parent) {
		return Finding{"bpffs", OK, parent, ""}
	}
	if parent == bpffsRoot {
		return Finding{"bpffs", OK, "not mounted on " + parent + "; \"tcpresume up\" mounts it", ""}
	}
	return Finding{"bpffs", Problem, parent + " is not on a bpffs", "mount -t bpf none " + parent}
}

func checkLoaded(opts Options) Finding {
	state, err := Inspect(opts)
	switch {
	case errors.Is(err, pathstore.ErrNotLoaded):
		if _, stat := os.Stat(opts.Pins); stat == nil {
			return Finding{"tcpresume", Warning, "pins without an attached program under " + opts.Pins, "\"tcpresume up\" finishes it, \"tcpresume down\" removes it"}
		}
		return Finding{"tcpresume", OK, "not loaded", "\"tcpresume up\" loads it"}
	case err != nil:
		return Finding{"tcpresume", Problem, err.Error(), ""}
	case state.CgroupID == 0:
		return Finding{"tcpresume", Problem, "its cgroup was removed, and the attachment with it", "\"tcpresume up --cgroup PATH\" attaches it again"}
	case state.Outdated:
		return Finding{"tcpresume", Warning, "another version is loaded on " + state.Cgroup, "\"tcpresume up\" replaces it while connections live"}
	}
	for _, w := range state.Wrappers {
		if !w.Registered {
			return Finding{"tcpresume", Warning, w.Name + ": " + w.Reason, "see \"tcpresume status\""}
		}
	}
	return Finding{"tcpresume", OK, "loaded on " + state.Cgroup, ""}
}
