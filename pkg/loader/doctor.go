// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cilium/ebpf"
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
	if root, whole, err := cgroupRoot(); err == nil && !whole && opts.Cgroup == "" {
		findings[0] = Finding{"cgroup", Warning, partOfCgroups(root), reachable(
			"mount -t cgroup2 none DIR, and name DIR or a cgroup below it with --cgroup",
			"give the pod the node's /sys/fs/cgroup (hostPath), as manifests/base does")}
	}
	all, err := attachments(cgroup, ebpf.AttachCGroupSockOps)
	if err != nil {
		return append(findings, Finding{"sockops programs", Warning, err.Error(), ""})
	}
	for _, a := range shadowed(all, ownAttachment) {
		findings = append(findings, Finding{"sockops programs", Warning, shadowNote(a, cgroup), shadowRemedy})
	}
	running, _ := openAttached(opts.Pins)
	if running != nil {
		defer running.Close()
	}
	for _, a := range all {
		if a.Exclusive && running == nil {
			findings = append(findings, Finding{"sockops programs", Problem, a.String() + ", attached exclusively: \"tcpresume up\" is refused",
				"bpftool cgroup detach " + a.Cgroup + " sock_ops id " + fmt.Sprint(a.Program) + ", or have it attached with BPF_F_ALLOW_MULTI or by a link"})
			continue
		}
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
	if onBPFFS(parent) && unix.Access(parent, unix.W_OK) != nil {
		return Finding{"bpffs", Problem, parent + " cannot be written", reachable("mount it without \"ro\", and run as root", "mount it into the pod without readOnly, and run as user 0")}
	}
	if onBPFFS(parent) {
		return Finding{"bpffs", OK, parent, ""}
	}
	if info, err := os.Stat(bpffsRoot); parent == bpffsRoot && err == nil && info.IsDir() {
		return Finding{"bpffs", OK, "not mounted on " + parent + "; \"tcpresume up\" mounts it", ""}
	}
	return Finding{"bpffs", Problem, parent + " is not on a bpffs", reachable("mount -t bpf none "+parent, "give the pod the node's /sys/fs/bpf (hostPath), as manifests/base does")}
}

func checkLoaded(opts Options) Finding {
	state, err := Inspect(opts)
	no := refused(opts, state)
	switch {
	case no.Status == Problem:
		return no
	case errors.Is(err, pathstore.ErrNotLoaded):
		if held := heldElsewhere(opts); len(held.names) > 0 {
			what, remedy, _ := strings.Cut(held.explain(opts), "; ")
			return Finding{"tcpresume", Problem, "not loaded, and \"tcpresume up\" is refused: " + what, remedy}
		}
		if _, stat := os.Stat(opts.Pins); stat == nil {
			return Finding{"tcpresume", Warning, "pins without an attached program under " + opts.Pins, "\"tcpresume up\" finishes it, \"tcpresume down\" removes it"}
		}
		return Finding{"tcpresume", OK, "not loaded", "\"tcpresume up\" loads it"}
	case err != nil:
		return Finding{"tcpresume", Problem, err.Error(), ""}
	case state.CgroupID == 0:
		return Finding{"tcpresume", Problem, "attached to no cgroup any more: it was detached, or its cgroup removed", "\"tcpresume up\", with --cgroup if it was on one, attaches it again"}
	case no.Status != "":
		return no
	case state.Outdated:
		return Finding{"tcpresume", Warning, "another version is loaded on " + state.Cgroup, replaces(state)}
	}
	for _, w := range state.Wrappers {
		if !w.Registered {
			return Finding{"tcpresume", Warning, w.Name + ": " + w.Reason, "see \"tcpresume status\""}
		}
	}
	return Finding{"tcpresume", OK, "loaded on " + state.Cgroup, ""}
}
