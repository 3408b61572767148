// SPDX-License-Identifier: Apache-2.0

package jsonline

import "fmt"

// Object reads the whole text as one object. Each field in names is handed to
// known by its place there, at most once; of others unknown takes the value,
// or says why not.
func (s *Scanner) Object(names []string, known func(i int) error, unknown func(name []byte) error) error {
	if err := s.Expect('{'); err != nil {
		return err
	}
	var seen uint64
	for first := true; s.Next() != '}'; first = false {
		if !first {
			if err := s.Expect(','); err != nil {
				return err
			}
		}
		name, err := s.String("a field name")
		if err != nil {
			return err
		}
		if err := s.Expect(':'); err != nil {
			return err
		}
		i := indexOf(names, name)
		switch {
		case i < 0:
			err = unknown(name)
		case seen&(1<<i) != 0:
			return fmt.Errorf("field %q is given twice", names[i])
		default:
			seen |= 1 << i
			if err = known(i); err != nil {
				err = fmt.Errorf("%s: %w", names[i], err)
			}
		}
		if err != nil {
			return err
		}
	}
	s.pos++
	if s.Next(); s.pos < len(s.text) {
		return s.Unexpected("the end of the line")
	}
	return nil
}

func indexOf(names []string, name []byte) int {
	for i, n := range names {
		if n == string(name) {
			return i
		}
	}
	return -1
}

// Word takes a string that must be one of a few.
func Word[W ~string](s *Scanner, allowed []W, refuse func(text string) error) (W, error) {
	text, err := s.String("a word in quotes")
	if err != nil {
		return "", err
	}
	for _, w := range allowed {
		if string(w) == string(text) {
			return w, nil // without the copy that an error needs
		}
	}
	return "", refuse(string(text))
}
