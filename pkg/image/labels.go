// SPDX-License-Identifier: Apache-2.0

package image

import (
	"encoding/json"
	"fmt"
)

// The labels in which bpfman looks for what an object holds. Each is a JSON
// object of strings, name to type; bpfman 0.6 refuses an image without both.
const (
	LabelPrograms = "io.ebpf.programs"
	LabelMaps     = "io.ebpf.maps"
)

// Labels returns both, computed from the object.
func (o Object) Labels() map[string]string {
	return map[string]string{LabelPrograms: labelOf(o.Programs), LabelMaps: labelOf(o.Maps)}
}

// labelOf has no blank in it, so that shells take it as one word, and its names
// are sorted, so that equal objects have equal labels.
func labelOf(types map[string]string) string {
	text, err := json.Marshal(types)
	if err != nil { // strings always marshal
		panic(err)
	}
	return string(text)
}

func parseLabel(text string) (map[string]string, error) {
	var types map[string]string
	if err := json.Unmarshal([]byte(text), &types); err != nil || types == nil {
		return nil, fmt.Errorf("%q is no JSON object of strings", text)
	}
	return types, nil
}
