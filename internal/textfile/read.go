// SPDX-License-Identifier: Apache-2.0

package textfile

import (
	"bytes"
	"errors"
	"fmt"
	"os"
)

// mark is the byte order mark that some editors put before UTF-8.
var mark = []byte("\ufeff")

// ErrUTF16 says that a text is in UTF-16, by its byte order mark.
var ErrUTF16 = errors.New("the text begins with the byte order mark of UTF-16: save it as UTF-8")

// TrimMark takes a byte order mark off a text.
func TrimMark(text []byte) []byte { return bytes.TrimPrefix(text, mark) }

// IsUTF16 reports whether a text begins with the byte order mark of UTF-16.
func IsUTF16(text []byte) bool {
	return bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff"))
}

// Read is os.ReadFile for text. The error may be ErrUTF16.
func Read(name string) ([]byte, error) {
	text, err := os.ReadFile(name)
	if err == nil && IsUTF16(text) {
		return nil, fmt.Errorf("%s: %w", name, ErrUTF16)
	}
	return TrimMark(text), err
}
