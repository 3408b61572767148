// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Mask stands where something was taken out.
const Mask = "***"

var userinfo = regexp.MustCompile(`\b([A-Za-z][A-Za-z0-9+.-]*://)([^\s"'/]*|[^\s"']*:[^\s"']*)@`)

// Text is words whose URLs have lost user names and passwords. URLs without a
// scheme are not found: what may hold those is for Words or Servers.
func Text(words string) string { return userinfo.ReplaceAllString(words, "${1}"+Mask+"@") }

// Servers is a list of URLs, with commas between, of which scheme, host and port
// are left. One that cannot be read is not shown at all.
func Servers(list string) string {
	all := parts(list)
	shown := make([]string, len(all))
	for i, p := range all {
		if shown[i] = p.scheme + p.host; !p.readable {
			shown[i] = Mask
		}
	}
	return strings.Join(shown, ",")
}

// part is one URL of a list, taken apart without any trust in how it is written.
type part struct {
	scheme   string // with "://"; may be empty
	user     string // all before the last "@"
	host     string // and port
	readable bool
}

func parts(list string) []part {
	texts := strings.Split(list, ",")
	all := make([]part, len(texts))
	for i, text := range texts {
		text = strings.TrimSpace(text)
		p := part{host: text}
		if scheme, rest, found := strings.Cut(text, "://"); found {
			p.scheme, p.host = scheme+"://", rest
		}
		if at := strings.LastIndexByte(p.host, '@'); at >= 0 {
			p.user, p.host = p.host[:at], p.host[at+1:]
		}
		if end := strings.IndexAny(p.host, "/?#"); end >= 0 {
			p.host = p.host[:end]
		}
		p.readable = hostAndPort(p.host)
		if i > 0 && p.user != "" && p.scheme == "" { // the comma was in a password
			if before := &all[i-1]; before.scheme != "" && before.user == "" {
				before.readable, before.user = false, before.host
			}
		}
		if !p.readable && p.user == "" {
			p.user = p.host
		}
		all[i] = p
	}
	return all
}

func hostAndPort(text string) bool {
	host, port := text, ""
	if colon := strings.LastIndexByte(text, ':'); colon > strings.LastIndexByte(text, ']') {
		host, port = text[:colon], text[colon+1:]
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return false
		}
	}
	if inner, found := strings.CutPrefix(host, "["); found {
		_, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		return err == nil && strings.HasSuffix(inner, "]")
	}
	return host != "" && !strings.ContainsAny(host, ":[]\\\"'` ")
}

// Readable reports whether every URL of a list can be read. Which cannot is said
// by its place, from 1.
func Readable(list string) (place int, ok bool) {
	for i, p := range parts(list) {
		if !p.readable {
			return i + 1, false
		}
		if _, err := url.Parse("x://" + p.user + "@" + p.host); p.user != "" && err != nil {
			return i + 1, false
		}
	}
	return 0, true
}

// Words takes the secrets of lists of URLs out of words, however they are
// written there.
func Words(words string, lists ...string) string {
	var needles []string
	for _, list := range lists {
		for _, p := range parts(list) {
			needles = append(needles, forms(p.user)...)
			if _, password, found := strings.Cut(p.user, ":"); found {
				needles = append(needles, forms(password)...)
			}
		}
	}
	slices.SortFunc(needles, func(a, b string) int { return len(b) - len(a) })
	for _, needle := range needles {
		words = strings.ReplaceAll(words, needle, Mask)
	}
	return Text(words)
}

// short secrets are parts of many words, and hide nothing.
const short = 3

// forms are the ways in which others write a secret.
func forms(secret string) (all []string) {
	plain := secret
	if decoded, err := url.PathUnescape(secret); err == nil {
		plain = decoded
	}
	cut := secret
	if end := strings.IndexAny(secret, "/?#"); end >= 0 { // where others take the host for ended
		cut = secret[:end]
	}
	for _, form := range []string{
		secret, plain, cut, url.QueryEscape(plain), url.PathEscape(plain), url.User(plain).String(),
		strings.Trim(strconv.Quote(secret), `"`), strings.Trim(strconv.Quote(plain), `"`),
	} {
		if len(form) > short {
			all = append(all, form)
		}
	}
	return all
}

// Error is err whose words went through Words.
func Error(err error, lists ...string) error {
	if err == nil {
		return nil
	}
	words := Words(err.Error(), lists...)
	if words == err.Error() {
		return err
	}
	return masked{err, words}
}

type masked struct {
	error
	words string
}

func (m masked) Error() string { return m.words }
func (m masked) Unwrap() error { return m.error }

var seed = regexp.MustCompile(`^S[A-Z2-7]{57}$`)

// IsContent reports whether a text that should name a file is what should be in
// it: a key, a certificate, a token.
func IsContent(name string) bool {
	name = strings.TrimSpace(name)
	return strings.Contains(name, "-----BEGIN") || strings.Contains(name, "\n") || strings.HasPrefix(name, "eyJ") || seed.MatchString(name)
}
