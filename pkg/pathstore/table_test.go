// SPDX-License-Identifier: Apache-2.0

package pathstore

import (
	"net/netip"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

func TestLongestPrefixWins(t *testing.T) {
	named := func(jump resume.Bytes) resume.Policy {
		p := resume.DefaultPolicy()
		p.MaxJump = jump
		return p
	}
	table := newPolicyTable([]Rule{
		{netip.Prefix{}, named(1)},
		{netip.MustParsePrefix("2001:db8::/32"), named(3)},
		{netip.MustParsePrefix("0.0.0.0/0"), named(2)},
		{netip.MustParsePrefix("192.0.2.0/24"), named(4)},
		{netip.MustParsePrefix("192.0.2.7/32"), named(5)},
	})
	for text, want := range map[string]resume.Bytes{
		"192.0.2.7": 5, "192.0.2.8": 4, "198.51.100.1": 2, "2001:db8::1": 3, "2001:db9::1": 1,
	} {
		if _, policy := table.match(netip.MustParseAddr(text)); policy.MaxJump != want {
			t.Errorf("%s is under rule %d, want %d", text, policy.MaxJump, want)
		}
	}
	if prefix, policy := newPolicyTable(nil).match(netip.MustParseAddr("192.0.2.7")); prefix.IsValid() || policy != resume.DefaultPolicy() {
		t.Errorf("without rules %v, %+v", prefix, policy)
	}
}

func TestPolicySurvivesTheKernelsForm(t *testing.T) {
	p := resume.DefaultPolicy()
	p.Mode, p.Sharing, p.Scope, p.Dropin, p.Live = resume.ModeExact, resume.SharingShared, resume.ScopeNetns, resume.DropinNever, resume.LiveNever
	p.MaxCwnd, p.MaxSsthresh, p.KeyBitsV4, p.KeyBitsV6, p.Learn, p.RTTLow, p.RTTHigh = 7, 8, 24, 64, false, 40, 2000
	val, err := encodePolicy(p)
	if err != nil {
		t.Fatal(err)
	}
	if got := decodePolicy(val); got != p {
		t.Errorf("%+v became %+v", p, got)
	}
}

func TestPrefixesSurviveTheKernelsForm(t *testing.T) {
	for _, text := range []string{"default", "0.0.0.0/0", "10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32", "2001:db8::1/128", "::/96"} {
		prefix, err := resume.ParsePrefix(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := resume.FormatPrefix(prefixOf(policyKey(prefix))); got != text {
			t.Errorf("%s became %s", text, got)
		}
	}
}

// No prefix is for a token: who will name it is not known when it is stored.
func TestTokensAreUnderTheDefault(t *testing.T) {
	named := resume.DefaultPolicy()
	named.MaxJump, named.Scope = 7, resume.ScopeNetns
	token, _, err := resume.ParseToken("token:20010db8000000000000000000000001")
	if err != nil {
		t.Fatal(err)
	}
	rules := []Rule{{netip.MustParsePrefix("2001:db8::/32"), named}}
	path := resume.Path{
		Peer: token, Scope: resume.ScopeToken, Cwnd: 1, TTL: time.Minute,
		Mode: resume.ModePolicy, Sharing: resume.SharingPolicy, Source: resume.SourceApplication,
	}
	for _, c := range []struct {
		rules []Rule
		want  resume.Policy
	}{{rules, resume.DefaultPolicy()}, {append([]Rule{{netip.Prefix{}, named}}, rules...), named}} {
		table := newPolicyTable(c.rules)
		if _, policy := table.of(token, resume.ScopeToken); policy != c.want {
			t.Errorf("a token is under %+v, want %+v", policy, c.want)
		}
		key, val, err := table.encode(path, 1)
		if err != nil || key.Addr != token.As16() || key.Scope != resume.ScopeToken {
			t.Errorf("key %+v, %v", key, err)
		}
		if got := decode(&key, &val, 1); got.Peer != token || got.State != StateFree {
			t.Errorf("%+v became %+v", path, got)
		}
	}
}
