// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
)

// list is a flag of several numbers, as in "0.5,1,2".
type list[T int | float64] []T

func (l *list[T]) String() string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint([]T(*l)), " ", ","), "[]")
}

func (l *list[T]) Set(text string) error {
	*l = nil
	for _, word := range strings.Split(text, ",") {
		var value T
		if _, err := fmt.Sscan(word, &value); err != nil {
			return fmt.Errorf("%q is no number: give numbers with commas between them", word)
		}
		*l = append(*l, value)
	}
	return nil
}
