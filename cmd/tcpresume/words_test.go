// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

func TestEveryCounterHasAMeaning(t *testing.T) {
	names, err := pathstore.CounterNames()
	if err != nil {
		t.Fatal(err)
	}
	counted := make(map[string]bool)
	for _, name := range names {
		counted[name] = true
		if meanings[name].text == "" {
			t.Errorf("counter %s of the kernel has no meaning", name)
		}
	}
	for name := range meanings {
		if !counted[name] {
			t.Errorf("%s has a meaning, but the kernel does not count it", name)
		}
	}
}

func entryOf(change func(*pathstore.Entry)) pathstore.Entry {
	e := pathstore.Entry{
		Path: resume.Path{
			Peer: netip.MustParseAddr("192.0.2.1"), Cwnd: 256 << 10, Ssthresh: 512 << 10, RTT: 80 * time.Millisecond, TTL: 10 * time.Minute,
			Mode: resume.ModePolicy, Sharing: resume.SharingPolicy, Source: resume.SourceOperator,
		},
		State: pathstore.StateFree,
	}
	if change != nil {
		change(&e)
	}
	return e
}

func ruleOf(change func(*resume.Policy)) pathstore.Rule {
	rule := pathstore.Rule{Prefix: netip.MustParsePrefix("192.0.2.0/24"), Policy: resume.DefaultPolicy()}
	if change != nil {
		change(&rule.Policy)
	}
	return rule
}

