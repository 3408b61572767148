// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tcpresume/tcpresume/test/bench"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/lab/plot"
)

func (s *story) draw(dir string) (svg string, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	title := fmt.Sprintf("Time to the client's last byte of %s: %s, %s, queue 0.25 BDP, CUBIC\n%s",
		megabytes(response), milliseconds(s.path.RTT), megabits(s.path.Rate), strings.Join(s.exactness(), "\n"))
	var series []plot.Series
	for _, t := range s.trials {
		series = append(series, plot.Series{
			Name:    t.Mode.Label + ": " + milliseconds(t.Elapsed),
			Samples: untilDelivered(t.Samples),
			Marks:   marks(t),
		})
	}
	svg = absolute(filepath.Join(dir, "demo.svg"))
	png := absolute(filepath.Join(dir, "demo.png"))
	return svg, errors.Join(plot.Draw(svg, title, series), plot.Draw(png, title, series))
}

// marks are the phases of mode careful; exact has none worth a line.
func marks(t bench.Trial) []plot.Mark {
	if t.Mode.Name != "careful" {
		return nil
	}
	var all []plot.Mark
	for _, phase := range t.Phases {
		if phase.At <= t.Elapsed {
			all = append(all, plot.Mark{At: phase.At, Text: strings.ReplaceAll(phase.Name, "_", " ")})
		}
	}
	return all
}

// untilDelivered cuts off what says nothing of the transfer: the wait for the client's end.
func untilDelivered(samples []lab.Sample) []lab.Sample {
	for i, sample := range samples {
		if sample.Delivered >= response {
			return samples[:i+1]
		}
	}
	return samples
}
