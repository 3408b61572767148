// SPDX-License-Identifier: Apache-2.0

package kernels

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Keep writes what happened now into a directory and returns it with what is
// there of other kernels, oldest kernel first: a table needs no single run.
func Keep(dir string, columns []Column) ([]Column, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	for _, c := range columns {
		if c.Kernel == "" {
			continue // it never said what it is
		}
		text, err := json.Marshal(c)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(dir, c.Name()+".json"), text, 0o644); err != nil {
			return nil, err
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	var all []Column
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var c Column
		if err := json.Unmarshal(text, &c); err != nil {
			return nil, fmt.Errorf("%s: %w; remove it", file, err)
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b Column) int { return slices.Compare(numbers(a.Name()), numbers(b.Name())) })
	return all, nil
}
