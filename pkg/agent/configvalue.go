// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"errors"
	"fmt"
	"net/netip"
	"os/user"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

// overflowID is the uid and gid that the kernel shows for one it cannot translate.
const overflowID = 65534

func nobody(id uint32) bool { return id == overflowID }

// plainYAML takes the names of Go types out of the decoder's errors.
func plainYAML(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	text = strings.ReplaceAll(strings.TrimPrefix(text, "unmarshal errors:\n  "), "\n  ", "; ")
	for _, word := range []struct{ from, to string }{
		{" not found in type agent.fileCaller", " is unknown: use users, groups, peers, rate, burst, max-paths, max-cwnd, exact, read"},
		{" not found in type agent.file", " is unknown: use callers, shared-after, fresh, group, fleet"},
		{"[]agent.fileCaller", "a list of callers"}, {"agent.fileCaller", "a caller"}, {"agent.file", "the configuration"},
		{"[]yaml.Node", "a list"}, {"into bool", "into true or false"}, {"into int", "into a whole number"},
	} {
		text = strings.ReplaceAll(text, word.from, word.to)
	}
	return errors.New(text)
}

// scalar reads one value and names its line where it is wrong.
func scalar[T any](node *yaml.Node, what string, parse func(string) (T, error), to *T) error {
	for node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node.Kind != yaml.ScalarNode {
		return fmt.Errorf("line %d: %s is not one value", node.Line, what)
	}
	value, err := parse(node.Value)
	if err != nil {
		return fmt.Errorf("line %d: %s: %w", node.Line, what, err)
	}
	*to = value
	return nil
}

func scalars[T any](node yaml.Node, what string, parse func(string) (T, error), to *[]T) error {
	var value T
	if err := scalar(&node, what, parse, &value); err != nil {
		return err
	}
	*to = append(*to, value)
	return nil
}

func between(what string, n, low, high int) error {
	if n < low || n > high {
		return fmt.Errorf("%s %d is out of range: give %d to %d", what, n, low, high)
	}
	return nil
}

func userID(text string) (uint32, error) {
	if n, err := strconv.ParseUint(text, 10, 32); err == nil {
		return uint32(n), nil
	}
	found, err := user.Lookup(text)
	if err != nil {
		return 0, fmt.Errorf("%q is neither a number nor a user of this machine", text)
	}
	n, err := strconv.ParseUint(found.Uid, 10, 32)
	return uint32(n), err
}

func groupID(text string) (uint32, error) {
	if n, err := strconv.ParseUint(text, 10, 32); err == nil {
		return uint32(n), nil
	}
	found, err := user.LookupGroup(text)
	if err != nil {
		return 0, fmt.Errorf("%q is neither a number nor a group of this machine", text)
	}
	n, err := strconv.ParseUint(found.Gid, 10, 32)
	return uint32(n), err
}

func peerPrefix(text string) (netip.Prefix, error) {
	if prefix, err := netip.ParsePrefix(text); err == nil && prefix.Masked() == prefix && !prefix.Addr().Is4In6() {
		return prefix, nil // ::/0, too: here it cannot mean IPv4
	}
	prefix, err := resume.ParsePrefix(text)
	if err == nil && !prefix.IsValid() {
		err = errors.New(`"default" is for policies: leave peers out for every global address, or give 0.0.0.0/0 and ::/0`)
	}
	return prefix, err
}
