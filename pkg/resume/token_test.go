// SPDX-License-Identifier: Apache-2.0

package resume

import (
	"strings"
	"testing"
)

func TestTokens(t *testing.T) {
	token := TokenOf([]byte("session 17"))
	if token == TokenOf([]byte("session 18")) {
		t.Error("two sessions have one token")
	}
	if got, ok, err := ParseToken(FormatToken(token)); got != token || !ok || err != nil {
		t.Errorf("%v became %v, %v, %v", token, got, ok, err)
	}
	if _, ok, err := ParseToken("192.0.2.1"); ok || err != nil {
		t.Errorf("an address is a token: %v, %v", ok, err)
	}
	for _, wrong := range []string{"token:", "token:00", "token:" + strings.Repeat("0g", 16), "token:" + strings.Repeat("00", 17)} {
		if _, ok, err := ParseToken(wrong); !ok || err == nil {
			t.Errorf("%s: %v, %v, want an error", wrong, ok, err)
		}
	}
}

// A token may look like any address, also like one that no connection comes from.
func TestTokensArePaths(t *testing.T) {
	for _, digits := range []string{strings.Repeat("00", 16), "ff" + strings.Repeat("01", 15), strings.Repeat("00", 10) + "ffff01020304"} {
		token, _, err := ParseToken("token:" + digits)
		if err != nil {
			t.Fatal(err)
		}
		p := Path{Peer: token, Scope: ScopeToken, Cwnd: 1, Mode: ModePolicy, Sharing: SharingPolicy, Source: SourceApplication}
		if err := p.Validate(); err != nil {
			t.Errorf("token %s: %v", digits, err)
		}
	}
}
