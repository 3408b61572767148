// SPDX-License-Identifier: Apache-2.0

package jsonline

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func read(text string) (got map[string]string, err error) {
	got = make(map[string]string)
	s := New([]byte(text))
	names := []string{"a", "b"}
	err = s.Object(names, func(i int) error {
		if s.Next() == '"' {
			value, err := s.String("a text")
			got[names[i]] = string(value)
			return err
		}
		value, err := s.Bare("a value")
		got[names[i]] = string(value)
		return err
	}, func([]byte) error { return s.Skip() })
	return got, err
}

func TestObject(t *testing.T) {
	for text, want := range map[string]map[string]string{
		`{}`: {},
		" {\n\"a\" : 1 ,\r\n\t\"b\":\"x\\u0041\" } \n":            {"a": "1", "b": "xA"},
		`{"c":[],"a":true,"d":{"a":[{},"]}",1e3]},"e":"","f":-1}`: {"a": "true"},
	} {
		got, err := read(text)
		if err != nil || len(got) != len(want) || got["a"] != want["a"] || got["b"] != want["b"] {
			t.Errorf("%s gave %v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		``:                      `the line ends where '{' should be`,
		`{"a":1,"a":2}`:         `field "a" is given twice`,
		`{"a":1 "b":2}`:         `where ',' should be`,
		`{"a":1,}`:              `where a field name should be`,
		`{"c":}`:                `where a value should be`,
		`{"c":[1,}`:             `is not a JSON value`,
		`{"c":[1,2}]`:           `is not a JSON value`,
		`{"c":[[[[`:             `the line ends where a value should be`,
		`{"c":nul}`:             `"nul" is not a JSON value`,
		`{"c":"` + "\x01" + `"`: `is not a JSON string`,
		`{"a":"\x"}`:            `a: "\"\\x\"}" is not a JSON string`,
		`{} {}`:                 `where the end of the line should be`,
		`{"a":,}`:               `a: ",}" at column 6, where a value should be`,
	} {
		if _, err := read(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s gave %v, want ...%s...", text, err, want)
		}
	}
}

func TestIntegers(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "7": 7, "100": 100, "101": -1, "-1": -1, "01": -1, "1.0": -1, "1e1": -1, "99999999999999999999": -1} {
		got, err := New([]byte(text)).Integer("things", 100)
		if (err != nil) != (want < 0) || err == nil && got != want {
			t.Errorf("%s gave %d, %v", text, got, err)
		}
	}
}

func TestWord(t *testing.T) {
	refuse := func(text string) error { return errors.New("not " + text) }
	if got, err := Word(New([]byte(`"\u0061b"`)), []string{"ab", "cd"}, refuse); err != nil || got != "ab" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := Word(New([]byte(`"x"`)), []string{"ab"}, refuse); err == nil || err.Error() != "not x" {
		t.Errorf("got %v", err)
	}
}

// What is read as an object is one for encoding/json, too, but for bare words that known takes.
func FuzzObject(f *testing.F) {
	f.Add(`{"a":1,"c":{"d":[1,2,"x"]},"b":"y"}`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := read(text)
		if err != nil {
			return
		}
		for _, value := range got {
			if !json.Valid([]byte(value)) {
				return // of a bare word or a string
			}
		}
		if !json.Valid([]byte(text)) {
			t.Fatalf("%q was read as %v", text, got)
		}
	})
}
