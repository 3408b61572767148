// SPDX-License-Identifier: Apache-2.0

package feature

import (
	"errors"

	"github.com/cilium/ebpf"
)

// Result is what a probe found.
type Result struct {
	Name    string
	Since   string // the Linux version that brought it
	Without string // what tcpresume does then
	Works   bool
	Detail  string
}

// The features that tests ask for by name.
const (
	Links   = "struct_ops links"
	Optmem  = "net.core.optmem_max per namespace"
	BBR     = "bbr's functions take the kernel's struct sock"
	Storage = "socket storage"
)

type probe struct {
	Result
	try func() (detail string, err error)
}

var probes = []probe{
	{Result{Name: "congestion controls from BPF", Since: "5.6", Without: "stored windows only: no ssthresh, no pacing, no `careful`"}, structOps},
	{Result{Name: "kfuncs of reno", Since: "5.13; those of cubic and bbr on other machines than x86: 6.10", Without: "no wrappers"}, kfuncs},
	{Result{Name: Links, Since: "6.4", Without: "wrappers are registered by map: an upgrade leaves a moment in which connections start cold, and after a crash the registration stays until the next `up` or `down`"}, structOpsLinks},
	{Result{Name: "cong_control with four arguments", Since: "6.10", Without: "the two-argument object is loaded: nothing is lost"}, fourArguments},
	{Result{Name: "cwnd_event_tx_start", Since: "7.1", Without: "the programs for cwnd_event are loaded: nothing is lost"}, txStart},
	{Result{Name: "bbr built in", Since: "a choice of the build", Without: "`up` loads the module tcp_bbr"}, builtIn},
	{Result{Name: BBR, Since: "a choice of the build", Without: "the module's BTF brings a `struct sock` of its own, so the verifier refuses calls to it: bbr connections get the stored cwnd only; `up` and `doctor` name it and CUBIC and Reno work"}, bbrTypes},
	{Result{Name: Storage, Since: "4.19; from 7.1 on only with a 16-byte compare-and-exchange", Without: "no connection resumes and nothing is learnt; `up` and `doctor` name it"}, storage},
	{Result{Name: "app_limited writable", Since: "between 6.1 and 6.12", Without: "not used"}, appLimited},
	{Result{Name: "bpf_get_current_cgroup_id in sockops", Since: "between 6.1 and 6.12", Without: "not used"}, cgroupID},
	{Result{Name: Optmem, Since: "between 6.1 and 6.12", Without: "one limit of socket option memory for all"}, optmem},
}

// Probe tries every feature.
func Probe() []Result {
	var all []Result
	for _, p := range probes {
		detail, err := p.try()
		p.Works, p.Detail = err == nil, detail
		if err != nil {
			p.Detail = firstLine(err)
		}
		all = append(all, p.Result)
	}
	return all
}

func firstLine(err error) string {
	var log *ebpf.VerifierError
	if errors.As(err, &log) && len(log.Log) > 1 {
		return log.Log[len(log.Log)-2] // the last is the count of instructions
	}
	return err.Error()
}
