// SPDX-License-Identifier: Apache-2.0

package pathstore

import (
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// AskRule is what the applications of a cgroup may ask for their connections,
// within the policies of the peers.
type AskRule struct {
	Mode        resume.Mode  `json:"mode"`         // careful, or exact where policy or entry is exact too
	MaxCwnd     resume.Bytes `json:"max_cwnd"`     // 0: the policy's
	MaxSsthresh resume.Bytes `json:"max_ssthresh"` // 0: the policy's
}

// AskModes are the modes of an AskRule.
var AskModes = []resume.Mode{resume.ModeCareful, resume.ModeExact}

// PutAskRule puts a rule in force, at once, in the map of the programs that keep it.
func PutAskRule(m *ebpf.Map, rule AskRule) error {
	if _, err := resume.ParseWord("mode of asks", string(rule.Mode), AskModes); err != nil {
		return err
	}
	mode, err := number("resume_mode", rule.Mode)
	if err != nil {
		return err
	}
	val := bytecode.AskResumeAskRule{
		MaxCwndBytes:     uint32(rule.MaxCwnd),
		MaxSsthreshBytes: uint32(rule.MaxSsthresh),
		Mode:             mode,
	}
	if err := m.Put(uint32(0), &val); err != nil {
		return fmt.Errorf("setting what may be asked: %w", err)
	}
	return nil
}

// GetAskRule is the inverse of PutAskRule.
func GetAskRule(m *ebpf.Map) (AskRule, error) {
	var val bytecode.AskResumeAskRule
	if err := m.Lookup(uint32(0), &val); err != nil {
		return AskRule{}, fmt.Errorf("reading what may be asked: %w", err)
	}
	return AskRule{
		Mode:        resume.Mode(word("resume_mode", val.Mode)),
		MaxCwnd:     resume.Bytes(val.MaxCwndBytes),
		MaxSsthresh: resume.Bytes(val.MaxSsthreshBytes),
	}, nil
}
