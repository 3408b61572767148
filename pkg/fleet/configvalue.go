// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

// knownFields refuses others, as the node's decoder does not.
func knownFields(node *yaml.Node) error {
	if node.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: fleet is not a list of fields", node.Line)
	}
	var known []string
	for field := range reflect.TypeFor[section]().Fields() {
		known = append(known, field.Tag.Get("yaml"))
	}
	for i := 0; i < len(node.Content); i += 2 {
		if name := node.Content[i]; !slices.Contains(known, name.Value) {
			return fmt.Errorf("line %d: field %s of fleet is unknown: use %s", name.Line, name.Value, strings.Join(known, ", "))
		}
	}
	return nil
}

// parsed reads a value that is there.
func parsed[T any](what, text string, parse func(string) (T, error), to *T) error {
	if text == "" {
		return nil
	}
	value, err := parse(text)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	*to = value
	return nil
}

func prefixes(what string, texts []string, to *[]netip.Prefix) error {
	for _, text := range texts {
		prefix, err := netip.ParsePrefix(text)
		if err != nil || prefix.Masked() != prefix || prefix.Addr().Is4In6() {
			if prefix, err = resume.ParsePrefix(text); err == nil && !prefix.IsValid() {
				err = fmt.Errorf("%q is for policies: give 0.0.0.0/0 and ::/0", text)
			}
		}
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		*to = append(*to, prefix)
	}
	return nil
}
