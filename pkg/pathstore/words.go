// SPDX-License-Identifier: Apache-2.0

package pathstore

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/tcpresume/tcpresume/bytecode"
)

// vocabulary holds the names of one C enum as user space spells them:
// RESUME_MODE_EXACT of enum resume_mode is "exact". Nothing is written twice.
type vocabulary struct {
	words   map[uint32]string
	numbers map[string]uint32
}

var vocabularies = sync.OnceValue(func() map[string]vocabulary {
	all := make(map[string]vocabulary)
	for _, load := range []func() (*ebpf.CollectionSpec, error){kernelSpec, bytecode.LoadLive} {
		spec, err := load()
		if err != nil {
			panic(fmt.Sprintf("embedded object: %v", err)) // a build that cannot read itself
		}
		for typ := range spec.Types.All() {
			if enum, ok := typ.(*btf.Enum); ok && strings.HasPrefix(enum.Name, "resume_") {
				all[enum.Name] = vocabularyOf(enum)
			}
		}
	}
	return all
})

func vocabularyOf(enum *btf.Enum) vocabulary {
	voc := vocabulary{words: make(map[uint32]string), numbers: make(map[string]uint32)}
	prefix := commonPrefix(enum)
	for _, value := range enum.Values {
		word := strings.ToLower(strings.TrimPrefix(value.Name, prefix))
		voc.words[uint32(value.Value)] = word
		voc.numbers[word] = uint32(value.Value)
	}
	return voc
}

// commonPrefix is RESUME_EVENT_ for enum resume_event_kind too: up to the last
// underscore that all names share.
func commonPrefix(enum *btf.Enum) string {
	prefix := enum.Values[0].Name
	for _, value := range enum.Values[1:] {
		for !strings.HasPrefix(value.Name, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	return prefix[:strings.LastIndex(prefix, "_")+1]
}

func word[N ~uint32 | ~uint8](enum string, number N) string {
	if text, ok := vocabularies()[enum].words[uint32(number)]; ok {
		return text
	}
	return fmt.Sprintf("unknown(%d)", number)
}

func number[W ~string](enum string, text W) (uint32, error) {
	n, ok := vocabularies()[enum].numbers[string(text)]
	if !ok {
		return 0, fmt.Errorf("%q is not a value of enum %s", text, enum)
	}
	return n, nil
}

// bound is a limit by which the kernel judges, as its object describes it.
func bound(name string, unit time.Duration) time.Duration {
	n, err := number("resume_bound", name)
	if err != nil {
		panic(err) // a build that cannot read itself
	}
	return time.Duration(n) * unit
}

// ShortRTT is the round-trip time below which mode careful is of no use and nothing is learnt.
func ShortRTT() time.Duration { return bound("short_rtt_us", time.Microsecond) }

// JumpWindows is how many times the present window a jump must be to gain anything.
func JumpWindows() int { return int(bound("jump_windows", 1)) }

// VerdictWord names what became of a live connection that was to get a path.
func VerdictWord(verdict uint8) string { return word("resume_verdict", verdict) }