func TestNextConnection(t *testing.T) {
	exact := func(e *pathstore.Entry) { e.Mode = resume.ModeExact }
	for _, c := range []struct {
		entry  func(*pathstore.Entry)
		policy func(*resume.Policy)
		want   string
	}{
		{exact, nil, "starts with 181 segments of 1448 bytes; slow start ends at 362"},
		{func(e *pathstore.Entry) { exact(e); e.Ssthresh = 0 }, nil, "starts with 181 segments of 1448 bytes; slow start is unbounded"},
		{exact, func(p *resume.Policy) { p.MaxCwnd = 100 << 10; p.MaxSsthresh = 200 << 10 }, "starts with 70 segments of 1448 bytes, as the policy caps it; slow start ends at 141"},
		{nil, nil, "starts as usual; once its first window is acknowledged and the round-trip time confirmed, it may jump to 90 segments of 1448 bytes"},
		{nil, func(p *resume.Policy) { p.MaxJump = 64 << 10 }, "starts as usual; once its first window is acknowledged and the round-trip time confirmed, it may jump to 45 segments of 1448 bytes"},
		{func(e *pathstore.Entry) { e.Cwnd = 60 * 1448 }, nil, "starts as usual; once its first window is acknowledged and the round-trip time confirmed, it may jump to 30 segments of 1448 bytes"},
		{func(e *pathstore.Entry) { e.Cwnd = 60*1448 - 1 }, nil, "starts cold: a jump to 43439 bytes, half of the window at most, saves no round trip over the usual start"},
		{exact, func(p *resume.Policy) { p.Mode = resume.ModeOff }, "starts cold: the policy of 192.0.2.0/24 is off"},
		{func(e *pathstore.Entry) { e.Mode = resume.ModeOff }, nil, "starts cold: the entry is off"},
		{func(e *pathstore.Entry) { e.State, e.Holder = pathstore.StateInUse, 42 }, nil, "starts cold: a live connection (socket 42) holds the entry, which serves one only"},
		{func(e *pathstore.Entry) { e.State = pathstore.StateSpent }, nil, "starts cold: the entry is spent, used once or found expired; store it again"},
		{func(e *pathstore.Entry) { e.State = pathstore.StateExpired }, nil, "starts cold: the entry's lifetime is over; store it again"},
		{func(e *pathstore.Entry) { e.State = pathstore.StateDamaged }, nil, "starts cold: the entry was not written by tcpresume, or with the time of another clock; store it again"},
		{func(e *pathstore.Entry) { e.Age = 5 * time.Minute }, func(p *resume.Policy) { p.Lifetime = time.Minute }, "starts cold: the entry is older than the 1m that the policy allows; store it again"},
		{func(e *pathstore.Entry) { e.Cwnd = 1447 }, nil, "starts cold: 1447 bytes are less than one segment of 1448"},
	} {
		if got := nextConnection(entryOf(c.entry), ruleOf(c.policy)); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

func TestCoveringPolicy(t *testing.T) {
	rule := func(prefix string, jump resume.Bytes) pathstore.Rule {
		r := ruleOf(func(p *resume.Policy) { p.MaxJump = jump })
		r.Prefix, _ = resume.ParsePrefix(prefix)
		return r
	}
	rules := []pathstore.Rule{rule("default", 1), rule("2001:db8::/32", 2), rule("10.0.0.0/8", 3), rule("10.1.0.0/16", 4), rule("10.1.2.3/32", 5)}
	for prefix, want := range map[string]resume.Bytes{
		"default": 1, "192.0.2.0/24": 1, "2001:db8:1::/48": 2, "2001::/16": 1,
		"10.0.0.0/8": 3, "10.0.0.0/7": 1, "10.1.2.0/24": 4, "10.1.2.3": 5,
	} {
		p, err := resume.ParsePrefix(prefix)
		if err != nil {
			t.Fatal(err)
		}
		if got := covering(rules, p).MaxJump; got != want {
			t.Errorf("%s is covered by rule %d, want %d", prefix, got, want)
		}
		if got := covering(rules[1:], netip.Prefix{}); got != resume.DefaultPolicy() {
			t.Errorf("default without a rule is %+v", got)
		}
	}
}

// Every field of a policy has a flag, and a flag that is not given changes nothing.
func TestPolicyFlags(t *testing.T) {
	given := map[string]string{
		"mode": "exact", "sharing": "shared", "scope": "netns", "dropin": "never", "live": "never", "max-cwnd": "1MiB", "max-ssthresh": "2MiB", "max-jump": "3MiB",
		"lifetime": "1h", "key-v4": "24", "key-v6": "48", "learn": "false", "rtt-low": "40", "rtt-high": "500",
	}
	before := reflect.ValueOf(resume.DefaultPolicy())
	changedBy := make(map[string]string)
	for flag, text := range given {
		var want resume.Policy
		cmd := newPolicySet(&global{})
		cmd.ResetFlags()
		addPolicyFlags(cmd, &want)
		if err := cmd.Flags().Set(flag, text); err != nil {
			t.Fatal(err)
		}
		policy := resume.DefaultPolicy()
		mergePolicy(&policy, want, cmd.Flags().Changed)
		after := reflect.ValueOf(policy)
		for i := range after.NumField() {
			if after.Field(i).Interface() != before.Field(i).Interface() {
				changedBy[after.Type().Field(i).Name] += flag
			}
		}
	}
	if len(changedBy) != before.NumField() || len(given) != before.NumField() {
		t.Errorf("%d fields of a policy, but these flags change: %v", before.NumField(), changedBy)
	}
}

func TestShow(t *testing.T) {
	for got, want := range map[string]string{
		showDuration(0):                                     "-",
		showDuration(350 * time.Microsecond):                "350us",
		showDuration(80123 * time.Microsecond):              "80.1ms",
		showDuration(59600 * time.Millisecond):              "1m",
		showDuration(10*time.Minute - 400*time.Millisecond): "10m",
		showDuration(time.Hour):                             "1h",
		showDuration(26*time.Hour + time.Minute):            "26h1m",
		showDuration(time.Hour + 30*time.Second):            "1h0m30s",
		showRTT(1234567 * time.Microsecond):                 "1.2346s",
		showCount(999):                                      "999",
		showCount(1234567):                                  "1,234,567",
		showVolume(999):                                     "999 B",
		showVolume(1_500_000_000):                           "1.5 GB",
		showAge(10 * time.Millisecond):                      "just now",
		showAge(61 * time.Second):                           "1m1s ago",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
