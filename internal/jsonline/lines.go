// SPDX-License-Identifier: Apache-2.0

package jsonline

import (
	"bufio"
	"errors"
	"io"
)

// Lines reads a stream line by line. One that is too long costs its own only.
type Lines struct{ from *bufio.Reader }

// NewLines reads lines of fewer than size bytes; a longer one is cut off there.
func NewLines(from io.Reader, size int) *Lines {
	return &Lines{bufio.NewReaderSize(from, size)}
}

// Next returns the next line, trimmed and valid until the following call, or
// the beginning of one that is too long. The error is io.EOF at the end.
func (l *Lines) Next() ([]byte, error) {
	line, err := l.from.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		line = append([]byte(nil), line...) // the rest of it goes through the same buffer
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = l.from.ReadSlice('\n')
		}
	}
	if errors.Is(err, io.EOF) && len(line) > 0 {
		err = nil
	}
	return Trim(line), err
}
