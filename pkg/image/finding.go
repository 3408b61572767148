// SPDX-License-Identifier: Apache-2.0

package image

import (
	"slices"
	"strings"
)

// Status is what a finding means for the use of an image.
type Status string

// A problem keeps a bpfman from loading the image, or makes its labels untrue.
const (
	OK      Status = "ok"
	Warning Status = "warning"
	Problem Status = "problem"
)

// Generation is one of the two bpfmans: the released one in Rust, whose last
// version is 0.6.0, and the one in Go.
type Generation string

// The generations of bpfman.
const (
	Bpfman06 Generation = "0.6"
	BpfmanGo Generation = "go"
)

var generations = []Generation{Bpfman06, BpfmanGo}

// Finding is one thing that was looked at.
type Finding struct {
	Check     string       `json:"check"`
	Status    Status       `json:"status"`
	Platforms []string     `json:"platforms,omitempty"`  // none: the image as a whole
	RefusedBy []Generation `json:"refused_by,omitempty"` // who does not load it for this
	Detail    string       `json:"detail"`
	Remedy    string       `json:"remedy,omitempty"`
}

// checks are all there are, from the outside of an image inward.
var checks = []string{"registry", "index", "layer", "file", "object", "labels"}

const (
	rebuild       = `"tcpresume image build" makes one that both load`
	sameVersion   = `use the tcpresume and the image of one version`
	relabel       = `"tcpresume image labels" prints what the labels must be`
	pullElsewhere = `push it to a registry with TLS`
)

func passed(check, detail string) Finding {
	return Finding{Check: check, Status: OK, Detail: detail}
}

func noted(check, detail, remedy string) Finding {
	return Finding{Check: check, Status: Warning, Detail: detail, Remedy: remedy}
}

func refused(check, detail, remedy string, by ...Generation) Finding {
	return Finding{Check: check, Status: Problem, Detail: detail, Remedy: remedy, RefusedBy: by}
}

// merge makes one finding of those that differ in their platform only.
func merge(findings []Finding) []Finding {
	var merged []Finding
	for _, f := range findings {
		same := slices.IndexFunc(merged, func(m Finding) bool {
			return m.Check == f.Check && m.Status == f.Status && m.Detail == f.Detail && slices.Equal(m.RefusedBy, f.RefusedBy)
		})
		if same < 0 {
			merged = append(merged, f)
			continue
		}
		merged[same].Platforms = append(merged[same].Platforms, f.Platforms...)
	}
	slices.SortStableFunc(merged, func(a, b Finding) int { return slices.Index(checks, a.Check) - slices.Index(checks, b.Check) })
	return merged
}

// refusal is why a generation does not load an image; empty if it does.
func refusal(findings []Finding, by Generation) string {
	var reasons []string
	for _, f := range findings {
		if slices.Contains(f.RefusedBy, by) {
			reasons = append(reasons, f.Check+": "+f.Detail)
		}
	}
	return strings.Join(reasons, "; ")
}
