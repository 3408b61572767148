// SPDX-License-Identifier: Apache-2.0

package image

import (
	"fmt"
	"strings"
)

// legacyLabels, if all are there, stand in for the two in bpfman 0.6.
var legacyLabels = []string{"io.ebpf.program_name", legacyFunction, "io.ebpf.program_type", "io.ebpf.filename"}

const legacyFunction = "io.ebpf.bpf_function_name"

// labels: bpfman 0.6 refuses an image without them, and a program that they do
// not name. Neither looks at types or maps, and both refuse what does not parse.
func (j *judgement) labels(labels map[string]string) {
	programs, hasPrograms := labels[LabelPrograms]
	maps, hasMaps := labels[LabelMaps]
	if !hasPrograms || !hasMaps {
		j.missing(labels, hasPrograms, hasMaps)
	}
	good := hasPrograms && hasMaps
	if hasPrograms {
		good = j.label(LabelPrograms, programs, func(o *Object) map[string]string { return o.Programs }) && good
	}
	if hasMaps {
		good = j.label(LabelMaps, maps, func(o *Object) map[string]string { return o.Maps }) && good
	}
	if good && j.object != nil {
		j.find(passed("labels", fmt.Sprintf("name %s and %s, those of the object", count(len(j.object.Programs), "program"), count(len(j.object.Maps), "map"))))
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (j *judgement) missing(labels map[string]string, hasPrograms, hasMaps bool) {
	for _, name := range legacyLabels {
		if _, ok := labels[name]; ok {
			continue
		}
		var absent []string
		if !hasPrograms {
			absent = append(absent, LabelPrograms)
		}
		if !hasMaps {
			absent = append(absent, LabelMaps)
		}
		j.find(refused("labels", "no "+strings.Join(absent, " and no "), relabel, Bpfman06))
		return
	}
	only := labels[legacyFunction]
	if j.object != nil && (j.object.Programs[only] == "" || len(j.object.Programs) > 1) {
		j.find(refused("labels", fmt.Sprintf("the older set, which names %s only", only), relabel, Bpfman06))
		return
	}
	j.find(noted("labels", fmt.Sprintf("the older set, which names %s only", only), relabel))
}

// label reports whether a label is well-formed and true.
func (j *judgement) label(name, text string, of func(*Object) map[string]string) bool {
	said, err := parseLabel(text)
	if err != nil {
		by := generations
		if text == "" || text == "null" { // to the Go bpfman as good as none
			by = []Generation{Bpfman06}
		}
		j.find(refused("labels", name+": "+err.Error(), relabel, by...))
		return false
	}
	if j.object == nil {
		return true
	}
	differences, lacking := differ(said, of(j.object))
	if len(differences) > 0 {
		var by []Generation
		if name == LabelPrograms && lacking {
			by = []Generation{Bpfman06}
		}
		j.find(refused("labels", name+": "+strings.Join(differences, ", "), relabel, by...))
	}
	return len(differences) == 0
}

// differ also tells whether something of what is held is not said.
func differ(said, held map[string]string) (differences []string, lacking bool) {
	for _, name := range sortedKeys(held) {
		switch what, ok := said[name]; {
		case !ok:
			lacking = true
			differences = append(differences, name+" is missing")
		case what != held[name]:
			differences = append(differences, fmt.Sprintf("%s is %s and called %s", name, held[name], what))
		}
	}
	for _, name := range sortedKeys(said) {
		if _, ok := held[name]; !ok {
			differences = append(differences, name+" is not in the object")
		}
	}
	return differences, lacking
}
