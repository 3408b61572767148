// SPDX-License-Identifier: Apache-2.0

package jsonline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tcpresume/tcpresume/internal/textfile"
)

// Scanner reads the tokens of one flat JSON object.
type Scanner struct {
	text []byte
	pos  int
}

// New reads text, which must stay as it is meanwhile.
func New(text []byte) *Scanner { return &Scanner{text: text} }

// Next skips blanks and returns the byte at hand; 0 at the end.
func (s *Scanner) Next() byte {
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; c {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

// Expect takes one character.
func (s *Scanner) Expect(c byte) error {
	if s.Next() != c {
		return s.Unexpected("'" + string(c) + "'")
	}
	s.pos++
	return nil
}

// Unexpected says what is here instead of what is wanted.
func (s *Scanner) Unexpected(want string) error {
	if s.pos == 0 && textfile.IsUTF16(s.text) {
		return textfile.ErrUTF16
	}
	if s.pos >= len(s.text) {
		return fmt.Errorf("the line ends where %s should be: give one JSON object per line", want)
	}
	return fmt.Errorf("%q at column %d, where %s should be: give one JSON object per line", Clip(s.text[s.pos:]), s.pos+1, want)
}

// String takes a string; the result is part of the text where it has no escapes.
func (s *Scanner) String(want string) ([]byte, error) {
	if s.Next() != '"' {
		return nil, s.Unexpected(want)
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
				return nil, fmt.Errorf("%q is not a JSON string", Clip(s.text[start:]))
			}
			return []byte(text), nil
		case c == '\\':
			plain = false
			s.pos++
		case c < ' ':
			return nil, fmt.Errorf("%q is not a JSON string", Clip(s.text[start:]))
		}
	}
	return nil, fmt.Errorf("%q has no closing quote", Clip(s.text[start:]))
}

// Bare takes a token without quotes: a number, true, false or null.
func (s *Scanner) Bare(want string) ([]byte, error) {
	s.Next()
	start := s.pos
	for s.pos < len(s.text) {
		if c := s.text[s.pos]; c <= ' ' || strings.IndexByte(`,:{}[]"`, c) >= 0 {
			break
		}
		s.pos++
	}
	if start == s.pos {
		return nil, s.Unexpected(want)
	}
	return s.text[start:s.pos], nil
}

// Integer takes a whole number of 0 to most.
func (s *Scanner) Integer(unit string, most int64) (int64, error) {
	text, err := s.Bare("a number of " + unit)
	if err != nil {
		return 0, err
	}
	n, ok := Digits(text)
	if !ok || n > uint64(most) {
		return 0, fmt.Errorf("%q is not a number of %s: give a whole number from 0 to %d", Clip(text), unit, most)
	}
	return int64(n), nil
}

// Skip takes a value that is not looked at, nested ones included.
func (s *Scanner) Skip() error {
	const want = "a value"
	start, depth := s.pos, 0
	for {
		switch c := s.Next(); c {
		case '{', '[':
			depth++
			s.pos++
		case '}', ']':
			if depth == 0 {
				return s.Unexpected(want)
			}
			depth--
			s.pos++
		case ',', ':':
			if depth == 0 {
				return s.Unexpected(want)
			}
			s.pos++
		case '"':
			if _, err := s.String(want); err != nil {
				return err
			}
		default:
			if _, err := s.Bare(want); err != nil {
				return err
			}
		}
		if depth == 0 {
			break
		}
	}
	if text := bytes.TrimSpace(s.text[start:s.pos]); !json.Valid(text) {
		return fmt.Errorf("%q is not a JSON value", Clip(text))
	}
	return nil
}

// Digits reads what no 64 bits can overflow.
func Digits(text []byte) (n uint64, ok bool) {
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

// Trim takes blanks off both ends of a line, and the byte order mark that some
// editors put before a file, and concatenation before a later line.
func Trim(line []byte) []byte {
	return bytes.TrimSpace(textfile.TrimMark(bytes.TrimSpace(line)))
}

// Clip keeps an error on one line, however long the value is.
func Clip(text []byte) string {
	const most = 40
	if len(text) > most {
		return string(text[:most]) + "..."
	}
	return string(text)
}
