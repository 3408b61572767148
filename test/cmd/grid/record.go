// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

// record is what was measured under one set of conditions. It is saved after
// each row: the whole grid takes long, and may be interrupted.
type record struct {
	CC      string
	Loss    float64
	Repeats int
	Rows    []row
}

func load(file string, b bench) (record, error) {
	want := record{CC: b.cc, Loss: b.loss, Repeats: b.repeats}
	data, err := os.ReadFile(file)
	if file == "" || errors.Is(err, fs.ErrNotExist) {
		return want, nil
	}
	if err != nil {
		return want, err
	}
	found := want
	if err := json.Unmarshal(data, &found); err != nil {
		return want, fmt.Errorf("%s: %w; move it away to measure afresh", file, err)
	}
	if found.CC != want.CC || found.Loss != want.Loss || found.Repeats != want.Repeats {
		return want, fmt.Errorf("%s holds %d runs a cell on %s with loss %g; name another file, or move it away", file, found.Repeats, found.CC, found.Loss)
	}
	return found, nil
}

func (r record) has(on route, bytes int) bool {
	return slices.ContainsFunc(r.Rows, func(row row) bool { return row.Route == on && row.Bytes == bytes })
}

func (r record) save(file string) error {
	if file == "" {
		return nil
	}
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", data, 0o644); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}
