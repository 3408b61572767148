// SPDX-License-Identifier: Apache-2.0

package record

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

// scanner reads the tokens of one flat JSON object.
type scanner struct {
	text []byte
	pos  int
}

// next skips blanks and returns the byte at hand; 0 at the end.
func (s *scanner) next() byte {
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; c {
		case ' ', '\t', '\r':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

func (s *scanner) expect(c byte) error {
	if s.next() != c {
		return s.unexpected("'" + string(c) + "'")
	}
	s.pos++
	return nil
}

func (s *scanner) unexpected(want string) error {
	if s.pos >= len(s.text) {
		return fmt.Errorf("the line ends where %s should be: give one JSON object per line", want)
	}
	return fmt.Errorf("%q at column %d, where %s should be: give one JSON object per line", clip(s.text[s.pos:]), s.pos+1, want)
}

func (s *scanner) string(want string) ([]byte, error) {
	if s.next() != '"' {
		return nil, s.unexpected(want)
	}
	start := s.pos
	plain := true
	for s.pos++; s.pos < len(s.text); s.pos++ {
		switch c := s.text[s.pos]; {
		case c == '"':
			s.pos++
			if plain {
				return s.text[start+1 : s.pos-1], nil
			}
			var text string
			if err := json.Unmarshal(s.text[start:s.pos], &text); err != nil {
				return nil, fmt.Errorf("%q is not a JSON string", clip(s.text[start:]))
			}
			return []byte(text), nil
		case c == '\\':
			plain = false
			s.pos++
		case c < ' ':
			return nil, fmt.Errorf("%q is not a JSON string", clip(s.text[start:]))
		}
	}
	return nil, fmt.Errorf("%q has no closing quote", clip(s.text[start:]))
}

// bare is a token without quotes: a number, true, false or null.
func (s *scanner) bare(want string) ([]byte, error) {
	s.next()
	start := s.pos
	for s.pos < len(s.text) {
		if c := s.text[s.pos]; c <= ' ' || strings.IndexByte(`,:{}[]"`, c) >= 0 {
			break
		}
		s.pos++
	}
	if start == s.pos {
		return nil, s.unexpected(want)
	}
	return s.text[start:s.pos], nil
}

func (s *scanner) bytes() (resume.Bytes, error) {
	const want = "a number of bytes, or a size in quotes"
	if s.next() == '"' {
		text, err := s.string(want)
		if err != nil {
			return 0, err
		}
		return resume.ParseBytes(string(text))
	}
	text, err := s.bare(want)
	if err != nil {
		return 0, err
	}
	if n, ok := digits(text); ok && n <= math.MaxUint32 {
		return resume.Bytes(n), nil
	}
	if !json.Valid(text) || text[0] > '9' { // a unit needs quotes; 007 and null are no numbers either
		return 0, fmt.Errorf("%q is not a number: put a size with a unit in quotes, as in \"256KiB\"", clip(text))
	}
	return resume.ParseBytes(string(text))
}

func (s *scanner) integer(unit string, most int64) (int64, error) {
	text, err := s.bare("a number of " + unit)
	if err != nil {
		return 0, err
	}
	n, ok := digits(text)
	if !ok || n > uint64(most) {
		return 0, fmt.Errorf("%q is not a number of %s: give a whole number from 0 to %d", clip(text), unit, most)
	}
	return int64(n), nil
}

func (s *scanner) cookie() (uint64, error) {
	text, err := s.bare("a network namespace's cookie")
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil || !json.Valid(text) {
		return 0, fmt.Errorf("%q is not a network namespace's cookie: give a whole number, or 0 for the host", clip(text))
	}
	return n, nil
}

func (s *scanner) skip() error {
	const want = "a plain value"
	if s.next() == '"' {
		_, err := s.string(want)
		return err
	}
	text, err := s.bare(want)
	if err == nil && !json.Valid(text) {
		return fmt.Errorf("%q is not a JSON value", clip(text))
	}
	return err
}

// digits reads what no 64 bits can overflow.
func digits(text []byte) (n uint64, ok bool) {
	if len(text) == 0 || len(text) > 18 || len(text) > 1 && text[0] == '0' {
		return 0, false
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, true
}

// clip keeps an error on one line, however long the value is.
func clip(text []byte) string {
	const most = 40
	if len(text) > most {
		return string(text[:most]) + "..."
	}
	return string(text)
}

func joined(names []string) string { return strings.Join(names, ", ") }
