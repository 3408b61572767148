// SPDX-License-Identifier: Apache-2.0

package plot

import (
	"math"
	"strconv"

	gonum "gonum.org/v1/plot"
)

// decimalTicks labels an axis at 4 to 10 round values: multiples of 1, 2 or 5
// times a power of ten.
type decimalTicks struct{}

func (decimalTicks) Ticks(low, high float64) []gonum.Tick {
	step := roundStep((high - low) / 7)
	decimals := max(0, -int(math.Floor(math.Log10(step))))
	var ticks []gonum.Tick
	for n := math.Ceil(low / step); n*step <= high; n++ {
		label := strconv.FormatFloat(n*step, 'f', decimals, 64)
		ticks = append(ticks, gonum.Tick{Value: n * step, Label: label})
	}
	return ticks
}

func roundStep(wanted float64) float64 {
	if wanted <= 0 || math.IsInf(wanted, 0) || math.IsNaN(wanted) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(wanted)))
	for _, factor := range []float64{1, 2, 5} {
		if factor*power >= wanted {
			return factor * power
		}
	}
	return 10 * power
}
